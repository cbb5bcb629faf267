"""Whether a JSON file is COCO's, by its first bytes: captions, panoptic segments and other JSON are not."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Kind = Literal["instances", "captions", "panoptic", "cut", "other"]
"""`cut`: it ends before it tells, or is no JSON at all."""

HEAD = 1 << 16
FAR = 1 << 26
"""How far the first annotation is looked for: behind 118,000 images it begins at 40 MB."""
_BLOCK = 1 << 20
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+"|[{}\[\],:]', re.DOTALL)
_LIST = re.compile(rb'"annotations"\s*+:\s*+\[\s*+(\{|\])')
_FILE_NAME = re.compile(rb'"file_name"\s*+:\s*+("(?:[^"\\]|\\.)*+")')
_INSTANCE = {b"bbox", b"segmentation", b"category_id", b"keypoints"}


def encoding(head: bytes) -> str:
    """UTF-8, or UTF-16 or UTF-32 where an object or a list is written in it: PowerShell's `>` does so.

    As Python's json finds it out of bytes. Loaders open the file as text and fail (pycocotools: UnicodeDecodeError).
    """
    found = json.detect_encoding(head)
    if found in ("utf-8", "utf-8-sig"):
        return "UTF-8"
    return found[:6].upper() if _decoded(head).lstrip().startswith(("{", "[")) else "UTF-8"


def _decoded(head: bytes) -> str:
    return head.decode(json.detect_encoding(head), "ignore")


def kind_of(head: bytes, further: Callable[[], bytes] | None = None) -> Kind:
    """What the file is; `further` gives the bytes from the first annotation on, where the head does not hold them."""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if encoding(head) != "UTF-8":
        text = _decoded(head).encode("utf-8", "replace").lstrip()
    if not text:
        return "cut"
    if text.startswith(b"["):
        return "other"
    if not text.startswith(b"{"):
        return "cut"
    keys, closed = _first_keys(text)
    images, annotations = keys.get("images"), keys.get("annotations")
    if annotations is None and images and further is not None and not closed:
        annotations = _first_keys(b"{" + further())[0].get("annotations")
    if annotations:
        return _by_annotation(annotations)
    if images is None:
        return "other" if closed or keys.keys().isdisjoint({"info", "licenses", "categories"}) else "cut"
    if images and not ({b"id", b"file_name"} <= images):
        return "other"
    # Without annotations it is a list of images (image_info_test2017).
    return "instances" if not closed or "categories" in keys else "other"


def _by_annotation(keys: set[bytes]) -> Kind:
    if b"caption" in keys:
        return "captions"
    if b"segments_info" in keys:
        return "panoptic"
    return "instances" if b"image_id" in keys and keys & _INSTANCE else "other"


def _first_keys(text: bytes) -> tuple[dict[str, set[bytes]], bool]:
    """Top-level key -> keys of the first object in its list; and whether the whole object is there."""
    found: dict[str, set[bytes]] = {}
    depth, key, before, number = 0, "", b"", 0
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in (b"{", b"["):
            depth += 1
        elif mark in (b"}", b"]"):
            depth -= 1
            if depth == 2:
                number += 1
            if depth <= 0:
                return found, True
        elif mark == b":" and depth == 1:
            key, number = before[1:-1].decode("utf-8", "replace"), 0
            found.setdefault(key, set())
        elif mark == b":" and depth == 3 and not number:
            found[key].add(before[1:-1])
        before = mark
    return found, False


def from_annotations(place: str) -> bytes:
    """The bytes of a file from its first annotation on; none where there is none within reach."""
    before = b""
    with open(place, "rb") as file:
        while file.tell() < FAR:
            block = file.read(_BLOCK)
            if not block:
                return b""
            text = before + block
            match = _LIST.search(text)
            if match is not None:
                return text[match.start() :] + file.read(HEAD)
            before = text[-64:]
    return b""


def names(place: str) -> list[str]:
    """Names of some images of a file, the first that it lists."""
    before = b""
    with open(place, "rb") as file:
        while block := file.read(_BLOCK):
            text = before + block
            found = _FILE_NAME.findall(text)
            if found:
                return list(filter(None, map(_text, found)))
            before = text[-4096:]
    return []


def _text(written: bytes) -> str:
    try:
        return str(json.loads(written))
    except ValueError:
        return ""
