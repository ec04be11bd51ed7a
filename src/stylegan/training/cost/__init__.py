"""What a training run will cost, and the run that a given time allows."""
