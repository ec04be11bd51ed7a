"""A small network that reads known factors from pictures, trained here: its accuracy is part of the result."""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from stylegan.data.dataset import ImageDataset
from stylegan.data.pixels import to_float
from stylegan.data.portraits.portraits import FACTORS as PORTRAIT_FACTORS
from stylegan.data.writer import FACTORS
from stylegan.errors import InputError
from stylegan.probing.attributes import Attributes
from stylegan.probing.subject import Subject, draw_pairs, picture
from stylegan.sampling.progress import progress

MOST_PICTURES = 8000
LEAST_PICTURES = 100
STEPS = 800
BATCH = 64
MOST_PX = 64  # pictures are reduced to this
LEARNED = 0.2  # of an attribute's variance in unseen pictures: with less, the regressor learned nothing useful
FAR = 1.0  # see `distance`


@dataclass(frozen=True)
class Table:
    """Targets of pictures, (N, columns), and for each column its attribute."""

    names: list[str]
    columns: list[int]
    targets: Tensor


def learn(data: Path, G: Subject, *, steps: int = STEPS, seed: int = 0) -> Attributes:
    """Attributes read by a regressor of the data set's factors, or of its classes, for the pictures of G.

    Raises InputError for a data set that is not G's, or from which nothing was learned.
    """
    dataset = ImageDataset(data)
    table = read_table(dataset)
    check_data(dataset, G)
    return learned(dataset, table, px=min(dataset.img_resolution, G.img_resolution, MOST_PX), steps=steps, seed=seed)


def learn_alone(dataset: ImageDataset) -> Attributes:
    """The same without a network: for the pictures of any that is trained on this data set."""
    check_count(dataset)
    return learned(dataset, read_table(dataset), px=min(dataset.img_resolution, MOST_PX))


def learned(dataset: ImageDataset, table: Table, *, px: int, steps: int = STEPS, seed: int = 0) -> Attributes:
    """Attributes read from pictures that are reduced to `px`.

    A tenth of the pictures is held out for the accuracy. Attributes are left out where the regressor explains less than
    LEARNED of the variance; InputError where that leaves none.
    """
    order = np.random.default_rng(seed).permutation(len(dataset))[:MOST_PICTURES]
    held = max(len(order) // 10, 20)
    targets = table.targets[order]
    mean, deviation = targets[held:].mean(dim=0), targets[held:].std(dim=0).clamp_min(1e-6)
    targets = (targets - mean) / deviation
    pictures = torch.from_numpy(dataset.batch(px, order))
    net = fitted(pictures[held:], targets[held:], steps, seed)
    scores = explained(read_all(net, pictures[:held]), targets[:held], table)
    kept = [i for i, name in enumerate(table.names) if scores[name] >= LEARNED]
    left_out = tuple(name for name in table.names if scores[name] < LEARNED)
    if not kept:
        best = max(scores.values())
        raise InputError(
            f"the regressor learned nothing from {dataset.path}: it explains at most {best:.0%} of any attribute in "
            f"pictures it has not seen, and needs {LEARNED:.0%}; give more pictures, or other attributes"
        )
    chosen = [k for k, i in enumerate(table.columns) if i in kept]

    def function(x: Tensor) -> Tensor:
        return net.to(x.device)(F.adaptive_avg_pool2d(x, px))[:, chosen]

    columns = [kept.index(table.columns[k]) for k in chosen]
    return Attributes([table.names[i] for i in kept], function, columns, scores, left_out)


def read_table(dataset: ImageDataset) -> Table:
    """The factors that stand beside the pictures, else the classes. A category has a column for each of its values."""
    path = dataset.path / FACTORS
    if path.is_file():
        with path.open(encoding="utf-8", newline="") as f:
            rows = list(csv.DictReader(f))
        if len(rows) != len(dataset):
            raise InputError(f"{path} has {len(rows)} rows for {len(dataset)} pictures: it belongs to another data set")
        try:
            values = {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
        except (TypeError, ValueError) as error:
            raise InputError(
                f"{path} holds something that is not a number ({error}): it must be a table of numbers"
            ) from error
        return table_of(values)
    if dataset.c_dim:
        labels = torch.from_numpy(dataset.labels(np.arange(len(dataset))))
        return Table(list(dataset.class_names), list(range(dataset.c_dim)), labels)
    raise InputError(
        f"{dataset.path} has neither factors ({FACTORS}) nor classes: use portraits:COUNT, or pictures in "
        "folders, one per class, or probe without factors"
    )


def table_of(values: dict[str, np.ndarray]) -> Table:
    categories = {f.name for f in PORTRAIT_FACTORS if f.category}
    columns: list[int] = []
    targets = []
    for i, (name, column) in enumerate(values.items()):
        kinds = np.unique(column)
        many = name in categories and len(kinds) > 2
        each = [(column == kind).astype(float) for kind in kinds] if many else [column]
        columns += [i] * len(each)
        targets += each
    return Table(list(values), columns, torch.from_numpy(np.stack(targets, axis=1)).float())


def check_data(dataset: ImageDataset, G: Subject) -> None:
    """Raise InputError where these are not pictures such as G makes."""
    if dataset.img_channels != G.img_channels:
        raise InputError(
            f"{dataset.path} has pictures of {dataset.img_channels} channels, this network makes "
            f"{G.img_channels}: these are the factors of another data set"
        )
    check_count(dataset)
    if (far := distance(dataset, G)) > FAR:
        raise InputError(
            f"the pictures of {dataset.path} are unlike those of this network (distance {far:.1f}, at most "
            f"{FAR:g}): these are the factors of another data set, or the network is hardly trained"
        )


def check_count(dataset: ImageDataset) -> None:
    """Raise InputError for too few pictures to learn from."""
    if len(dataset) < LEAST_PICTURES:
        raise InputError(
            f"{dataset.path} has {len(dataset)} pictures: a regressor needs at least {LEAST_PICTURES}, preferably 5,000"
        )


def distance(dataset: ImageDataset, G: Subject, count: int = 256) -> float:
    """Of the pictures of G and the data set at 8x8: squared distance of means and deviations, by the data's variance.

    0 for the same distribution; 1 where they lie as far from each other as the pictures of the data set do.
    """
    drawn = draw_pairs(G, count, seed=1)
    fakes = [F.adaptive_avg_pool2d(picture(G, batch.a).clamp(-1, 1), 8).cpu() for batch in drawn.batches(G)]
    some = np.random.default_rng(0).permutation(len(dataset))[: 4 * count]
    reals = to_float(torch.from_numpy(dataset.batch(8, some)))
    means, deviations = zip(*[(x.mean(dim=0), x.std(dim=0)) for x in (torch.cat(fakes), reals)], strict=True)
    gap = (means[0] - means[1]).square() + (deviations[0] - deviations[1]).square()
    return float(gap.mean() / deviations[1].square().mean().clamp_min(1e-6))


def fitted(pictures: Tensor, targets: Tensor, steps: int, seed: int) -> nn.Module:
    """The regressor after `steps` batches. Leaves torch's global random state as it was."""
    with torch.random.fork_rng(devices=[]), torch.enable_grad():
        torch.manual_seed(seed)
        net = regressor(pictures.shape[1], pictures.shape[2], targets.shape[1])
        optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=1e-2)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=steps)
        for _ in progress(range(steps), "regressor"):
            chosen = torch.randint(len(pictures), (BATCH,))
            loss = F.mse_loss(net(to_float(pictures[chosen])), targets[chosen])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    return net.eval().requires_grad_(False)


def regressor(channels: int, px: int, columns: int) -> nn.Module:
    """Convolutions that halve the picture down to 4x4, and a dense layer."""
    layers: list[nn.Module] = []
    width = 24
    while px > 4:
        layers += [nn.Conv2d(channels, width, 3, stride=2, padding=1), nn.BatchNorm2d(width), nn.ReLU()]
        channels, width, px = width, min(2 * width, 128), (px + 1) // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * px * px, 128), nn.ReLU(), nn.Linear(128, columns))


def read_all(net: nn.Module, pictures: Tensor) -> Tensor:
    return torch.cat([net(to_float(part)) for part in pictures.split(BATCH)])


def explained(read: Tensor, targets: Tensor, table: Table) -> dict[str, float]:
    """The share of each attribute's variance that is read correctly, its columns together."""
    wrong, total = (read - targets).square().mean(dim=0), targets.var(dim=0)
    member = F.one_hot(torch.tensor(table.columns), len(table.names)).float()
    shares = 1 - (wrong @ member) / (total @ member).clamp_min(1e-6)
    return dict(zip(table.names, shares.tolist(), strict=True))
