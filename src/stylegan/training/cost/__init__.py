"""The cost of a training run."""
