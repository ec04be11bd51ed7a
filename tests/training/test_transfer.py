"""Fine-tuning: what a new training run takes from a trained or imported network."""

import pytest
import torch

from stylegan import checkpoint
from stylegan.checkpoint import Networks
from stylegan.errors import InputError
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator
from stylegan.training.state import TrainingState
from stylegan.training.train import train
from stylegan.training.transfer import transfer

from conftest import TINY

CPU = torch.device("cpu")
TINY_8 = TINY.but(img_resolution=8)


def source(config):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(5)
        return Networks(Generator(config), Generator(config), Discriminator(config))


def test_a_network_of_the_same_size_is_taken_over_whole():
    old, state = source(TINY), TrainingState.new(TINY, CPU)
    transfer(old, state)
    for name, network in old.modules().items():
        new = state.networks().modules()[name].state_dict()
        assert all(torch.equal(tensor, new[key]) for key, tensor in network.state_dict().items())


def test_a_smaller_network_gives_the_resolutions_that_it_has():
    old, state = source(TINY_8), TrainingState.new(TINY, CPU)
    lines = transfer(old, state)
    for i in range(2):  # 4x4 and 8x8
        assert torch.equal(old.G.synthesis.blocks[i].torgb.bias, state.G.synthesis.blocks[i].torgb.bias)
        assert torch.equal(
            old.G.synthesis.blocks[i].layers[1].op.weight, state.G.synthesis.blocks[i].layers[1].op.weight
        )
    assert torch.equal(old.D.blocks[0].conv1.weight, state.D.blocks[0].conv1.weight)
    assert "new: synthesis.blocks.2" in lines[0]


def test_without_g_the_average_serves_and_a_missing_d_starts_anew():
    old, state = source(TINY), TrainingState.new(TINY, CPU)
    lines = transfer(Networks(old.G_ema), state)
    assert torch.equal(state.G.mapping.layers[0].weight, old.G_ema.mapping.layers[0].weight)
    assert lines[-1] == "D: not in the file, starts from random weights"


@pytest.mark.parametrize(
    ("theirs", "ours", "said"),
    [(("cat", "dog"), ("dog", "cat"), True), (("cat", "dog"), ("cat", "dog"), False), (("cat", "dog"), None, False)],
)
def test_classes_with_other_names_are_reported(theirs, ours, said):
    old, state = source(TINY), TrainingState.new(TINY, CPU)
    old.metadata["class_names"] = theirs
    if ours:
        state.metadata["class_names"] = ours
    assert any("classes: the network had" in line for line in transfer(old, state)) == said


def test_a_network_that_does_not_fit_at_all_is_refused():
    old = source(TINY.but(channel_base=256, channel_max=16, z_dim=16, w_dim=16, mapping_dim=16, img_channels=1))
    with pytest.raises(InputError, match="nothing of the network to start from fits"):
        transfer(old, TrainingState.new(TINY, CPU))


def test_training_goes_on_from_an_imported_network_and_says_what_it_took(portraits, tiny, tmp_path, capsys):
    old = source(TINY)
    checkpoint.save(tmp_path / "old.safetensors", old)
    G = train(
        portraits.path,
        tmp_path / "run",
        config=tiny.but(total_kimg=0.004, lrate=1e-9, initial_resolution=16),
        init=tmp_path / "old.safetensors",
    )
    torch.testing.assert_close(
        G.synthesis.blocks[2].torgb.bias, old.G_ema.synthesis.blocks[2].torgb.bias, atol=1e-6, rtol=0
    )
    assert "tensors copied" in capsys.readouterr().err


def test_licence_and_source_go_with_the_weights(portraits, tiny, tmp_path, capsys):
    own = {"license": "CC BY-NC 4.0", "source": "old.pkl"}
    checkpoint.save(tmp_path / "old.safetensors", source(TINY), own | {"cur_nimg": 9})
    train(portraits.path, tmp_path / "run", config=tiny.but(total_kimg=0.004), init=tmp_path / "old.safetensors")
    assert "license: CC BY-NC 4.0" in capsys.readouterr().err
    assert checkpoint.load_networks(tmp_path / "run").metadata == own | {"cur_nimg": 4}
    state, _ = TrainingState.load(tmp_path / "run" / "state.safetensors", CPU)
    assert state.networks().metadata == own | {"cur_nimg": 4}
