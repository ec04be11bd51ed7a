"""The fast path against the plain one (benchmarks/plain.py): values, first and second derivatives, and its choice."""

import copy
from collections import Counter
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from plain import plain
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from stylegan.config import CONFIG_A, CONFIG_B, CONFIG_F
from stylegan.networks import discriminator
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.fast import convolution
from stylegan.networks.fast.convolution import Direct, conv2d, conv2d_down, conv2d_up, depthwise, inputs_only
from stylegan.networks.fast.winograd import Winograd
from stylegan.networks.generator import Generator
from stylegan.networks.layers import Blur, EqualizedConv2d
from stylegan.training import losses
from stylegan.training.state import TrainingState, update

from conftest import SMALL, TINY

ROUNDING = 1e-11  # double precision rounds to 1e-16; networks and transforms make it 1e-14, a wrong term makes it 1


@pytest.fixture(params=["direct", "winograd"])
def method(request, monkeypatch):
    """Both ways, whatever the number of channels and products."""
    monkeypatch.setattr(convolution, "WIDE", 0)
    winograd = request.param == "winograd"
    monkeypatch.setattr(convolution, "_many_products", lambda N, H, W, w: winograd and H % 4 == W % 4 == 0)


@pytest.fixture
def calls(monkeypatch):
    """How often each method computes what: ("Winograd", "forward") -> 3."""
    counter = Counter()

    def counted(cls, name):
        computed = getattr(cls, name)

        def count(*given):
            counter[cls.__name__, name] += 1
            return computed(*given)

        monkeypatch.setattr(cls, name, count)

    for cls, name in product((Direct, Winograd), ("forward", "transposed", "gradient")):
        counted(cls, name)
    return counter


def numbers(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(sum(shape)), dtype=torch.float64).to(dtype)


def relative_error(found: Tensor, expected: Tensor) -> float:
    """Of all numbers together: |found - expected| / |expected|."""
    assert found.shape == expected.shape
    return ((found.double() - expected).norm() / expected.norm()).item()


def joined(tensors) -> Tensor:
    """All numbers of all that are not None."""
    return torch.cat([t.flatten() for t in tensors if t is not None])


# One convolution

CASES = {  # ours, torch's, and shapes of what is given and of the weights
    "3x3": (conv2d, lambda x, w: F.conv2d(x, w, padding=1), (3, 2, 8, 8), (5, 2, 3, 3)),
    "1x1": (conv2d, F.conv2d, (3, 2, 8, 8), (5, 2, 1, 1)),
    "down": (conv2d_down, lambda x, w: F.conv2d(x, w, stride=2, padding=1), (3, 2, 8, 8), (5, 2, 4, 4)),
    "up": (conv2d_up, lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1), (3, 5, 4, 4), (5, 2, 4, 4)),
}
cases = pytest.mark.parametrize(("ours", "theirs", "given_shape", "w_shape"), CASES.values(), ids=CASES)


def derivatives(op, *given: Tensor) -> list[Tensor]:
    """Value, first derivatives and second derivatives, all pulled back by fixed random numbers."""
    given = [t.clone().requires_grad_() for t in given]
    y = op(*given)
    first = torch.autograd.grad(y, given, numbers(*y.shape), create_graph=True)
    second = torch.autograd.grad(first, given, [numbers(*t.shape) for t in first])
    return [y.detach(), *(t.detach() for t in first), *second]


@cases
def test_values_and_both_derivatives_are_torchs(method, ours, theirs, given_shape, w_shape):
    given, w = numbers(*given_shape), numbers(*w_shape)
    errors = map(relative_error, derivatives(ours, given, w), derivatives(theirs, given, w))
    assert max(errors) < ROUNDING


@cases
def test_a_third_derivative_is_torchs(method, ours, theirs, given_shape, w_shape):
    """A network of two layers and R1 differentiates each convolution as often as anyone likes."""

    def third(op):
        given, w = numbers(*given_shape).requires_grad_(), numbers(*w_shape).requires_grad_()
        (g,) = torch.autograd.grad(op(given, w).pow(3).sum(), given, create_graph=True)
        (g,) = torch.autograd.grad(g.pow(2).sum(), w, create_graph=True)
        return torch.autograd.grad(g.pow(2).sum(), given)[0]

    assert relative_error(third(ours), third(theirs)) < ROUNDING


@cases
def test_autograds_own_checks_pass(method, ours, theirs, given_shape, w_shape):
    """Against differences of values, with 1 picture and 2 channels: a matrix of hundreds of numbers."""
    given = numbers(1, 2, *given_shape[2:]).requires_grad_()
    w = numbers(2, 2, *w_shape[2:]).requires_grad_()
    assert gradcheck(ours, (given, w), fast_mode=True)
    assert gradgradcheck(ours, (given, w), fast_mode=True)


def test_depthwise_and_its_derivatives_are_torchs():
    def theirs(x):
        return F.conv2d(x, kernel.expand(5, 1, 3, 3), padding=1, groups=5)

    kernel, x = Blur().kernel.double(), numbers(2, 5, 6, 6)
    errors = map(relative_error, derivatives(cubed(lambda x: depthwise(x, kernel)), x), derivatives(cubed(theirs), x))
    assert max(errors) < ROUNDING


def cubed(op):
    """A map that is not linear, so that it has a second derivative."""
    return lambda x: op(x).pow(3)


@cases
def test_only_what_is_asked_for_is_computed(method, calls, ours, theirs, given_shape, w_shape):
    given, w = numbers(*given_shape).requires_grad_(), numbers(*w_shape)
    torch.autograd.grad(ours(given, w).sum(), given)
    assert not any(name == "gradient" for _, name in calls)


def test_a_batch_of_no_pictures_gives_none():
    assert conv2d(numbers(0, 2, 8, 8), numbers(5, 2, 3, 3)).shape == (0, 5, 8, 8)


# Whole networks

CHANGES = {
    "F": (CONFIG_F, {}),
    "nearest": (CONFIG_F, {"resample": "nearest"}),
    "pixel norm": (CONFIG_A, {}),
    "pixel norm, bilinear": (CONFIG_B, {}),
    "gray, classes": (CONFIG_F, {"img_channels": 1, "c_dim": 3}),
}


@pytest.fixture(params=CHANGES)
def config(request):
    base, changes = CHANGES[request.param]
    return base.but(**SMALL, mapping_layers=2, **changes)


def drawn(kind, config):
    """A network in double precision with random biases, strengths of noise and constant input.

    Biases of a constant that is the same everywhere would have a gradient of 0: the norm takes them away.
    """
    torch.manual_seed(0)
    network = kind(config).double()
    for name, p in network.named_parameters():
        if name.endswith(("bias", "noise_strength", ".const")):
            torch.nn.init.normal_(p, std=0.2)
    return network


def both(network, dtype: torch.dtype = torch.float64):
    """The fast network and the plain one, of the same weights."""
    return copy.deepcopy(network).to(dtype), plain(copy.deepcopy(network).to(dtype))


def one_hot(config):
    return torch.eye(config.c_dim, dtype=torch.float64)[:2] if config.c_dim else None


def d_results(D, lod: float) -> list[Tensor]:
    """Logits, and the gradient of the loss with R1 by every weight in use."""
    weights, c = list(D.parameters()), one_hot(D.config)
    H = D.config.img_resolution >> int(lod)
    reals = numbers(2, D.config.img_channels, H, H).requires_grad_()
    logits = D(reals, c, lod=lod)
    loss = losses.d_logistic(logits, D(reals.detach().flip(2), c, lod=lod)) + losses.r1(logits, reals, gamma=10.0)
    return [logits.detach(), *torch.autograd.grad(loss.sum(), weights, allow_unused=True)]


def g_results(G, lod: float) -> list[Tensor]:
    """Pictures, and the gradient of a number made of them by every weight in use."""
    images = G(numbers(2, G.z_dim), one_hot(G.config), noise_mode="const", lod=lod)
    gradients = torch.autograd.grad(images.pow(3).sum(), list(G.parameters()), allow_unused=True)
    return [images.detach(), *gradients]


def assert_equal_in_double(found, expected) -> None:
    """Tensor by tensor; what is not in use has no gradient in either."""
    assert [t is None for t in found] == [t is None for t in expected]
    errors = [relative_error(a, b) for a, b in zip(found, expected, strict=True) if a is not None]
    assert max(errors) < ROUNDING


@pytest.mark.parametrize("lod", [0, 0.5, 1, 2.75])
def test_d_and_the_gradient_of_its_loss_with_r1_are_the_plain_ones(method, config, lod):
    fast, slow = both(drawn(Discriminator, config))
    assert_equal_in_double(d_results(fast, lod), d_results(slow, lod))


@pytest.mark.parametrize("lod", [0, 0.5, 1, 2.75])
def test_gs_pictures_and_their_gradients_are_the_plain_ones(method, config, lod):
    fast, slow = both(drawn(Generator, config))
    assert_equal_in_double(g_results(fast, lod), g_results(slow, lod))


@pytest.mark.parametrize(("kind", "results"), [(Discriminator, d_results), (Generator, g_results)])
def test_two_runs_give_the_same_bits(method, kind, results):
    network = drawn(kind, CONFIG_F.but(**SMALL))
    assert all(a is b or torch.equal(a, b) for a, b in zip(results(network, 0), results(network, 0), strict=True))


# Single precision

WIDE = TINY.but(channel_base=2**12, channel_max=256, mapping_dim=64, z_dim=64, w_dim=64)  # 256 channels at 16 px


def errors_in_single_precision(network, results) -> tuple[float, float]:
    """Of the fast path and of the plain one, against double precision, all numbers together."""
    expected = joined(results(plain(copy.deepcopy(network))))
    fast, slow = (relative_error(joined(results(one)), expected) for one in both(network, torch.float32))
    return fast, slow


def test_gs_pictures_in_single_precision_are_at_most_twice_as_far_from_the_truth(calls):
    """Styles normalize: most of the error is theirs, and is in both."""

    def pictures(G):
        with torch.no_grad():
            return [G(numbers(4, G.z_dim, dtype=G.w_avg.dtype), noise_mode="const")]

    fast, slow = errors_in_single_precision(drawn(Generator, WIDE), pictures)
    assert calls["Winograd", "forward"] > 0
    assert fast < 2 * slow < 1e-4


def test_ds_gradient_in_single_precision_is_at_most_3_times_as_far_from_the_truth(calls, monkeypatch):
    """Measured: 2.1 (root of the mean square over 8 seeds; 1.6 to 2.8 for one of them).

    The activation is smooth here. With a corner, what lies within rounding of it takes the other slope, and whether
    one of the features does so, here or in the plain path, is chance and outweighs the rest.
    """

    def smooth(x, bias=0.0):
        return 0.2 * x + 0.8 * F.softplus(x + (bias if isinstance(bias, float) else bias[:, None, None]))

    def gradient(D):
        dtype = D.fromrgb[0].bias.dtype
        reals = numbers(4, 3, 16, 16, dtype=dtype).requires_grad_()
        logits = D(reals)
        loss = losses.d_logistic(logits, D(reals.detach().flip(2))) + losses.r1(logits, reals, gamma=10.0)
        return torch.autograd.grad(loss.sum(), list(D.parameters()), allow_unused=True)

    monkeypatch.setattr(discriminator, "leaky_relu", smooth)
    fast, slow = errors_in_single_precision(drawn(Discriminator, WIDE), gradient)
    assert calls.keys() >= {("Winograd", name) for name in ("forward", "transposed", "gradient")}
    assert fast < 3 * slow < 1e-4


@pytest.mark.parametrize(
    ("ours", "theirs", "given_shape", "w_shape"),
    [
        (*CASES["3x3"][:2], (4, 256, 16, 16), (256, 256, 3, 3)),
        (*CASES["down"][:2], (16, 256, 32, 32), (256, 256, 4, 4)),
        (*CASES["up"][:2], (16, 256, 16, 16), (256, 256, 4, 4)),
    ],
    ids=["3x3", "down", "up"],
)
def test_the_smallest_that_winograd_computes_errs_by_2_millionths(calls, ours, theirs, given_shape, w_shape):
    """Measured: 0.9e-6 to 1.05e-6, and 2.2e-7 to 4.0e-7 for the sum of all products."""
    given, w = numbers(*given_shape, dtype=torch.float32), numbers(*w_shape, dtype=torch.float32)
    assert relative_error(ours(given, w)[:1], theirs(given[:1].double(), w.double())) < 2e-6
    assert {cls for cls, _ in calls} == {"Winograd"}


# What chooses


@pytest.mark.parametrize(
    ("given_shape", "w_shape", "expected"),
    [
        ((4, 256, 16, 16), (256, 256, 3, 3), {"Winograd"}),
        ((3, 256, 16, 16), (256, 256, 3, 3), {"Direct"}),  # 48 tiles
        ((4, 256, 16, 16), (255, 256, 3, 3), {"Direct"}),
        ((4, 255, 16, 16), (256, 255, 3, 3), {"Direct"}),
        ((99, 256, 6, 6), (256, 256, 3, 3), {"Direct"}),  # no whole tiles
        ((4, 256, 16, 18), (256, 256, 3, 3), {"Direct"}),
        ((4, 128, 16, 16), (128, 128, 3, 3), {"Direct"}),
        ((4, 128, 16, 16), (127, 128, 3, 3), set()),  # torch's own
        ((4, 127, 16, 16), (128, 127, 3, 3), set()),
    ],
)
def test_the_shape_chooses(monkeypatch, calls, given_shape, w_shape, expected):
    for cls in (Direct, Winograd):  # no products: whoever is asked answers with zeros
        monkeypatch.setattr(cls, "forward", answer(cls.__name__, calls))
    conv2d(torch.zeros(given_shape), torch.zeros(w_shape))
    assert set(calls) == expected


def answer(name, calls):
    def forward(self, x, w):
        calls[name] += 1
        return torch.zeros(())

    return forward


def test_half_precision_keeps_torchs_convolution(calls):
    """Transforms amplify rounding 7 times: in bfloat16 that would be 2 %."""
    conv2d(numbers(4, 256, 16, 16, dtype=torch.bfloat16), numbers(256, 256, 3, 3, dtype=torch.bfloat16))
    assert not any(cls == "Winograd" for cls, _ in calls)


def chosen(calls, given, w):
    calls.clear()
    conv2d(given, w)
    return set(calls)


def test_values_layout_and_recording_choose_nothing(calls):
    x, w = torch.zeros(4, 256, 16, 16), torch.zeros(256, 256, 3, 3)
    expected = chosen(calls, x, w)
    assert chosen(calls, x + 1e30, w + 1e30) == expected
    assert chosen(calls, x.to(memory_format=torch.channels_last), w.requires_grad_()) == expected
    with torch.inference_mode():
        assert chosen(calls, x, w) == expected


def test_threads_choose_nothing(calls):
    x, w = torch.zeros(4, 256, 16, 16), torch.zeros(256, 256, 3, 3)
    before, expected = torch.get_num_threads(), chosen(calls, x, w)
    torch.set_num_threads(before + 1)
    try:
        assert chosen(calls, x, w) == expected
    finally:
        torch.set_num_threads(before)


@cases
def test_other_devices_keep_torchs_convolution(method, calls, ours, theirs, given_shape, w_shape):
    y = ours(torch.zeros(given_shape, device="meta"), torch.zeros(w_shape, device="meta"))
    assert y.device.type == "meta"
    assert not calls


@cases
def test_autocast_keeps_torchs_convolution(method, calls, ours, theirs, given_shape, w_shape):
    given, w = numbers(*given_shape, dtype=torch.float32), numbers(*w_shape, dtype=torch.float32).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        y, expected = ours(given, w), theirs(given, w)
    assert y.dtype is torch.bfloat16
    assert torch.equal(y, expected)
    assert torch.equal(*(torch.autograd.grad(t.float().square().sum(), w)[0] for t in (y, expected)))
    assert not calls


@cases
def test_export_keeps_torchs_convolution(method, calls, ours, theirs, given_shape, w_shape):
    class Module(torch.nn.Module):
        def forward(self, x, w):
            return ours(x, w)

    given = numbers(*given_shape), numbers(*w_shape)
    exported = torch.export.export(Module(), given)
    assert not calls
    assert relative_error(exported.module()(*given), theirs(*given)) < ROUNDING


# Gradients of the pictures alone


def r1_of(D):
    reals = numbers(2, 3, 32, 32).requires_grad_()
    return losses.r1(D(reals), reals, gamma=10.0)


def test_r1_computes_no_gradient_by_the_weights_before_the_backward_pass(method, calls):
    D = drawn(Discriminator, CONFIG_F.but(**SMALL))
    penalty = r1_of(D)
    assert not any(name == "gradient" for _, name in calls)
    penalty.sum().backward()
    assert any(name == "gradient" for _, name in calls)


def test_inputs_only_changes_no_bit_of_what_is_asked_for(method, monkeypatch):
    D = drawn(Discriminator, CONFIG_F.but(**SMALL))
    weights = list(D.parameters())
    found = torch.autograd.grad(r1_of(D).sum(), weights, allow_unused=True)
    with monkeypatch.context() as patch:
        patch.setattr(losses, "inputs_only", torch.enable_grad)  # a context that changes nothing here
        expected = torch.autograd.grad(r1_of(D).sum(), weights, allow_unused=True)
    assert torch.equal(joined(found), joined(expected))


def weight_is_asked() -> bool:
    w = numbers(5, 2, 3, 3).requires_grad_()
    return torch.autograd.grad(conv2d(numbers(1, 2, 8, 8), w).sum(), w, allow_unused=True)[0] is not None


def test_inputs_only_ends_with_its_block(method):
    with inputs_only():
        with inputs_only():
            assert not weight_is_asked()
        assert not weight_is_asked()
    assert weight_is_asked()


def test_inputs_only_ends_with_an_exception():
    with pytest.raises(KeyError), inputs_only():
        raise KeyError
    assert weight_is_asked()


# Transforms of torch.func, for those who look into a network

TRANSFORMS = {
    "grad": lambda op, x: torch.func.grad(lambda x: op(x).pow(3).sum())(x),
    "grad of grad": lambda op, x: torch.func.grad(
        lambda x: torch.func.grad(lambda x: op(x).pow(3).sum())(x).pow(2).sum()
    )(x),
    "vjp": lambda op, x: torch.func.vjp(op, x)[1](op(x))[0],
    "jvp": lambda op, x: torch.func.jvp(op, (x,), (x + 1,))[1],
    "vmap": lambda op, x: torch.func.vmap(op)(torch.stack([x, x + 1])),
    "jacrev": lambda op, x: torch.func.jacrev(op)(x),
    "jacfwd": lambda op, x: torch.func.jacfwd(op)(x),
    "autograd.functional.jvp": lambda op, x: torch.autograd.functional.jvp(op, x, x + 1)[1],
    "autograd.functional.jacobian": lambda op, x: torch.autograd.functional.jacobian(op, x, vectorize=True),
}


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@cases
def test_transforms_work_as_with_torchs_convolution(method, transform, ours, theirs, given_shape, w_shape):
    given, w = numbers(1, *given_shape[1:]), numbers(*w_shape)
    found, expected = (transform(lambda x, op=op: op(x, w), given) for op in (ours, theirs))
    assert relative_error(found, expected) < ROUNDING


def test_a_gradient_by_ws_is_a_transform_of_g(method):
    """What an edit asks: how do the pictures change with the styles?"""

    def brightness(synthesis):
        return lambda ws: synthesis(ws, noise_mode="const").pow(3).sum()

    fast, slow = both(drawn(Generator, CONFIG_F.but(**SMALL)).requires_grad_(False))
    ws = numbers(2, fast.num_ws, fast.w_dim)
    found, expected = (torch.func.grad(brightness(G.synthesis))(ws) for G in (fast, slow))
    assert relative_error(found, expected) < ROUNDING


# Weights lie in memory as channels_last


def layouts(network):
    return [p.stride() for p in network.parameters()]


def test_weights_are_channels_last():
    convolutions = [m.weight for m in Discriminator(TINY).modules() if isinstance(m, EqualizedConv2d)]
    assert all(w.is_contiguous(memory_format=torch.channels_last) for w in convolutions)


@pytest.mark.parametrize("kind", [Discriminator, Generator])
def test_copies_and_loaded_weights_keep_values_and_layout(kind):
    network, other = drawn(kind, TINY), kind(TINY).double()
    contiguous = {name: t.contiguous() for name, t in network.state_dict().items()}
    other.load_state_dict(contiguous)
    assert layouts(copy.deepcopy(network)) == layouts(other) == layouts(network)
    assert all(torch.equal(t, contiguous[name]) for name, t in other.state_dict().items())


LOSSES = [
    (Discriminator, lambda D: r1_of(D).sum()),
    (Generator, lambda G: G(numbers(2, G.z_dim), noise_mode="const").pow(3).sum()),
]


@pytest.mark.parametrize(("kind", "loss"), LOSSES, ids=["D", "G"])
def test_a_convolutions_gradient_lies_as_its_weight(method, kind, loss):
    """Adam's fused step goes through memory and asks nobody for the order."""
    network = drawn(kind, CONFIG_F.but(**SMALL))
    loss(network).backward()
    convolutions = [module.weight for module in network.modules() if isinstance(module, EqualizedConv2d)]
    lies = [w.grad.stride() == w.stride() for w in convolutions if w.grad is not None and w.shape[-1] > 1]
    assert len(lies) >= 7
    assert all(lies)


def step(state: TrainingState, number: int) -> None:
    """A step of Adam on a gradient that R1 gave, whatever the weights' layout."""
    state.D_opt.zero_grad()
    reals = numbers(4, 3, 16, 16, dtype=torch.float32).requires_grad_()
    losses.r1(state.D(reals), reals, gamma=10.0).sum().backward()
    update(state.D_opt, lrate=0.01, step=number)


def test_adam_steps_as_with_contiguous_weights(tiny):
    fast, slow = (TrainingState.new(tiny, torch.device("cpu")) for _ in range(2))
    plain(slow.D)
    slow.reset_optimizers()
    for number, state in product((1, 2, 3), (fast, slow)):
        step(state, number)
    found, expected = (joined(state.D.parameters()) for state in (fast, slow))
    assert relative_error(found, expected.double()) < 1e-5  # a step is 1e-2; its sign hangs on no rounding here


def test_a_saved_state_steps_on_to_the_bit(tiny, tmp_path):
    """Files hold numbers and no layout: Adam's moments must be laid as its weights again."""
    state = TrainingState.new(tiny, torch.device("cpu"))
    step(state, 1)
    state.save(tmp_path / "state")
    resumed, _ = TrainingState.load(tmp_path / "state", torch.device("cpu"))
    step(state, 2)
    step(resumed, 2)
    assert torch.equal(joined(resumed.D.parameters()), joined(state.D.parameters()))
