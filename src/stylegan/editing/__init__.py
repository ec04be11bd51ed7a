"""Pictures changed on purpose: directions in W, and real pictures projected into it."""
