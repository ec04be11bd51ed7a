"""Tensors in, tensors out: the generator of Figure 1b and the progressive discriminator."""
