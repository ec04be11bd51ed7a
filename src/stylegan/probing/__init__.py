"""Which layer controls what: measured, with its uncertainty."""
