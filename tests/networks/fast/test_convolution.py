"""One convolution against torch's: values and derivatives, and what chooses how it is computed."""

import copy
from itertools import product

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck

from stylegan.config import CONFIG_F
from stylegan.networks import fast
from stylegan.networks.discriminator import Discriminator
from stylegan.networks.fast import convolution
from stylegan.networks.fast.convolution import Direct, blur, conv2d, conv2d_down, conv2d_up
from stylegan.networks.fast.winograd import Winograd
from stylegan.networks.generator import Generator
from stylegan.networks.layers import Blur, EqualizedConv2d
from stylegan.training import losses
from stylegan.training.state import TrainingState, update

from conftest import SMALL, TINY
from numeric import ROUNDING, derivatives, drawn, joined, numbers, relative_error

# One convolution

CASES = {  # ours, torch's, and shapes of what is given and of the weights
    "3x3": (conv2d, lambda x, w: F.conv2d(x, w, padding=1), (3, 2, 8, 8), (5, 2, 3, 3)),
    "1x1": (conv2d, F.conv2d, (3, 2, 8, 8), (5, 2, 1, 1)),
    "down": (conv2d_down, lambda x, w: F.conv2d(x, w, stride=2, padding=1), (3, 2, 8, 8), (5, 2, 4, 4)),
    "up": (conv2d_up, lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1), (3, 5, 4, 4), (5, 2, 4, 4)),
}
cases = pytest.mark.parametrize(("ours", "theirs", "given_shape", "w_shape"), CASES.values(), ids=CASES)


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


def test_blur_and_its_derivatives_are_torchs():
    def theirs(x):
        return F.conv2d(x, kernel.expand(5, 1, 3, 3), padding=1, groups=5)

    kernel, x = Blur().kernel.double(), numbers(2, 5, 6, 6)
    errors = map(relative_error, derivatives(cubed(lambda x: blur(x, kernel)), x), derivatives(cubed(theirs), x))
    assert max(errors) < ROUNDING


def test_on_a_gpu_a_blur_is_two_means():
    x = numbers(2, 5, 6, 4)
    assert relative_error(convolution._two_means(x), blur(x, Blur().kernel.double())) < ROUNDING


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


# Single precision


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


def test_the_gradient_by_the_weights_is_computed_where_it_is_asked_for(method):
    """For a leaf, such as `w` here, torch does not say, so it is always computed; for what is made of one it says."""
    given, w = numbers(1, 2, 8, 8).requires_grad_(), numbers(5, 2, 3, 3).requires_grad_()
    y = conv2d(given, 2 * w).pow(2).sum()
    both = torch.autograd.grad(y, [given, w], retain_graph=True)
    alone = [torch.autograd.grad(y, t, retain_graph=True)[0] for t in (given, w)]
    y.backward()
    for found in (alone, [given.grad, w.grad]):
        assert all(map(torch.equal, found, both))


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


@pytest.mark.parametrize("moved", [(0,), (1,), (0, 1)], ids=["picture", "weights", "both"])
@cases
def test_forward_derivatives_by_picture_and_weights_are_torchs(method, moved, ours, theirs, given_shape, w_shape):
    both = numbers(1, *given_shape[1:]), numbers(*w_shape)

    def forward(op):
        def of_moved(*some):
            return op(*(some[moved.index(i)] if i in moved else both[i] for i in (0, 1)))

        primals = tuple(both[i] for i in moved)
        return torch.func.jvp(of_moved, primals, tuple(t.flip(0) + 1 for t in primals))[1]

    assert relative_error(forward(ours), forward(theirs)) < ROUNDING


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
    update(state.D_opt, lrate=0.01, step=number, skipped=torch.tensor(False))


def test_adam_steps_as_with_contiguous_weights(tiny):
    ours = TrainingState.new(tiny, torch.device("cpu"))
    with fast.off():
        theirs = TrainingState.new(tiny, torch.device("cpu"))
    for number, state in product((1, 2, 3), (ours, theirs)):
        step(state, number)
    found, expected = (joined(state.D.parameters()) for state in (ours, theirs))
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
