"""What a training run says of its files before it writes them."""

import re

import stylegan
from stylegan.checkpoint import snapshots


def test_files_are_as_large_and_as_many_as_was_said(portraits, tiny, tmp_path, capsys):
    run = tmp_path / "run"
    stylegan.train(portraits.path, run, config=tiny.but(tick_kimg=0.05, tick_kimg_at={}), keep_snapshots=None)
    said = re.sub(r"\s+", " ", capsys.readouterr().err)
    number = r"([\d.]+)"
    found = re.search(rf"{number} snapshots of {number} MB each, .* states of up to {number} MB", said)
    count, snapshot, state = map(float, found.groups())
    sizes = [path.stat().st_size / 1e6 for path in snapshots(run)]
    states = [path.stat().st_size / 1e6 for path in run.glob("state*")]
    assert max(sizes) <= snapshot <= 1.25 * max(sizes)
    assert max(states) <= state <= 1.25 * max(states)
    assert len(sizes) <= count <= len(sizes) + 1
