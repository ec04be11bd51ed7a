"""Put the newest network of a run into the box: G_ema in half precision, and its checksum.

    python tools/box.py RUN NAME

Then write its card, src/stylegan/box/NAME.md, and look at its pictures:

    stylegan sample NAME --seeds 0-99 --psi 1 --out sheet --grid
"""

import hashlib
import sys
from pathlib import Path

import stylegan

BOX = Path(stylegan.__file__).parent / "box"


def main(run: str, name: str) -> None:
    """Write NAME.safetensors into the box and list its checksum in SHA256SUMS."""
    networks = stylegan.load_networks(run)
    metadata = {"cur_nimg": networks.metadata["cur_nimg"], "license": "Apache-2.0"}
    file = BOX / f"{name}.safetensors"
    stylegan.save(file, networks.G_ema, metadata, half=True)
    sums = BOX / "SHA256SUMS"
    lines = sums.read_text().splitlines()
    others = [line for line in lines if not line.endswith(f"  {file.name}")]
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    sums.write_text("\n".join(sorted([*others, f"{digest}  {file.name}"])) + "\n")
    print(f"{file.name}: {file.stat().st_size / 1e6:.1f} MB, after {networks.metadata['cur_nimg']:,} images")


if __name__ == "__main__":
    main(*sys.argv[1:])
