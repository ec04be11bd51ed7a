"""The run folder, and what looks on."""
