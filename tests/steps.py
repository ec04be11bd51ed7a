"""Two training steps compared."""

NOISE = "G.synthesis.blocks.0.layers.0.bias"  # its gradient: it has no effect, as the norm behind it takes it away


def assert_same(ours, theirs, tolerance):
    """The same tensors, each to `tolerance` of its largest number."""
    assert ours.keys() == theirs.keys()
    wrong = {n: (ours[n] - t).abs().max().item() / max(t.abs().max().item(), 1e-300) for n, t in theirs.items()}
    assert {n: error for n, error in wrong.items() if not error <= tolerance} == {}
