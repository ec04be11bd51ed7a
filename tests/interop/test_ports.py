"""Networks of other programs become ours and give the same pictures. What a file lacks is made; misfits are refused."""

import os
import pickle
import struct
import zipfile

import pytest
import torch
import torch.nn.functional as F
from port_files import (
    KERNEL,
    genforce,
    genforce_discriminator,
    huangzh13,
    lernapparat,
    old_genforce,
    rosinality,
)
from torch.testing import assert_close

from stylegan.checkpoint import load, load_networks
from stylegan.config import CONFIG_F, NetworkConfig
from stylegan.errors import InputError
from stylegan.interop import layouts
from stylegan.interop.importing import import_network
from stylegan.interop.inspecting import inspect
from stylegan.networks import fast
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator
from stylegan.networks.layers import EqualizedConv2dUp
from stylegan.sampling.truncation import estimate_w_avg
from stylegan.training.state import TrainingState
from stylegan.training.transfer import transfer

SMALL = {"img_resolution": 128, "channel_base": 512, "channel_max": 8, "z_dim": 8, "w_dim": 8, "mapping_dim": 8}
PORT = {"norm_eps": 1e-5}
WRITERS = {
    "genforce": (genforce, {}),
    "old genforce": (old_genforce, {}),
    "huangzh13": (huangzh13, PORT | {"mapping_layers": 4}),
    "lernapparat": (lernapparat, PORT),
    "rosinality": (rosinality, PORT | {"up_bias": True}),
}


def network(**fields):
    """G with every tensor random, except that biases that rosinality's files cannot hold are 0."""
    torch.manual_seed(0)
    G = Generator(NetworkConfig(**(SMALL | fields))).eval().requires_grad_(False)
    for name, tensor in G.state_dict().items():
        scale = 100 if name.startswith("mapping") and "embedding" not in name else 1
        tensor.copy_(torch.randn(tensor.shape) * scale * (0.3 if tensor.ndim == 1 else 1))
    if G.config.up_bias:
        for block in G.synthesis.blocks:
            block.layers[0].bias.zero_()
    return G


def pictures(G):
    """Pictures of fixed z and noise, in float64."""
    torch.manual_seed(1)
    z, noise = (
        torch.randn(2, G.z_dim).double(),
        [torch.randn(1, 1, layer.resolution, layer.resolution) for layer in G.synthesis.layers()],
    )
    c = torch.eye(G.c_dim).double()[:2] if G.c_dim else None
    return G.double()(z, c, noise=[n.double() for n in noise])


@pytest.fixture
def imported(tmp_path):
    """Save a value as a file and import it."""

    def imported(value, name="theirs.pth", *, old=False, **how):
        path, to = tmp_path / name, tmp_path / "ours.safetensors"
        torch.save(value, path, _use_new_zipfile_serialization=not old)
        to.unlink(missing_ok=True)
        import_network(path, to, **how)
        return load_networks(to)

    return imported


def refusal(imported, value, **how):
    with pytest.raises(InputError) as error:
        imported(value, **how)
    return str(error.value)


# The layouts


@pytest.mark.parametrize("old", [False, True], ids=["zip", "five pickles"])
@pytest.mark.parametrize("layout", WRITERS)
def test_a_network_comes_back_with_the_same_pictures(imported, layout, old):
    write, fields = WRITERS[layout]
    G = network(**fields)
    found = imported(write(G), old=old)
    assert found.G_ema.config == G.config
    assert_close(pictures(found.G_ema), pictures(G), rtol=1e-4, atol=1e-4)


def test_genforces_three_networks_are_read_with_the_average_as_g_ema(imported):
    G, G_ema, D = network(), network(), Discriminator(NetworkConfig(**SMALL)).requires_grad_(False)
    G_ema.w_avg.add_(1)
    parts = {"generator": genforce(G), "generator_smooth": genforce(G_ema), "discriminator": genforce_discriminator(D)}
    found = imported(
        {"models": parts, "running_metadata": {"iter": 1}, "optimizers": {"g": {"state": {0: {"step": 1}}}}}
    )
    assert torch.equal(found.G_ema.w_avg, G_ema.w_avg)
    assert torch.equal(found.G.w_avg, G.w_avg)
    assert all(torch.equal(t, D.state_dict()[name]) for name, t in found.D.state_dict().items())
    assert not any("training from it" in line for line in found.metadata["made"])


def test_names_from_training_on_several_gpus_are_read(imported):
    G = network()
    found = imported({"generator_smooth": {f"module.{name}": t for name, t in genforce(G).items()}})
    assert torch.equal(found.G_ema.w_avg, G.w_avg)


@pytest.mark.parametrize("writer", [genforce, huangzh13])
def test_classes_are_read(imported, writer):
    G = network(c_dim=3, norm_eps=1e-8 if writer is genforce else 1e-5)
    assert_close(pictures(imported(writer(G)).G_ema), pictures(G), rtol=1e-4, atol=1e-4)


def test_a_dense_layer_at_4x4_is_read(imported):
    G = network(const_input=False)
    assert_close(pictures(imported(genforce(G)).G_ema), pictures(G), rtol=1e-4, atol=1e-4)


def test_growth_is_read_from_genforces_tensor_and_from_huangzh13s_file_name(imported):
    G = network()
    G.lod = 1.5
    assert imported(genforce(G)).G_ema.lod == 1.5
    assert imported(huangzh13(G), name="GAN_GEN_SHADOW_3_40.pth").G_ema.lod == 2


def test_huangzh13_without_a_blur_resamples_to_the_nearest(imported):
    G = network(resample="nearest", norm_eps=1e-5)
    state = {name: t for name, t in huangzh13(G).items() if "intermediate" not in name}
    assert_close(pictures(imported(state).G_ema), pictures(G), rtol=1e-4, atol=1e-4)


# What a file lacks


def test_what_is_missing_is_made_and_said(imported):
    first = imported(huangzh13(network(norm_eps=1e-5)))
    again = imported(huangzh13(network(norm_eps=1e-5)))
    said = "\n".join(first.metadata["made"])
    assert all(words in said for words in ("w_avg", "10,000", "noise maps", "D: the file has none", "psi 0.7"))
    assert torch.equal(first.G_ema.w_avg, estimate_w_avg(first.G_ema))
    assert all(torch.equal(t, again.G_ema.state_dict()[name]) for name, t in first.G_ema.state_dict().items())


def test_the_smaller_picture_outputs_that_lernapparat_lacks_are_0(imported):
    found = imported(lernapparat(network(norm_eps=1e-5)))
    assert not found.G_ema.synthesis.blocks[0].torgb.conv.weight.any()
    assert any("below full size" in line for line in found.metadata["made"])


def test_both_layers_of_rosinality_share_their_noise_map(imported):
    found = imported(rosinality(network(norm_eps=1e-5, up_bias=True)))
    assert all(torch.equal(*(layer.noise_const for layer in block.layers)) for block in found.G_ema.synthesis.blocks)


# Resolution of rosinality's files


def grown_to_32():
    G = network(norm_eps=1e-5, up_bias=True)
    for block in G.synthesis.blocks[4:]:
        for layer in block.layers:
            layer.noise_strength.zero_()
    return rosinality(G)


def test_the_size_of_rosinalitys_file_is_guessed_and_said(imported):
    found = imported({"g_running": grown_to_32(), "g_optimizer": {}})
    assert found.G_ema.img_resolution == 32
    assert any("resolution: 32, a guess" in line for line in found.metadata["made"])


def test_the_size_of_rosinalitys_file_can_be_given(imported):
    assert imported(grown_to_32(), resolution=64).G_ema.img_resolution == 64
    assert "resolution 48: must be one of 4, 8, 16, 32, 64, 128" in refusal(imported, grown_to_32(), resolution=48)


def test_a_size_that_contradicts_the_file_is_refused(imported):
    assert "resolution 64: the file holds a network of 128 px" in refusal(imported, genforce(network()), resolution=64)


# Each correction is needed


@pytest.mark.parametrize(
    ("layout", "form"),
    [
        ("genforce", "TURNED"),
        ("old genforce", "TENSORFLOW_TURNED"),
        ("huangzh13", "TURNED"),
        ("lernapparat", "TURNED"),
        ("rosinality", "TRANSPOSED"),
        ("rosinality", "NOISE"),
        ("rosinality", "STYLE_BIAS"),
        ("rosinality", "times"),
    ],
)
def test_without_a_correction_the_pictures_differ(imported, monkeypatch, layout, form):
    write, fields = WRITERS[layout]
    G, right = network(**fields), getattr(layouts, form)
    lazy = {
        "TURNED": layouts.SAME,
        "TENSORFLOW_TURNED": layouts.Form(lambda t: t.permute(3, 2, 0, 1), right.shape if form != "times" else None),
        "TRANSPOSED": layouts.Form(lambda t: t.permute(1, 0, 2, 3).flip(2, 3), getattr(right, "shape", None)),
        "NOISE": layouts.Form(lambda t: t.flatten(), getattr(right, "shape", None)),
        "STYLE_BIAS": layouts.SAME,
        "times": lambda factor: right(1 if factor == 100 else factor),
    }[form]
    monkeypatch.setattr(layouts, form, lazy)
    found = imported(write(G), **({"resolution": 128} if layout == "rosinality" else {}))
    assert (pictures(found.G_ema) - pictures(G)).abs().max() > 0.01


@pytest.mark.parametrize(("change", "least"), [({"norm_eps": 1e-8}, 1e-7), ({"up_bias": False}, 1e-2)])
def test_the_two_fields_make_rosinalitys_pictures_exact(change, least):
    G = network(norm_eps=1e-5, up_bias=True)
    other = network(**({"norm_eps": 1e-5, "up_bias": True} | change))
    state = {name: t for name, t in G.state_dict().items() if name in other.state_dict()}
    other.load_state_dict(state)
    assert (pictures(other) - pictures(G)).abs().max() > least


def test_a_turned_kernel_of_a_transposed_convolution_is_ours():
    """The authors' fused up-convolution is the transposed sum of four shifts; rosinality's takes their mean."""
    x, up = torch.randn(1, 3, 5, 5).double(), EqualizedConv2dUp(3, 2).double()
    theirs = up.weight.detach().flip(2, 3).transpose(0, 1) * up.weight_gain  # (in, out, 3, 3)
    wide = F.pad(theirs, (1, 1, 1, 1))
    four = wide[..., 1:, 1:] + wide[..., :-1, 1:] + wide[..., 1:, :-1] + wide[..., :-1, :-1]
    assert_close(up(x), F.conv_transpose2d(x, four, stride=2, padding=1))
    back = layouts.TRANSPOSED.ours(4 * theirs / up.weight_gain)
    assert_close(back, up.weight.detach())


def test_the_bias_comes_before_the_blur_and_the_noise_after_it():
    G = network(norm_eps=1e-5, up_bias=True).double()
    layer, x = G.synthesis.blocks[2].layers[0], torch.randn(1, 8, 8, 8).double()
    up, bias, _ = layer.op
    y = F.conv2d(F.interpolate(x, scale_factor=2), up.weight * up.weight_gain, padding=1) + bias.bias[:, None, None]
    y = F.conv2d(y, KERNEL.double().expand(8, 1, 3, 3), padding=1, groups=8)
    noise = torch.randn(1, 1, 16, 16).double()
    y = F.leaky_relu(y + noise * layer.noise_strength[:, None, None], 0.2)
    assert_close(layer.activated(x, noise), y)
    w = torch.randn(1, 8).double()
    scale, shift = layer.norm.affine(w)[:, :, None, None].chunk(2, dim=1)
    assert_close(layer.norm(y, w), F.instance_norm(y, eps=1e-5) * (scale + 1) + shift)


# The two fields in the fast paths


def test_a_large_eps_and_the_bias_agree_fast_and_plain_up_to_the_second_derivative():
    G = network(img_resolution=16, channel_max=160, channel_base=2560, norm_eps=1e-3, up_bias=True).double()
    ws = torch.randn(1, G.num_ws, 8).double().requires_grad_()

    def derivatives():
        image = G.synthesis(ws, noise_mode="const")
        (first,) = torch.autograd.grad(image.square().sum(), ws, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), ws)
        return image, first, second

    found = derivatives()
    with fast.off():
        for ours, plain in zip(found, derivatives(), strict=True):
            assert_close(ours, plain, rtol=1e-8, atol=1e-8)


def test_old_files_lack_both_fields_and_the_defaults_write_neither():
    assert not {"norm_eps", "up_bias"} & NetworkConfig().to_json().keys()
    assert NetworkConfig.from_json(CONFIG_F.network.to_json()) == CONFIG_F.network
    both = NetworkConfig(norm_eps=1e-5, up_bias=True)
    assert NetworkConfig.from_json(both.to_json()) == both


# Other networks


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (
            {"g_ema": {"convs.0.conv.modulation.weight": 0, "style.1.weight": 0, "input.input": 0}},
            "rosinality/stylegan2",
        ),
        ({"GAN": {"S.net.0.weight": 0, "G.blocks.0.x": 0, "D.blocks.0.x": 0}, "version": "1"}, "lucidrains"),
        ({"state_dict": {"generator_ema.constant_input.input": 0, "a": 0, "b": 0}}, "mmgeneration"),
        ({"state_dict": {"generator_ema.convs.0.noise_injector1.weight": 0, "a": 0, "b": 0}}, "second activation"),
        ({"generator_ema": {"synthesis.b4.conv1.affine.weight": 0, "a": 0, "b": 0}}, "stylegan2-ada"),
        ({"params_ema": {"x": 0, "y": 0, "z": 0}}, "GFPGAN"),
        ({"g_running": {"generator.progression.0.conv.weight": 0, "a": 0, "b": 0}}, "before July 2019"),
        ({"net": {"weight": 0, "a": 0, "b": 0}}, "no generator of a known program"),
        ({"weight": 0, "a": 0, "b": 0}, "no names of a known layout"),
        (3, "no generator of a known program"),
    ],
)
def test_other_networks_are_refused_by_name(imported, value, words):
    def filled(item):
        if isinstance(item, dict):
            return {key: filled(inner) for key, inner in item.items()}
        return torch.zeros(2) if item == 0 else item

    assert words in refusal(imported, filled(value))


class Persistent:
    """Pickles like a network of stylegan2-ada-pytorch."""

    def __reduce__(self):
        return _reconstruct_persistent_obj, ({"class_name": "Generator", "module_src": "import os; os.system('x')"},)


def _reconstruct_persistent_obj(meta): ...


def persistent_file(tmp_path, monkeypatch):
    import sys
    from types import ModuleType

    package, module = ModuleType("torch_utils"), ModuleType("torch_utils.persistence")
    module._reconstruct_persistent_obj = _reconstruct_persistent_obj
    monkeypatch.setitem(sys.modules, "torch_utils", package)
    monkeypatch.setitem(sys.modules, "torch_utils.persistence", module)
    monkeypatch.setattr(_reconstruct_persistent_obj, "__module__", "torch_utils.persistence")
    path = tmp_path / "ada.pkl"
    path.write_bytes(pickle.dumps({"G_ema": Persistent()}))
    return path


def test_a_network_that_carries_code_is_refused_and_listed(tmp_path, monkeypatch):
    path = persistent_file(tmp_path, monkeypatch)
    with pytest.raises(InputError, match="carries source code"):
        import_network(path, tmp_path / "new.safetensors")
    lines = "\n".join(inspect(path))
    assert "characters of source code, which its own loader would run" in lines
    assert "class_name: Generator" in lines


# Bad and hostile files


def test_a_mixture_of_two_layouts_is_refused_with_both_names(imported):
    message = refusal(imported, genforce(network()) | huangzh13(network()))
    assert "genforce and huangzh13" in message


def test_missing_extra_and_misshapen_tensors_are_all_named(imported):
    state = genforce(network())
    del state["synthesis.layer3.style.bias"]
    state["synthesis.layer5.bias"] = torch.zeros(9)
    state["g_synthesis.to_rgb.0.weight"] = torch.zeros(1)
    message = refusal(imported, state)
    assert "synthesis.layer3.style.bias is missing" in message
    assert "synthesis.layer5.bias is (9,): must be (8,)" in message
    assert "g_synthesis.to_rgb.0.weight is not part of a network of genforce" in message


def test_a_blur_other_than_ours_is_refused(imported):
    state = genforce(network())
    state["synthesis.layer2.blur.kernel"] = torch.ones(8, 1, 3, 3) / 9
    assert "must be the filter [1, 2, 1]" in refusal(imported, state)


def test_numbers_that_are_not_finite_are_refused(imported):
    state = genforce(network())
    state["synthesis.layer2.bias"] = torch.full((8,), torch.nan)
    assert "not finite" in refusal(imported, state)


def test_an_average_for_each_layer_is_refused(imported):
    state = genforce(network())
    state["truncation.w_avg"] = torch.zeros(12 * 8)
    assert "w_avg for each layer" in refusal(imported, state)


class Runs:
    def __init__(self, ran):
        self.ran = ran

    def __reduce__(self):
        return os.system, (f"touch {self.ran}",)


@pytest.mark.parametrize("old", [False, True], ids=["zip", "five pickles"])
@pytest.mark.parametrize("place", ["alone", "tensor", "beside"])
def test_nothing_in_the_file_of_a_port_runs(imported, tmp_path, place, old):
    state, bomb = genforce(network()), Runs(tmp_path / "ran")
    if place == "beside":  # it is read as a mere record, like the objects of an optimizer
        imported({"generator_smooth": state, "meta": bomb}, old=old)
    else:
        value = bomb if place == "alone" else state | {"synthesis.layer0.bias": bomb}
        message = refusal(imported, value, old=old)
        assert ("system" in message) == (place == "alone")
        assert ("synthesis.layer0.bias is missing" in message) == (place == "tensor")
    assert not (tmp_path / "ran").exists()
    assert any(".system" in line for line in inspect(tmp_path / "theirs.pth"))


@pytest.mark.parametrize("old", [False, True], ids=["zip", "five pickles"])
def test_every_truncation_is_one_clear_error(tmp_path, old):
    path = tmp_path / "cut.pth"
    torch.save(genforce(network(img_resolution=8)), path, _use_new_zipfile_serialization=not old)
    whole = path.read_bytes()
    for size in (*range(20, 400, 19), *range(400, len(whole), len(whole) // 20), len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError):
            import_network(path, tmp_path / "new.safetensors")
        assert not (tmp_path / "new.safetensors").exists()


def test_a_tensor_larger_than_its_storage_or_the_file_is_refused(imported, tmp_path):
    path = tmp_path / "huge.pth"
    state = genforce(network(img_resolution=8))
    state["truncation.w_avg"] = torch.zeros(1).expand(2**34)
    assert "larger than the file" in refusal(imported, state)
    torch.save(genforce(network(img_resolution=8)), path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    numel = struct.pack("<BB", 0x4B, 8)  # BININT1 8: the numbers of a bias
    assert numel in data
    path.write_bytes(data.replace(numel, struct.pack("<BB", 0x4B, 255)))
    with pytest.raises(InputError):
        import_network(path, tmp_path / "new.safetensors")


def test_a_file_that_contains_itself_is_read_or_refused(imported, tmp_path):
    state = {"a": torch.zeros(1)}
    state["itself"] = state
    state["list"] = [state]
    state["list"].append(state["list"])
    assert "no generator of a known program" in refusal(imported, state)
    assert len(inspect(tmp_path / "theirs.pth")) < 20


def test_an_archive_that_repeats_a_name_or_is_compressed_or_of_another_kind_is_refused(tmp_path):
    good, bad = tmp_path / "good.pth", tmp_path / "bad.pth"
    torch.save(genforce(network(img_resolution=8)), good)
    with zipfile.ZipFile(good) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    for packing, words in [(zipfile.ZIP_DEFLATED, "compressed"), (zipfile.ZIP_STORED, "twice")]:
        with zipfile.ZipFile(bad, "w", packing) as archive:
            for name, content in entries.items():
                archive.writestr(name, content)
            if words == "twice":
                with pytest.warns(UserWarning, match="Duplicate"):
                    archive.writestr(name, content)
        with pytest.raises(InputError, match=words):
            import_network(bad, tmp_path / "new.safetensors")


def test_a_wrong_bit_in_a_tensor_is_found(tmp_path):
    path = tmp_path / "theirs.pth"
    torch.save({**genforce(network(img_resolution=8)), "truncation.w_avg": torch.full((8,), 3.25)}, path)
    data = bytearray(path.read_bytes())
    data[data.index(struct.pack("<8f", *[3.25] * 8))] ^= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="is damaged: Bad CRC-32"):
        import_network(path, tmp_path / "new.safetensors")


def test_torchscript_is_refused_by_name(tmp_path):
    path = tmp_path / "program.pt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("program/data.pkl", b"\x80\x02N.")
        archive.writestr("program/code/__torch__.py", b"x")
    with pytest.raises(InputError, match="TorchScript"):
        import_network(path, tmp_path / "new.safetensors")


# inspect, and the files that import writes


@pytest.mark.parametrize("layout", WRITERS)
def test_inspect_names_the_program_the_size_and_the_tensors(tmp_path, layout):
    write, fields = WRITERS[layout]
    path = tmp_path / "theirs.pth"
    torch.save({"g_running": write(network(**fields)), "license": "cc0"}, path)
    lines = inspect(path)
    assert any("128 px: `stylegan import` reads it" in line for line in lines)
    assert "license: cc0" in lines
    assert sum("(8," in line for line in lines) > 10


def test_what_is_imported_is_a_network_like_others(imported, tmp_path):
    found = imported(rosinality(network(norm_eps=1e-5, up_bias=True)), license="cc0")
    assert found.metadata["license"] == "cc0"
    assert "theirs.pth of rosinality/style-based-gan-pytorch, sha256 " in found.metadata["source"]
    assert load(tmp_path / "ours.safetensors").config.up_bias
    with pytest.raises(InputError, match="exists already"):
        import_network(tmp_path / "theirs.pth", tmp_path / "ours.safetensors")


def test_half_precision_is_read(imported):
    G = network()
    half = {name: t.half() for name, t in genforce(G).items()}
    assert torch.equal(imported(half).G_ema.w_avg, G.w_avg.half().float())


def test_training_continues_from_an_imported_network_and_says_that_d_starts_anew(imported):
    found = imported(rosinality(network(norm_eps=1e-5, up_bias=True)))
    config = CONFIG_F.but(img_resolution=128).continuing(found.G_ema.config, 128)
    state = TrainingState.new(config, torch.device("cpu"))
    lines = transfer(found, state)
    assert "D: not in the file, starts from random weights" in lines
    assert torch.equal(
        state.G.synthesis.blocks[2].layers[0].op[1].bias, found.G_ema.synthesis.blocks[2].layers[0].op[1].bias
    )
