"""What a training run will cost."""
