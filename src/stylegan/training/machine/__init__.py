"""The resources of the machine, and how a training step uses them."""
