"""The run folder, and everything that observes a training run."""
