"""Small words that several formats share."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from datalint.finding import Finding

CONFIGURATION = "datalint.yaml"
# Also what ends a line to some readers, and what turns the letters around it (UAX #9): `gpj.exe` would read `exe.jpg`.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
# GitHub's runner obeys a line of standard output that begins with `::`, and `##[` anywhere in it.
_COMMAND = re.compile(r"^(\s*):(?=:)|#(?=#\[)")

_SURROGATE = re.compile(r"[\ud800-\udfff]")


def count(number: int, singular: str, plural: str | None = None) -> str:
    """`1 file`, `1,200 files`."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"


def printable(text: str) -> str:
    r"""One line without control characters: a file name must not move the cursor, nor command a runner of CI."""
    text = "".join(_shown(character) for character in text) if _CONTROL.search(text) else text
    return _COMMAND.sub(lambda match: f"{match[1] or ''}\\x{ord(match[0][-1]):02x}", text)


def readable(text: str) -> str:
    r"""The same for files in UTF-8: bytes of a name that are no UTF-8 are shown as `\xff`."""
    return _SURROGATE.sub(_unpaired, printable(text))


def _unpaired(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code - 0xDC00:02x}" if 0xDC80 <= code <= 0xDCFF else f"\\u{code:04x}"


def _shown(character: str) -> str:
    if not _CONTROL.match(character):
        return character
    code = ord(character)
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character, f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}")


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """By severity; within one, the order in which they came stays."""
    return sorted(findings, key=lambda finding: finding.severity.rank)


def of_each(findings: Iterable[Finding]) -> list[Finding]:
    """The first finding of every rule, then the second of every rule, ...: no rule hides the others."""
    turns: Counter[str] = Counter()
    ranked = []
    for finding in findings:
        ranked.append((turns[finding.rule], finding))
        turns[finding.rule] += 1
    return [finding for _, finding in sorted(ranked, key=lambda item: item[0])]


def place_of(finding: Finding) -> tuple[str, int]:
    """File and line for formats that must have one; what is said of the whole dataset stands at its configuration."""
    if finding.manifest is not None:
        return finding.manifest, finding.line or 1
    return (finding.path, finding.line or 1) if finding.path else (CONFIGURATION, 1)


def seconds(value: float) -> str:
    return f"{value:.1f} s" if value < 60 else f"{value / 60:.1f} min"


def location(finding: Finding) -> str:
    """`manifest:line`, `path:line`, `path`, or nothing for a finding about the whole dataset."""
    if finding.manifest is not None:
        return f"{finding.manifest}:{finding.line}"
    if finding.path is None:
        return ""
    return finding.path if finding.line is None else f"{finding.path}:{finding.line}"
