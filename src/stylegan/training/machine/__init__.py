"""What the machine has, and how a step uses it."""
