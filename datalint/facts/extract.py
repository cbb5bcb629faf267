"""One file's bytes -> its facts: by content, never by name; each byte is decoded once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.facts import jpeg, length, pillow, png, sniff
from datalint.facts.model import EXTRACTOR, Facts

if TYPE_CHECKING:
    from datalint.entry import Pixels

__all__ = ["EXTRACTOR", "extract"]

_POINTERS = {"lfs-pointer"}


def extract(data: bytes) -> Facts:
    """Everything the content tells. Bad bytes are facts, not errors: raises only MemoryError."""
    facts = Facts()
    if not data:
        facts.blame("empty", "empty", "0 bytes")
        _refused(facts)
        return facts
    found = sniff.image_format(data)
    if found == "jpeg":
        jpeg.read(facts, data)
    elif found == "png":
        png.read(facts, data)
    elif found is not None:
        pillow.read(facts, data, found)
    else:
        _unknown(facts, data)
    suspect = facts.status == "damaged" or (facts.status == "ok" and length.grown_by_line_ends(data, found))
    if suspect and facts.cause != "crlf-mangled" and sniff.grown_line_ends(data):
        facts.status, facts.cause = "damaged", "crlf-mangled"
        facts.detail = "every line feed follows a carriage return: converted as if text"
    return facts


def pixels(data: bytes, shape: Pixels) -> Facts:
    """Of an array without an image file around it."""
    facts = Facts(format="raw")
    values = shape.height * shape.width * shape.channels
    if not values or (not shape.bits and len(data) % values):
        facts.blame("raw", "no-shape", "pixels whose height and width nobody states")
    else:
        facts.size(shape.width, shape.height, shape.channels, shape.bits or 8 * (len(data) // values))
    return facts


def _unknown(facts: Facts, data: bytes) -> None:
    mangled = sniff.line_ends(data)
    if mangled is not None:
        facts.format = "png"
        facts.blame("damaged", "crlf-mangled", mangled)
        _refused(facts)
        return
    if sniff.damaged_png(data):
        facts.format = "png"
        facts.blame("damaged", "bad-header", "its PNG signature is damaged")
        _refused(facts)
        return
    cause, words = sniff.other(data)
    if cause == "unknown-format":
        # Pillow knows formats that have no signature (TGA) or a rare one.
        pillow.read(facts, data, None)
        if facts.pillow:
            return
        facts.status = "ok"
    status = "pointer" if cause in _POINTERS else "damaged" if cause == "zero-filled" else "not-image"
    facts.format = None
    facts.blame(status, cause, words)
    _refused(facts)


def _refused(facts: Facts) -> None:
    facts.pillow = False
    facts.tensorflow_refuses()
