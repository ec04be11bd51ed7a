"""Tells from its first bytes what kind of file something is that is not ours, for messages."""

import re
from pathlib import Path

LFS = b"version https://git-lfs.github.com/"
OLD_PYTORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19"  # with which files of torch.save began until torch 1.5
IMAGES = {b"\x89PNG\r\n": "a PNG picture", b"\xff\xd8\xff": "a JPEG picture", b"GIF8": "a GIF picture"}
KINDS = {
    LFS: "a Git LFS pointer, which only names the file: fetch the file itself with `git lfs pull`",
    OLD_PYTORCH: "a PyTorch file (.pt, .pth), which `stylegan import` may read",
    b"\x1f\x8b": "a gzip archive: unpack it first",
    b"BZh": "a bzip2 archive: unpack it first",
    b"\xfd7zXZ": "an xz archive: unpack it first",
    b"7z\xbc\xaf": "a 7-Zip archive: unpack it first",
    b"\x89HDF": "an HDF5 file (.h5)",
    b"\x93NUMPY": "a NumPy array (.npy)",
    b"%PDF": "a PDF document",
    **IMAGES,
}


def what_it_is(path: Path) -> str | None:
    """The kind of a file in words, such as "a web page (HTML), ..."; None for a kind that is not known here."""
    with path.open("rb") as f:
        start = f.read(1024)
    if not start:
        return "an empty file: the download or the copy did not finish"
    for magic, words in KINDS.items():
        if start.startswith(magic):
            return words
    if start.startswith(b"PK\x03\x04"):
        is_pytorch = re.match(rb".{26,30}[^\x00]*?(/data\.pkl|\.data/|/\.format_version|/byteorder)", start, re.DOTALL)
        return (
            "a PyTorch file (.pt, .pth), which `stylegan import` may read"
            if is_pytorch
            else "a zip archive: unpack it first"
        )
    if re.match(rb"\x80[\x02-\x05]", start):
        return "a pickle (an official one? run `stylegan import` first)"
    text = start.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<!--", b"<?xml")):
        return "a web page (HTML), saved instead of the file: download the file itself"
    if text.startswith((b"{", b"[")):
        return "a JSON text"
    return None
