"""StyleGAN: a style-based generator for anyone's pictures (Karras, Laine, Aila, arXiv 1812.04948)."""
