"""The run folder, and what observes a run."""
