"""Has a network memorised pictures? A sheet of generated pictures beside the real ones that are nearest to them.

No published number distinguishes memorising from underfitting, so people have to look.
"""

import numpy as np
from PIL import Image

from stylegan.figures.sheet import Sheet, tile
from stylegan.metrics.neighbours import nearest
from stylegan.metrics.reference import real_order
from stylegan.metrics.subject import Subject

ROWS, NEIGHBOURS = 8, 6
MOST_REALS = 50_000  # the neighbours are searched among so many real pictures


def neighbour_sheet(subject: Subject) -> Image.Image:
    """A row for each of the first 8 generated pictures: the picture, then its 6 nearest real ones by features."""
    dataset, H = subject.dataset, subject.resolution
    reals, _ = subject.reals(MOST_REALS)
    found = nearest(subject.fakes(ROWS), reals, min(NEIGHBOURS, len(reals)))
    among = real_order(dataset)[: len(reals)].repeat(2 if subject.mirror else 1)  # a picture, then its mirror image
    fakes = np.concatenate(list(subject.pictures(0, ROWS, "pictures")))
    rows = []
    for fake, chosen in zip(fakes, found.indices.numpy(), strict=True):
        pictures = dataset.batch(H, among[chosen])
        if subject.mirror:
            pictures = np.stack([p[..., ::-1] if i % 2 else p for p, i in zip(pictures, chosen, strict=True)])
        rows.append([tile(fake), *(tile(picture) for picture in pictures)])
    seeds, _ = subject.drawn(0, ROWS)
    columns = ["generated", "nearest real", *(f"{i}." for i in range(2, found.indices.shape[1] + 1))]
    return Sheet(
        rows=rows,
        title=f"The nearest of {len(reals):,} real pictures",
        caption=f"By {subject.network.name}, {H} px, psi {subject.psi:g}. Distances grow from left to right.",
        columns=columns,
        row_labels=[
            f"seed {seed}\n{distance:.3g}" for seed, distance in zip(seeds, found.distances[:, 0].tolist(), strict=True)
        ],
        wide_before=(1,),
    ).draw()
