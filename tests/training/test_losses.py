"""Losses and gradients against the authors' (golden/loss_nomix.npz)."""

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F

from stylegan.networks.discriminator import Discriminator
from stylegan.networks.generator import Generator
from stylegan.networks.layers import downsample
from stylegan.networks.styles import mix, update_w_avg
from stylegan.training import losses

import golden

DATA, META = golden.load("loss_nomix")
LODS = [0.0, 0.5, 1.0, 2.0]


class Case:
    """The authors' networks, pictures and random numbers at one lod."""

    def __init__(self, lod: float) -> None:
        config = golden.config(META["config"])
        self.lod = lod
        self.G, self.D = Generator(config), Discriminator(config)
        golden.fill(self.G, DATA, "G/")
        golden.fill(self.D, DATA, "D/")
        self.reals = downsample(golden.tensor(DATA["reals"]), 2 ** math.floor(lod)).requires_grad_()
        self.D_at = partial(self.D, lod=lod)
        self.real_logits = self.D_at(self.reals)

    def fakes(self) -> torch.Tensor:
        w = self.G.mapping(golden.tensor(DATA["latents"]))
        update_w_avg(self.G.w_avg, w)
        ws = self.G.broadcast(w)
        if DATA["mix_u"] < 0.9:
            ws = mix(ws, self.G.broadcast(self.G.mapping(golden.tensor(DATA["latents_mix"]))), int(DATA["mix_cutoff"]))
        return self.G.synthesis(ws, noise_mode="const", lod=self.lod)

    def loss(self, tag: str) -> torch.Tensor:
        fakes = self.fakes() if tag.startswith("G") else self.fakes().detach()
        fake_logits = self.D_at(fakes)
        real_logits, reals, lod = self.real_logits, self.reals, self.lod
        if tag.startswith("D_wgan_gp"):
            target = {"target": 750.0} if tag.endswith("750") else {}
            between = losses.interpolate(reals, fakes, golden.tensor(DATA["gp_mixing_factors"]))
            return losses.d_wgan_gp(real_logits, fake_logits, self.D_at(between), between, lod=lod, **target)
        fakes.requires_grad_()
        r2 = partial(losses.r1, self.D_at(fakes), fakes, lod=lod)  # R2 is R1 on generated pictures
        r1 = partial(losses.r1, real_logits, reals, lod=lod)
        return {
            "G_logistic_nonsaturating": lambda: losses.g_logistic(fake_logits),
            "G_logistic_saturating": lambda: -F.softplus(fake_logits),
            "G_wgan": lambda: losses.g_wgan(fake_logits),
            "D_logistic": lambda: losses.d_logistic(real_logits, fake_logits),
            "D_logistic_simplegp_r1_gamma10": lambda: losses.d_logistic(real_logits, fake_logits) + r1(gamma=10),
            "D_logistic_simplegp_r1_gamma0_r2_gamma10": lambda: (
                losses.d_logistic(real_logits, fake_logits) + r2(gamma=10)
            ),
            "D_logistic_simplegp_r1_gamma10_r2_gamma5": lambda: (
                losses.d_logistic(real_logits, fake_logits) + r1(gamma=10) + r2(gamma=5)
            ),
            "D_wgan": lambda: fake_logits - real_logits + 0.001 * real_logits**2,
            "D_hinge": lambda: F.relu(1 + fake_logits) + F.relu(1 - real_logits),
        }[tag]()


CASES = [case for case in META["cases"] if case["tag"] != "D_hinge_gp"]  # of no configuration of the paper


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["tag"])
@pytest.mark.parametrize("lod", LODS)
def test_loss_and_gradients_are_the_authors(case, lod):
    here = Case(lod)
    key = f"{case['tag']}/lod{lod:g}"
    network = here.G if case["net"] == "G" else here.D

    loss = here.loss(case["tag"]).mean()
    assert loss.item() == pytest.approx(DATA[f"{key}/loss"].mean(), rel=1e-4)

    parameters = dict(network.named_parameters())
    gradients = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    ours = {n: torch.zeros_like(p) if g is None else g for (n, p), g in zip(parameters.items(), gradients, strict=True)}
    if case["grads"] == "full":
        theirs = golden.our_arrays(network, DATA, f"{key}/grad/")
        assert theirs.keys() == ours.keys()
        largest = max(t.abs().max() for t in theirs.values())
        for name, reference in theirs.items():
            assert (ours[name] - reference).abs().max() <= 1e-3 * max(reference.abs().max(), 1e-5 * largest), name
    else:
        names = golden.our_names(network, META[f"{case['net']}_trainables"])
        theirs = dict(zip(names.values(), DATA[f"{key}/gradnorm"], strict=True))
        largest = max(theirs.values())
        for name, norm in theirs.items():
            assert ours[name].norm().item() == pytest.approx(norm, rel=1e-3, abs=1e-5 * largest), name
    if f"{key}/dlatent_avg_after" in DATA and case["net"] == "G":
        assert golden.relative_error(here.G.w_avg, DATA[f"{key}/dlatent_avg_after"]) < 1e-4


@pytest.mark.parametrize("lod", LODS)
def test_fakes_and_the_gradient_at_real_pictures_are_the_authors(lod):
    here = Case(lod)
    fakes = DATA[f"aux/lod{lod:g}/fakes"]
    factor = 2 ** math.floor(lod)
    assert golden.relative_error(here.fakes(), downsample(golden.tensor(fakes), factor)) < 1e-4
    (gradient,) = torch.autograd.grad(here.real_logits.sum(), here.reals)
    theirs = downsample(golden.tensor(DATA[f"aux/lod{lod:g}/real_grads"]), factor) * factor**2  # summed over the pixel
    assert golden.relative_error(gradient, theirs) < 1e-3


def test_r1_of_a_linear_discriminator_is_half_gamma_times_its_squared_weights():
    weight = torch.randn(1, 3, 4, 4)
    reals = torch.randn(5, 3, 4, 4, requires_grad=True)
    logits = (reals * weight).sum(dim=(1, 2, 3))[:, None]
    penalty = losses.r1(logits, reals, gamma=10)
    torch.testing.assert_close(penalty, (5 * weight.square().sum()).expand(5, 1))
    torch.testing.assert_close(losses.r1(logits, reals, gamma=10, lod=1.5), penalty / 4)
