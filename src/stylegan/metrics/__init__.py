"""How good the pictures are and how the latent spaces are ordered: the paper's Section 4 and the field's numbers."""
