"""Progressive training: the schedule, the losses, the loop, and the run folder."""
