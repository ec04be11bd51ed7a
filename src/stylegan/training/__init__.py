"""Progressive training (Section 2, Appendix C): the schedule, the losses, the loop, and the run folder."""
