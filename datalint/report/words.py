"""Small words that several formats share."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datalint.finding import Finding

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`1 file`, `1,200 files`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def printable(text: str) -> str:
    r"""One line without control characters: a file name must not move the cursor or colour the terminal."""
    return "".join(_shown(character) for character in text) if _CONTROL.search(text) else text


def _shown(character: str) -> str:
    if not _CONTROL.match(character):
        return character
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character, f"\\x{ord(character):02x}")


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else f"{value / 60:.1f} min"


def location(finding: Finding) -> str:
    """`manifest:line`, `path:line`, `path`, or nothing for a finding about the whole dataset."""
    if finding.manifest is not None:
        return f"{finding.manifest}:{finding.line}"
    if finding.path is None:
        return ""
    return finding.path if finding.line is None else f"{finding.path}:{finding.line}"
