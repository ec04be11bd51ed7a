"""The command that measures the quality of a network: metrics."""

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
    """Measure a network with the paper's metrics and others. Prints each with its error and what it may be compared to.

    Args:
        network: A network's file, a run folder, or hf://USER/NAME. Not needed with --self-test.
        data: The data set that the network was trained on.
        metrics: fid, fd, fdinf, kid, mind, pr, dc, ppl_wend (zend, zfull, wfull), ls_w (ls_z), each followed by the
            number of pictures: fd5k.
        features: efficientnet-lite0 (extra `perceptual`), or inception-2015-12-05 (downloaded once) or a file of it.
            Only a distance measured with Inception may be called FID.
        seed: Seed of the generated pictures; different seeds give different pictures.
        psi: Truncation of all styles; 1 means none, as in the paper's tables.
        noise: Stochastic detail: random (from the seed), const or none.
        mirror: Also use mirror images of the real pictures, for networks that were trained with them.
        out: A file for the results, with one JSON line for each.
        sheet: A PNG file for generated pictures beside the nearest real ones, which shows whether they are copies.
        device: Where to compute.
        self_test: Only compare real pictures with other real, blurred and noisy ones, to check the metrics themselves.
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
