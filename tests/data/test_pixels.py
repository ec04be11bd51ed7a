"""uint8 <-> [-1, 1], against numbers that the authors' code printed."""

from pathlib import Path

import numpy as np
import torch

from stylegan.data.pixels import to_float, to_uint8

GOLDEN = np.load(Path(__file__).parent / "golden" / "ops.npz")


def test_to_float_is_the_authors_adjust_dynamic_range():
    x = to_float(torch.arange(256, dtype=torch.uint8))
    assert x.dtype == torch.float32
    torch.testing.assert_close(x, torch.from_numpy(GOLDEN["util/adjust_0_255_to_-1_1"]), rtol=0, atol=1e-6)


def test_to_float_at_lod_0_is_what_the_authors_network_sees():
    x = to_float(torch.from_numpy(GOLDEN["reals/x"]))
    torch.testing.assert_close(x, torch.from_numpy(GOLDEN["reals/lod0"]), rtol=0, atol=1e-6)


def test_to_uint8_is_the_authors_convert_images_to_uint8():
    assert np.array_equal(to_uint8(torch.from_numpy(GOLDEN["util/f"])).numpy(), GOLDEN["util/to_uint8"])


def test_to_uint8_saturates():
    assert to_uint8(torch.tensor([-9.0, -1.0, 0.0, 1.0, 9.0])).tolist() == [0, 0, 128, 255, 255]


def test_every_level_survives_the_way_there_and_back():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_float(levels)), levels)


def test_to_float_keeps_channels_last():
    x = torch.zeros(2, 8, 8, 3, dtype=torch.uint8).permute(0, 3, 1, 2)
    assert to_float(x).is_contiguous(memory_format=torch.channels_last)
