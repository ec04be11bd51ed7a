"""Export a network to ONNX, then draw seeds 0 to 7 from that file alone: numpy, onnxruntime, Pillow, no torch.

    python examples/export.py NETWORK G.onnx        (pip install 'stylegan[onnx]')

`draw` needs nothing of this package: copy it to where the pictures are made. The sheet is written beside the file.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

import stylegan


def draw(path: Path, seeds: list[int], psi: float, label: int = 0) -> np.ndarray:
    """The pictures of seeds, as `stylegan sample` draws them: uint8 (N, C, H, H)."""
    session = onnxruntime.InferenceSession(str(path))
    facts = json.loads(session.get_modelmeta().custom_metadata_map["stylegan"])
    randoms = [np.random.RandomState(seed) for seed in seeds]
    z_dim, c_dim = facts["config"]["z_dim"], facts["config"]["c_dim"]
    pixels = sum(H * H for H in facts["noise_resolutions"])

    feeds = {"z": np.concatenate([random.randn(1, z_dim) for random in randoms]).astype(np.float32)}
    feeds["truncation_psi"] = np.array(psi, np.float32)
    if pixels:  # what follows z in each seed's stream; zeros would be pictures without noise
        feeds["noise"] = np.concatenate([random.randn(1, pixels) for random in randoms]).astype(np.float32)
    if c_dim:
        feeds["c"] = np.eye(c_dim, dtype=np.float32)[[label] * len(seeds)]

    images = session.run(None, feeds)[0]  # nominally in [-1, 1]
    return (images * 127.5 + 128).clip(0, 255).astype(np.uint8)


if __name__ == "__main__":
    network, out = sys.argv[1], Path(sys.argv[2])
    error = stylegan.export(network, out, truncation_cutoff=8)
    print(f"{out}: equal to torch's pictures to {error:.1e} of their range")

    images = draw(out, seeds=list(range(8)), psi=0.7)
    sheet = np.concatenate(list(images.transpose(0, 2, 3, 1)), axis=1)  # (H, 8 H, C)
    Image.fromarray(sheet.squeeze()).save(out.with_suffix(".png"))
    print(out.with_suffix(".png"))
