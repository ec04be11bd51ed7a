"""Our networks give the pictures, styles, activations and scores of the authors', with the authors' weights."""

import functools

import pytest
import torch

from stylegan.networks.layers import minibatch_stddev, upsample
from stylegan.networks.styles import truncate

import golden

STYLEGAN = ["base32", "v_no_noise", "v_no_const", "v_traditional0", "v_mapping0", "v_labels10"]
METAS = {name: golden.load(f"net_{name}")[1] for name in STYLEGAN}
LODS = [(name, lod) for name in STYLEGAN for lod in METAS[name]["lods"]]
TRUNCATIONS = [(name, key) for name in STYLEGAN for key in METAS[name]["truncations"]]

networks = functools.cache(golden.networks)


def labels(data):
    return golden.tensor(data["labels"]) if "labels" in data else None


def default_truncation(meta):
    """The authors' default, psi 0.7 for the first 8 styles, unless the network's arguments turn it off."""
    if meta["config"].get("truncation_psi", 0.7) is None:
        return {}
    return {"truncation_psi": 0.7, "truncation_cutoff": 8}


def assert_close(ours, theirs):
    assert golden.relative_error(ours, theirs) < golden.TOLERANCE


@pytest.mark.parametrize("name", STYLEGAN)
def test_the_mapping_gives_the_authors_w(name):
    G, _, data, _ = networks(f"net_{name}")
    assert_close(G.mapping(golden.tensor(data["latents"]), labels(data)), data["dlatents"])


@pytest.mark.parametrize("name", [name for name in STYLEGAN if "traditional" not in name])
def test_truncation_gives_the_authors_styles(name):
    G, _, data, _ = networks(f"net_{name}")
    ws = G.broadcast(golden.tensor(data["dlatents"]))
    assert_close(truncate(ws, G.w_avg, 0.7, 8), data["dlatents_trunc"])


@pytest.mark.parametrize(("name", "lod"), LODS)
def test_pictures_are_the_authors_at_every_growth(name, lod):
    G, _, data, meta = networks(f"net_{name}")
    z = golden.tensor(data["latents"])
    images = G(z, labels(data), **default_truncation(meta), noise_mode="const", lod=lod)
    assert_close(upsample(images, 2 ** int(lod)), data[f"images_lod{lod:g}"])  # theirs are always full size


@pytest.mark.parametrize(("name", "key"), TRUNCATIONS)
def test_pictures_are_the_authors_at_every_truncation(name, key):
    G, _, data, meta = networks(f"net_{name}")
    psi, cutoff = meta["truncations"][key]
    psi = 1.0 if cutoff is None else psi  # the authors' cutoff None turns truncation off; ours means all styles
    images = G(
        golden.tensor(data["latents"]),
        labels(data),
        truncation_psi=psi,
        truncation_cutoff=cutoff,
        noise_mode="const",
    )
    assert_close(images, data[f"images_{key}"])


@pytest.mark.parametrize("name", STYLEGAN)
def test_the_synthesis_gives_the_authors_pictures_of_other_styles_in_every_layer(name):
    G, _, data, _ = networks(f"net_{name}")
    assert_close(G.synthesis(golden.tensor(data["synth_dlatents"]), noise_mode="const"), data["synth_images"])


@pytest.mark.parametrize(("name", "lod"), LODS)
def test_scores_are_the_authors_at_every_growth(name, lod):
    _, D, data, _ = networks(f"net_{name}")
    images = torch.nn.functional.avg_pool2d(golden.tensor(data["D_images"]), 2 ** int(lod))  # as their D does inside
    assert_close(D(images, labels(data), lod=lod), data[f"D_scores_lod{lod:g}"])


@pytest.mark.parametrize("N", [1, 2])
@pytest.mark.parametrize("name", STYLEGAN)
def test_scores_of_a_batch_below_the_group_size_are_the_authors(name, N):
    _, D, data, _ = networks(f"net_{name}")
    c = labels(data)
    scores = D(golden.tensor(data["D_images"][:N]), c if c is None else c[:N])
    assert_close(scores, data[f"D_scores_b{N}"])


@pytest.mark.parametrize("lod", [0, 0.5, 1.3, 2, 3])
def test_progressive_gan_gives_the_authors_pictures_and_scores(lod):
    G, D, data, _ = networks("net_progan32")
    images = G(golden.tensor(data["latents"]), lod=lod)
    assert_close(upsample(images, 2 ** int(lod)), data[f"images_lod{lod:g}"])
    reals = torch.nn.functional.avg_pool2d(golden.tensor(data["D_images"]), 2 ** int(lod))
    assert_close(D(reals, lod=lod), data[f"D_scores_lod{lod:g}"])


# Inside: every activation of one network


def activations(modules, run):
    """What the named modules give while `run` runs."""
    seen = {}
    hooks = [
        module.register_forward_hook(lambda _, __, output, name=name: seen.__setitem__(name, output))
        for name, module in modules.items()
    ]
    run()
    for hook in hooks:
        hook.remove()
    return seen


def g_modules(G):
    modules = {}
    for i, block in enumerate(G.synthesis.blocks):
        names = ("4x4/Const", "4x4/Conv") if i == 0 else (f"{4 << i}x{4 << i}/Conv0_up", f"{4 << i}x{4 << i}/Conv1")
        modules |= dict(zip(names, block.layers, strict=True))
    return modules


def test_every_layer_of_g_gives_the_authors_activations():
    G, _, data, _ = networks("net_base32")
    ws = golden.tensor(data["synth_dlatents"][:1])
    seen = activations(g_modules(G), lambda: G.synthesis(ws, noise_mode="const"))
    assert len(seen) == G.num_ws
    for name, ours in seen.items():
        assert_close(ours, data[f"layer_S/{name}"])


def test_the_picture_output_of_every_block_gives_the_authors_picture():
    G, _, data, _ = networks("net_base32")
    for i, block in enumerate(G.synthesis.blocks):
        last = "4x4/Conv" if i == 0 else f"{4 << i}x{4 << i}/Conv1"
        assert_close(block.torgb(golden.tensor(data[f"layer_S/{last}"])), data[f"layer_S/ToRGB_lod{3 - i}"])


def test_every_layer_of_d_gives_the_authors_activations():
    _, D, data, _ = networks("net_base32")
    images = golden.tensor(data["D_images"][:4])
    modules = {f"{8 << i}x{8 << i}/Conv1_down": block for i, block in enumerate(D.blocks)}
    modules |= {"FromRGB_lod0": D.fromrgb[-1], "4x4/Dense1": D.head.dense1}
    seen = activations(modules, lambda: D(images))
    for name, ours in seen.items():
        assert_close(ours[:2], data[f"layer_D/{name}"])  # two samples are stored
    assert_close(seen["4x4/Dense1"][:2], data["layer_D/scores_out"])
    assert_close(minibatch_stddev(seen["8x8/Conv1_down"])[:2], data["layer_D/4x4/MinibatchStddev"])


def test_the_picture_input_of_every_resolution_gives_the_authors_features():
    _, D, data, _ = networks("net_base32")
    images = golden.tensor(data["D_images"][:2])
    for lod, fromrgb in enumerate(reversed(D.fromrgb)):
        assert_close(fromrgb(torch.nn.functional.avg_pool2d(images, 2**lod)), data[f"layer_D/FromRGB_lod{lod}"])


def test_the_layers_inside_ds_blocks_and_head_give_the_authors_activations():
    _, D, data, _ = networks("net_base32")
    lrelu = torch.nn.functional.leaky_relu
    seen = activations(
        {
            **{f"{8 << i}x{8 << i}/Conv0": block.conv0 for i, block in enumerate(D.blocks)},
            "4x4/Conv": D.head.conv,
            "4x4/Dense0": D.head.dense0,
        },
        lambda: D(golden.tensor(data["D_images"][:4])),
    )
    biases = {f"{8 << i}x{8 << i}/Conv0": block.bias0 for i, block in enumerate(D.blocks)} | {"4x4/Conv": D.head.bias}
    for name, bias in biases.items():
        assert_close(lrelu(seen[name] + bias[:, None, None], 0.2)[:2], data[f"layer_D/{name}"])
    assert_close(lrelu(seen["4x4/Dense0"], 0.2)[:2], data["layer_D/4x4/Dense0"])
