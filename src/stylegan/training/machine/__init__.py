"""The resources of the machine, and how a step uses them."""
