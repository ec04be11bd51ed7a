"""How the layers are computed quickly on a CPU."""
