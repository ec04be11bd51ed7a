"""What fits of another program's D is read. The rest is new, as `import` and `train --init` say."""

import math

import pytest
import torch
import torch.nn.functional as F
from port_files import KERNEL, genforce, genforce_discriminator, huangzh13, rosinality, rosinality_discriminator
from torch.testing import assert_close

from stylegan.checkpoint import load_networks
from stylegan.config import CONFIG_F, NetworkConfig
from stylegan.errors import InputError
from stylegan.interop.importing import import_network
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator
from stylegan.training.state import TrainingState
from stylegan.training.transfer import transfer

WIDE = {"img_resolution": 32, "channel_base": 4096, "channel_max": 8, "z_dim": 8, "w_dim": 8, "mapping_dim": 8}
ROSINALITY = {"norm_eps": 1e-5, "up_bias": True}


def networks(**fields):
    """G and D with every tensor random."""
    torch.manual_seed(0)
    config = NetworkConfig(**(WIDE | fields))
    pair = Generator(config).requires_grad_(False), Discriminator(config).requires_grad_(False)
    for network in pair:
        for tensor in network.state_dict().values():
            tensor.normal_()
    return pair


@pytest.fixture
def imported(tmp_path):
    def imported(value, **how):
        path, to = tmp_path / "theirs.model", tmp_path / "ours.safetensors"
        torch.save(value, path)
        to.unlink(missing_ok=True)
        import_network(path, to, **how)
        return load_networks(to)

    return imported


def said_of_d(found):
    return [line for line in found.metadata["made"] if line.startswith("D:")]


def parts_taken(found, D):
    ours = D.state_dict()
    same = {n for n, t in found.D.state_dict().items() if n in ours and torch.equal(t, ours[n])}
    return {".".join(name.split(".")[:2]) for name in same}


def rosinalitys_logits(theirs, images):
    """The logits of rosinality's D, with that program's run-time scales. The whole batch is one group."""

    def conv(x, name, padding):
        weight = theirs[f"{name}.weight_orig"].double()
        scale = math.sqrt(2 / weight[0].numel())
        return F.conv2d(x, weight * scale, theirs[f"{name}.bias"].double(), padding=padding)

    x = F.leaky_relu(conv(images, "from_rgb.5.0.conv", 0), 0.2)
    for r in (5, 6, 7):
        x = F.leaky_relu(conv(x, f"progression.{r}.conv1.0.conv", 1), 0.2)
        x = F.conv2d(x, KERNEL.double().expand(x.shape[1], 1, 3, 3), padding=1, groups=x.shape[1])
        x = F.leaky_relu(F.avg_pool2d(conv(x, f"progression.{r}.conv2.1.conv", 1), 2), 0.2)
    deviation = (x.var(0, unbiased=False) + 1e-8).sqrt().mean().expand(len(x), 1, 4, 4)
    x = F.leaky_relu(conv(torch.cat([x, deviation], 1), "progression.8.conv1.0.conv", 1), 0.2)
    x = F.leaky_relu(conv(x, "progression.8.conv2.0.conv", 0), 0.2).flatten(1)
    weight = theirs["linear.linear.weight_orig"].double()
    return F.linear(x, weight * math.sqrt(2 / weight.shape[1]), theirs["linear.linear.bias"].double())


def test_all_of_rosinalitys_d_is_read_if_its_blocks_have_one_width(imported):
    G, D = networks(**ROSINALITY)
    theirs = rosinality_discriminator(D)
    found = imported({"g_running": rosinality(G), "discriminator": theirs})
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(2)).double()
    assert_close(found.D.double()(images), rosinalitys_logits(theirs, images), rtol=1e-5, atol=1e-5)
    assert not said_of_d(found)


def widened(theirs):
    """Widen the block at 32 px from 4 to 8 channels in its first convolution, as that program does."""
    theirs["from_rgb.5.0.conv.weight_orig"] = torch.randn(4, 3, 1, 1)
    theirs["from_rgb.5.0.conv.bias"] = torch.randn(4)
    theirs["progression.5.conv1.0.conv.weight_orig"] = torch.randn(8, 4, 3, 3)
    return theirs


def test_a_block_that_widens_elsewhere_is_new_and_the_others_are_read(imported):
    G, _ = networks(channel_base=128, **ROSINALITY)  # 4 channels at 32 px
    _, wide = networks()
    theirs = widened(rosinality_discriminator(wide))
    found = imported({"g_running": rosinality(G), "discriminator": theirs})
    (said,) = said_of_d(found)
    assert said.endswith("tensors fit and are read; new, drawn with seed 0: blocks.2")
    assert parts_taken(found, wide) >= {"blocks.0", "blocks.1", "head.conv", "head.dense0", "fromrgb.0", "fromrgb.2"}
    assert torch.equal(found.D.fromrgb[3].conv.weight, theirs["from_rgb.5.0.conv.weight_orig"])
    assert not torch.equal(found.D.blocks[2].bias1, wide.blocks[2].bias1)  # a block is read whole or not at all
    again = imported({"g_running": rosinality(G), "discriminator": theirs})
    assert all(torch.equal(t, again.D.state_dict()[name]) for name, t in found.D.state_dict().items())


def test_picture_inputs_without_an_activation_are_new(imported):
    G, D = networks(**ROSINALITY)
    theirs = {
        name.replace(".0.conv", ".conv", name.startswith("from_rgb")): t
        for name, t in rosinality_discriminator(D).items()
    }
    found = imported({"g_running": rosinality(G), "discriminator": theirs})
    (said,) = said_of_d(found)
    assert said.endswith("new, drawn with seed 0: fromrgb.0, fromrgb.1, fromrgb.2, fromrgb.3")


def test_genforces_d_of_another_width_gives_what_fits(imported):
    G, _ = networks()
    _, D = networks(channel_base=128)
    found = imported({"generator_smooth": genforce(G), "discriminator": genforce_discriminator(D)})
    (said,) = said_of_d(found)
    assert said.endswith("new, drawn with seed 0: fromrgb.3, blocks.2")
    assert parts_taken(found, D) >= {"blocks.0", "blocks.1", "head.conv", "head.dense0", "head.dense1"}


@pytest.mark.parametrize("name", ["layer2.weight", "input1.bias", "layer8.bias", "layer7.weight"])
@pytest.mark.parametrize("fault", ["missing", "misshapen"])
def test_an_incomplete_d_of_genforces_is_refused(imported, name, fault):
    G, D = networks()
    theirs = genforce_discriminator(D)
    theirs[name] = torch.zeros(3, 5)
    if fault == "missing":
        del theirs[name]
    with pytest.raises(InputError, match="cannot be imported:\ndiscriminator: "):
        imported({"generator_smooth": genforce(G), "discriminator": theirs})


def test_a_d_of_a_program_whose_d_never_fits_is_not_read_and_that_is_said(imported):
    G, D = networks(norm_eps=1e-5)
    found = imported({"generator": huangzh13(G), "discriminator": genforce_discriminator(D)})
    assert found.D is None
    words = "D: that of huangzh13/StyleGAN.pytorch is not read; training from this file starts with a new one"
    assert said_of_d(found) == [words]


def test_training_says_which_parts_of_d_were_new(imported):
    G, _ = networks()
    _, D = networks(channel_base=128)
    found = imported({"generator_smooth": genforce(G), "discriminator": genforce_discriminator(D)})
    state = TrainingState.new(CONFIG_F.but(img_resolution=32).continuing(found.G_ema.config, 32), torch.device("cpu"))
    lines = transfer(found, state)
    assert f"{said_of_d(found)[0]} (as it was imported)" in lines
    assert torch.equal(state.D.blocks[1].conv0.weight, D.blocks[1].conv0.weight)
