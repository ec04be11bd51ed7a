"""The distance between pictures that differ only in the styles of one level."""

import pytest
import torch

from stylegan.errors import InputError
from stylegan.metrics.diversity import level_diversity


def squared(a, b):
    return (a - b).square().mean(dim=(1, 2, 3))


@pytest.fixture
def ws(G):
    z = torch.randn(2, 3, G.z_dim, generator=torch.manual_seed(0))
    return [G.broadcast(G.mapping(part)) for part in z]


def test_no_level_makes_no_difference_even_with_noise(G, ws):
    found = level_diversity(G, *ws, "none", distance=squared, generator=torch.manual_seed(1))
    assert (found == 0).all()


def test_all_levels_make_the_whole_difference_of_two_pictures_with_the_same_noise(G, ws):
    found = level_diversity(G, *ws, "all", distance=squared, noise_mode="const")
    a, b = (G.synthesis(x, noise_mode="const") for x in ws)
    torch.testing.assert_close(found, squared(a, b))


def test_a_level_takes_only_its_own_styles_from_b(G, ws):
    mixed = ws[0].clone()
    mixed[:, 4:8] = ws[1][:, 4:8]  # 16 and 32 px
    seen = []
    level_diversity(G, *ws, "middle", distance=lambda a, b: seen.append((a, b)) or squared(a, b), noise_mode="none")
    torch.testing.assert_close(seen[0][0], G.synthesis(ws[0], noise_mode="none"))
    torch.testing.assert_close(seen[0][1], G.synthesis(mixed, noise_mode="none"))


def test_styles_levels_and_noise_that_do_not_fit_are_refused(G, ws, traditional):
    with pytest.raises(InputError, match="names no layer"):
        level_diversity(G, *ws, "huge", distance=squared)
    with pytest.raises(InputError, match=r"ws_b of shape \(2, 8, 16\): must be \(3, 8, 16\)"):
        level_diversity(G, ws[0], ws[1][:2], "all", distance=squared)
    with pytest.raises(InputError, match="noise_mode 'loud': must be random or const or none"):
        level_diversity(G, *ws, "all", distance=squared, noise_mode="loud")
    w = torch.zeros(2, 1, 16)
    with pytest.raises(InputError, match="this network has no styles"):
        level_diversity(traditional, w, w, "all", distance=squared)
