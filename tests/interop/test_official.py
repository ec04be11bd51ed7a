"""The authors' files become our networks: any protocol, any NumPy, every supported option. Others are refused."""

import hashlib

import numpy as np
import pytest
import torch
from official_pickles import Network, dump, network

from stylegan.checkpoint import load_networks
from stylegan.errors import InputError
from stylegan.interop.arguments import config_of
from stylegan.interop.official import LICENSE, import_official, read_official
from stylegan.interop.variables import authors_shape, discriminator_names, generator_names
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator

import golden

OFFICIAL = golden.FOLDER / "network-2019-proto4.pkl"
CONTENTS, META = golden.load("pkl_contents")
ARGUMENTS = META["config"]
VARIANTS = ["net_base32", "net_v_no_noise", "net_v_no_const", "net_v_traditional0", "net_v_mapping0", "net_v_labels10"]


def variables(data, prefix):
    """The variables PREFIX..., lod as a scalar. They are copies, so that no two networks share an array."""
    return {key.removeprefix(prefix): data[key][()].copy() for key in data if key.startswith(prefix)}


def networks(arguments=ARGUMENTS, *, data=CONTENTS, d_arguments=None, prefixes=("G/", "D/", "Gs/"), **more):
    """(G, D, Gs) as the authors' Network objects."""
    G, D, Gs = (variables(data, prefix) for prefix in prefixes)
    arguments_of_D = arguments if d_arguments is None else d_arguments
    return (
        network("G_style", arguments, G, **more),
        network("D_basic", arguments_of_D, D, **more),
        network("G_style", arguments, Gs, **more),
    )


@pytest.fixture
def read(tmp_path):
    """Write (G, D, Gs) as a file and read it."""

    def read(value, protocol=4, **how):
        path = tmp_path / "official.pkl"
        path.write_bytes(dump(value, protocol, **how))
        return read_official(path)

    return read


def refusal(read, value):
    with pytest.raises(InputError) as error:
        read(value)
    return str(error.value)


def assert_same(ours, expected):
    assert ours.keys() == expected.keys()
    assert all(torch.equal(ours[name], expected[name]) for name in expected)


# The authors' own file


def test_every_variable_of_the_authors_file_is_read():
    networks = dict(zip(("G", "D", "Gs"), read_official(OFFICIAL), strict=True))
    for name, ours in networks.items():
        assert_same(dict(ours.state_dict()), golden.our_arrays(ours, CONTENTS, f"{name}/"))


def test_the_pictures_and_scores_of_the_authors_file_are_the_authors():
    G, D, G_ema = read_official(OFFICIAL)
    z = golden.tensor(CONTENTS["latents"])
    how = {"truncation_psi": 0.7, "truncation_cutoff": 8, "noise_mode": "const"}
    assert golden.relative_error(G(z, **how), CONTENTS["G_images"]) < golden.TOLERANCE
    assert golden.relative_error(G_ema(z, **how), CONTENTS["Gs_images"]) < golden.TOLERANCE
    assert golden.relative_error(D(golden.tensor(CONTENTS["D_images"])), CONTENTS["D_scores"]) < golden.TOLERANCE


def test_the_growth_stored_in_the_file_is_kept():
    assert [network.lod for network in read_official(OFFICIAL)] == [0.25, 0.25, 0.25]


def test_networks_come_ready_for_use():
    for ours in read_official(OFFICIAL):
        assert not ours.training
        assert not any(p.requires_grad for p in ours.parameters())


# Every writer


@pytest.mark.parametrize("old_numpy", [True, False], ids=["numpy1", "numpy2"])
@pytest.mark.parametrize("protocol", range(6))
def test_every_protocol_and_numpy_version_is_read_alike(read, protocol, old_numpy):
    expected = read_official(OFFICIAL)
    for ours, theirs in zip(read(networks(), protocol, old_numpy=old_numpy), expected, strict=True):
        assert_same(ours.state_dict(), theirs.state_dict())
        assert ours.lod == theirs.lod
        assert ours.config == theirs.config


@pytest.mark.parametrize("old_numpy", [True, False], ids=["numpy1", "numpy2"])
@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_arrays_in_fortran_order_other_byte_order_and_other_precision_are_read(read, protocol, old_numpy):
    G, D, Gs = networks()
    arrays = dict(D.state["variables"])
    arrays["4x4/Conv/weight"] = np.asfortranarray(arrays["4x4/Conv/weight"])
    arrays["4x4/Dense0/weight"] = arrays["4x4/Dense0/weight"].astype(">f4")
    arrays["4x4/Dense1/weight"] = arrays["4x4/Dense1/weight"].astype("f8")
    arrays["lod"] = 0.25
    D.state["variables"] = list(arrays.items())
    _, ours, _ = read((G, D, Gs), protocol, old_numpy=old_numpy)
    assert_same(ours.state_dict(), read_official(OFFICIAL)[1].state_dict())


def test_numpy_numbers_among_the_arguments_are_read_as_numbers(read):
    G, _, _ = read(networks(ARGUMENTS | {"label_size": np.int64(0), "resolution": np.int32(16)}))
    assert G.img_resolution == 16


@pytest.mark.parametrize("name", VARIANTS)
def test_every_option_survives_the_file(read, name):
    expected_G, expected_D, data, meta = golden.networks(name)
    G, D, G_ema = read(networks(meta["config"], data=data, prefixes=("G/", "D/", "G/")))
    assert_same(G.state_dict(), expected_G.state_dict())
    assert_same(D.state_dict(), expected_D.state_dict())
    assert_same(G_ema.state_dict(), expected_G.state_dict())


@pytest.mark.parametrize("module", ["tfutil", "dnnlib.tflib.network"])
def test_progressive_gan_is_read_from_its_old_and_new_files(read, module):
    expected_G, expected_D, data, meta = golden.networks("net_progan32")
    value = [("G_paper", "G/"), ("D_paper", "D/"), ("G_paper", "G/")]
    value = tuple(network(name, meta["config"], variables(data, prefix), version=2) for name, prefix in value)
    for one in value:
        del one.state["components"]
    G, D, _ = read(value, module=module)
    assert_same(G.state_dict(), expected_G.state_dict())
    assert_same(D.state_dict(), expected_D.state_dict())
    image = G(golden.tensor(data["latents"]))
    assert golden.relative_error(image, data["images_lod0"]) < golden.TOLERANCE


# The turned kernels of fused up-convolutions

BIG = {"resolution": 256, "num_channels": 3, "label_size": 0, "fmap_base": 256, "fmap_max": 4}
BIG |= {"latent_size": 8, "dlatent_size": 8, "mapping_fmaps": 8, "mapping_layers": 1}


def random_variables(config, names, kind):
    """Random values for every variable of a network; its lod is 0."""
    rng = np.random.RandomState(0)
    with torch.device("meta"):
        state = kind(config).state_dict()
    values = {theirs: rng.randn(*authors_shape(theirs, state[ours].shape)) for ours, theirs in names.items()}
    return {name: value.astype(np.float32) for name, value in values.items()} | {"lod": np.float32(0)}


@pytest.mark.parametrize(
    ("fused", "turned"),
    [
        ({}, {128, 256}),
        ({"fused_scale": "auto"}, {128, 256}),
        ({"fused_scale": True}, {8, 16, 32, 64, 128, 256}),
        ({"fused_scale": False}, set()),
    ],
)
def test_kernels_of_fused_up_convolutions_are_turned_back_and_no_others(read, fused, turned):
    config = config_of([(f, BIG) for f in ("G_style", "G_mapping", "G_synthesis", "D_basic")])
    theirs = random_variables(config, generator_names(config), Generator)
    theirs["G_synthesis/lod"] = np.float32(0)
    D = network("D_basic", BIG | fused, random_variables(config, discriminator_names(config), Discriminator))
    copy = {name: value.copy() for name, value in theirs.items()}
    G, ours_D, _ = read((network("G_style", BIG | fused, theirs), D, network("G_style", BIG | fused, copy)))

    for block, resolution in enumerate((8, 16, 32, 64, 128, 256), start=1):
        ours = G.synthesis.blocks[block].layers[0].op[0].weight.numpy()
        kernel = theirs[f"G_synthesis/{resolution}x{resolution}/Conv0_up/weight"].transpose(3, 2, 0, 1)
        assert (ours == (kernel[:, :, ::-1, ::-1] if resolution in turned else kernel)).all(), resolution
        ours = G.synthesis.blocks[block].layers[1].op.weight.numpy()
        assert (ours == theirs[f"G_synthesis/{resolution}x{resolution}/Conv1/weight"].transpose(3, 2, 0, 1)).all()
    down = dict(D.state["variables"])["256x256/Conv1_down/weight"].transpose(3, 2, 0, 1)
    assert (ours_D.blocks[-1].conv1.weight.numpy() == down).all()


# Arguments


def test_arguments_of_other_build_functions_are_ignored(read):
    siblings = {"truncation_psi": 0.7, "mbstd_group_size": 4, "randomize_noise": False, "is_validation": True}
    G, _, _ = read(networks(ARGUMENTS | siblings | {"structure": "recursive", "dlatent_avg_beta": None}))
    assert G.config == read_official(OFFICIAL)[0].config


def test_an_unknown_argument_is_refused_by_name(read):
    assert "'use_attention': not an argument of the authors' networks" in refusal(
        read, networks(ARGUMENTS | {"use_attention": True})
    )


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("use_wscale", False),
        ("fmap_decay", 0.5),
        ("nonlinearity", "relu"),
        ("mapping_nonlinearity", "relu"),
        ("mapping_lrmul", 1.0),
        ("normalize_latents", False),
        ("mbstd_group_size", 8),
        ("mbstd_num_features", 2),
        ("blur_filter", [1, 3, 3, 1]),
        ("fused_scale", "sometimes"),
        ("dtype", "float16"),
        ("resolution", "16"),
        ("fmap_max", 10**9),
        ("structure", "spiral"),
        ("const_input_layer", None),
    ],
)
def test_an_unsupported_argument_is_refused_by_name(read, argument, value):
    assert f"{argument} {value!r} of " in refusal(read, networks(ARGUMENTS | {argument: value}))


@pytest.mark.parametrize(
    "flags", [(True, True, True), (True, False, False), (False, False, False), (False, True, True)]
)
def test_only_the_two_normalizations_of_the_paper_can_be_built(read, flags):
    names = ("use_styles", "use_pixel_norm", "use_instance_norm")
    message = refusal(read, networks(ARGUMENTS | dict(zip(names, flags, strict=True))))
    assert f"use_styles, use_pixel_norm, use_instance_norm {flags}" in message


def test_everything_wrong_with_the_arguments_is_reported_at_once(read):
    message = refusal(read, networks(ARGUMENTS | {"fmap_decay": 2.0, "use_wscale": False, "colour": 1}))
    assert all(name in message for name in ("fmap_decay", "use_wscale", "colour"))
    assert message.count("colour") == 1


def test_without_blur_in_both_networks_pixels_are_repeated(read):
    for none in (None, []):
        G, D, _ = read(networks(ARGUMENTS | {"blur_filter": none}))
        assert G.config.resample == D.config.resample == "nearest"
    G, _, _ = read(networks(ARGUMENTS | {"blur_filter": None}, d_arguments=ARGUMENTS | {"blur_filter": []}))
    assert G.config.resample == "nearest"


def test_g_and_d_must_agree(read):
    message = refusal(read, networks(ARGUMENTS, d_arguments=ARGUMENTS | {"blur_filter": None, "fmap_max": 8}))
    assert "blur_filter" in message
    assert "fmap_max 16 of G_style" in message or "fmap_max 8 of D_basic, 16 of another network" in message


def test_labels_of_progressive_gan_are_refused(read):
    _, _, data, meta = golden.networks("net_progan32")
    arguments = meta["config"] | {"label_size": 10}
    functions = [("G_paper", "G/"), ("D_paper", "D/"), ("G_paper", "G/")]
    value = tuple(network(name, arguments, variables(data, prefix)) for name, prefix in functions)
    words = "label_size 10 of G_paper: must be 0 (classes are supported only as StyleGAN has them)"
    assert words in refusal(read, value)


def test_progressive_gan_may_state_its_latent_size(read):
    _, _, data, meta = golden.networks("net_progan32")
    functions = [("G_paper", "G/"), ("D_paper", "D/"), ("G_paper", "G/")]
    for latent_size in (None, 24):
        arguments = meta["config"] | {"latent_size": latent_size, "fused_scale": True, "structure": None}
        G, _, _ = read(tuple(network(name, arguments, variables(data, prefix)) for name, prefix in functions))
        assert G.z_dim == 24


def test_a_network_of_fixed_structure_is_full_grown_whatever_its_lod(read):
    G, D, G_ema = read(networks(ARGUMENTS | {"structure": "fixed"}))
    assert (G.lod, D.lod, G_ema.lod) == (0, 0, 0)


@pytest.mark.parametrize(("given", "kept"), [(0.5, 0.5), (None, 0.0)])
def test_the_probability_of_mixing_is_kept_if_there_are_styles(tmp_path, given, kept):
    (tmp_path / "official.pkl").write_bytes(dump(networks(ARGUMENTS | {"style_mixing_prob": given}), 4))
    import_official(tmp_path / "official.pkl", tmp_path / "ours.safetensors")
    assert load_networks(tmp_path / "ours.safetensors").config.style_mixing_prob == kept


# What is not an official file


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([1, 2, 3], r"holds one list of 3: must be a tuple of the three networks \(G, D, Gs\)"),
        ({"G_ema": 1}, "holds one dict: must be a tuple"),
        ((1, 2), "holds one tuple of 2"),
        ((1, "two", None), "G: not a Network of version 2 or 3"),
        (Network({"version": 3}), "holds one dnnlib.tflib.network.Network: must be a tuple"),
    ],
)
def test_a_pickle_of_other_things_is_refused(read, value, words):
    with pytest.raises(InputError, match=words):
        read(value)


def test_stylegan2_and_swapped_networks_are_refused(read):
    G, D, Gs = networks()
    assert "G: built by 'G_main': must be G_paper or G_style" in refusal(read, (network("G_main", {}, {}), D, Gs))
    assert "G: built by 'D_basic': must be G_paper or G_style" in refusal(read, (D, G, Gs))


def test_versions_and_components_that_never_existed_are_refused(read):
    G, D, Gs = networks()
    D.state["version"] = 4
    del G.state["components"]["mapping"]
    Gs.state["components"]["synthesis"] = Gs.state["components"]["mapping"]
    message = refusal(read, (G, D, Gs))
    assert "G: the components of G_style must be mapping, synthesis" in message
    assert "D: not a Network of version 2 or 3" in message
    assert "Gs's synthesis: built by 'G_mapping': must be G_synthesis" in message


def test_missing_extra_and_misshapen_variables_are_reported_at_once(read):
    G, D, Gs = networks()
    of_D = dict(D.state["variables"])
    del of_D["4x4/Dense1/bias"], of_D["lod"]
    of_D |= {"4x4/Conv/bias": np.zeros(5, np.float32), "4x4/Dense2/bias": np.zeros(1, np.float32)}
    D.state["variables"] = list(of_D.items())
    Gs.state["variables"] = Gs.state["variables"][:1]
    message = refusal(read, (G, D, Gs))
    assert "D: 4x4/Dense1/bias is missing" in message
    assert "D: lod is missing" in message
    assert "D: 4x4/Conv/bias is (5,): must be (16,)" in message
    assert "D: '4x4/Dense2/bias' is not part of this network" in message
    assert "Gs: dlatent_avg is missing" in message


def test_a_variable_named_twice_and_one_that_is_not_an_array_are_refused(read):
    G, D, Gs = networks()
    D.state["variables"] += [D.state["variables"][1], ("4x4/Conv/bias", "text"), ("4x4/Conv",)]
    Gs.state["variables"][0] = ("lod", "half")
    message = refusal(read, (G, D, Gs))
    assert message.count("D: a variable that is not a pair of a name, used once, and an array") == 3
    assert "Gs: 'lod' is 'half', and neither an array nor a number" in message


def test_a_transposed_weight_is_reported_in_the_authors_layout(read):
    G, D, Gs = networks()
    of_D = dict(D.state["variables"])
    of_D["4x4/Dense0/weight"] = of_D["4x4/Dense0/weight"].T.copy()
    D.state["variables"] = list(of_D.items())
    assert "D: 4x4/Dense0/weight is (16, 256): must be (256, 16)" in refusal(read, (G, D, Gs))


@pytest.mark.parametrize("lod", [-0.5, 2.5, float("nan")])
def test_an_impossible_growth_is_refused(read, lod):
    G, D, Gs = networks()
    G.state["variables"][0] = ("lod", np.float32(lod))
    assert f"G: lod {lod}: must be 0 to 2" in refusal(read, (G, D, Gs))


def test_a_missing_official_file_is_reported(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.pkl: no such file"):
        read_official(tmp_path / "nowhere.pkl")


# The command


def test_import_writes_a_file_of_ours_with_licence_and_source(tmp_path):
    path = tmp_path / "network.safetensors"
    imported = import_official(OFFICIAL, path)
    networks = load_networks(path)
    for name, ours in networks.modules().items():
        assert_same(ours.state_dict(), imported.modules()[name].state_dict())
        assert ours.lod == 0.25
    digest = hashlib.sha256(OFFICIAL.read_bytes()).hexdigest()
    assert networks.metadata == {"license": LICENSE, "source": f"{OFFICIAL.name}, sha256 {digest}"}
    assert imported.metadata == networks.metadata


def test_import_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="there is no folder"):
        import_official(OFFICIAL, tmp_path / "nowhere" / "network.safetensors")


def test_import_refuses_a_file_that_exists_before_it_reads_anything(tmp_path):
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(InputError, match="mine exists already: give another name"):
        import_official(tmp_path / "none.pkl", tmp_path / "mine")
    assert (tmp_path / "mine").read_text() == "precious"


def test_a_refused_file_leaves_nothing_behind(tmp_path):
    (tmp_path / "bad.pkl").write_bytes(OFFICIAL.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"bad\.pkl cannot be imported:\nnot a pickle, or truncated"):
        import_official(tmp_path / "bad.pkl", tmp_path / "network.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.pkl"]
