"""Which layer controls what: measured, with how sure one may be."""
