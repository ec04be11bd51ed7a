"""The quality of a network in numbers: metrics."""

from typing import Annotated

import tyro

from stylegan.cli.console import Device, open_network, say
from stylegan.config import NoiseMode
from stylegan.errors import InputError

OptionalNetwork = Annotated[tyro.conf.Positional[str | None], tyro.conf.arg(metavar="NETWORK")]


def metrics(
    network: OptionalNetwork = None,
    *,
    data: str,
    metrics: str = "fd5k,kid5k,mind5k",
    features: str = "efficientnet-lite0",
    seed: int = 0,
    psi: float = 1.0,
    noise: NoiseMode = "random",
    mirror: bool = False,
    out: str | None = None,
    sheet: str | None = None,
    self_test: bool = False,
    device: Device = "auto",
) -> int:
    """The paper's metrics and the field's, with their error and with what they may be compared with.

    Args:
        network: A network's file, a run folder, or hf://USER/NAME. None with --self-test.
        data: The data set that it was trained on.
        metrics: fid, fd, fdinf, kid, mind, pr, dc, ppl_wend (zend, zfull, wfull), ls_w (z), each with a number: fd5k.
        features: efficientnet-lite0 (extra `perceptual`), inception-2015-12-05 (fetched once) or a file of it: its
            distance alone is the FID.
        seed: Which pictures are generated: those of two seeds differ.
        psi: Truncation of all styles; 1 is none, as in the paper's tables.
        noise: Stochastic detail: random (from the seed), const or none.
        mirror: Mirror images of the real pictures count too: for networks trained with them.
        out: A file for the results, a JSON line each.
        sheet: A PNG file for generated pictures beside the real ones that are nearest: memorised or not?
        device: Where to compute.
        self_test: Only compare real pictures with real, blurred and noisy ones: are the numbers in order?
    """
    if self_test:
        from stylegan.metrics.self_test import run_self_test

        tested = run_self_test(data, features=features)
        say("\n".join(tested.lines()))
        return 1 if tested.problems else 0
    if network is None:
        raise InputError("stylegan metrics needs a NETWORK, or --self-test")
    from stylegan.data.dataset import ImageDataset
    from stylegan.metrics.features import find_features
    from stylegan.metrics.save import save_measured
    from stylegan.metrics.subject import Subject
    from stylegan.probing.attributes import classifier_of

    G = open_network(network, device)
    subject = Subject(
        G, ImageDataset(data), find_features(features), seed=seed, psi=psi, noise_mode=noise, mirror=mirror
    )
    if "ls_" in metrics:
        subject.classifier = classifier_of(data, G)
    for result in save_measured(subject, metrics, out=out, sheet=sheet):
        say("\n".join(result.lines()))
    return 0
