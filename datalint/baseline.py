"""The file of accepted findings: one JSON object a line, so that merges see one finding at a time."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from datalint import replaced
from datalint.errors import Position, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from datalint.finding import Finding


@dataclass(frozen=True, slots=True)
class Accepted:
    """One accepted finding; only `fingerprint` decides, the rest is for people who read the file."""

    fingerprint: str
    rule: str
    path: str | None
    message: str


Baseline = dict[str, Accepted]
"""Accepted findings by fingerprint."""


@dataclass(frozen=True, slots=True)
class Filtered:
    """`gone` are accepted findings that no longer occur."""

    kept: Sequence[Finding]
    baselined: int
    gone: Sequence[Accepted]


def load(read: Callable[[str], bytes | None], name: str, *, label: str = "") -> Baseline:
    """Read the baseline through `read`; empty without one. Raises UsageError at a corrupt line of `label` + `name`."""
    content = read(name)
    return {} if content is None else parse(content, label + name)


def parse(content: bytes, file: str) -> Baseline:
    """Lines by fingerprint; a fingerprint that stands twice (after a merge) counts once."""
    baseline: Baseline = {}
    for number, line in enumerate(content.split(b"\n"), 1):
        if line.strip():
            accepted = _parse_line(line.rstrip(b"\r"), Position(file, number))
            baseline[accepted.fingerprint] = accepted
    return baseline


def apply(
    findings: Iterable[Finding],
    baseline: Baseline,
    *,
    ran: Collection[str] | None = None,
    unread: Collection[str] = (),
) -> Filtered:
    """Take accepted findings away.

    Entries of rules not in `ran` (None: all ran) or about paths in `unread` had no chance to occur: never gone.
    """
    seen: set[str] = set()
    kept = []
    baselined = 0
    for finding in findings:
        if finding.fingerprint in baseline:
            seen.add(finding.fingerprint)
            baselined += 1
        else:
            kept.append(finding)
    gone = [
        entry
        for fingerprint, entry in baseline.items()
        if fingerprint not in seen and (ran is None or entry.rule in ran) and entry.path not in unread
    ]
    return Filtered(kept, baselined, gone)


def accept(findings: Iterable[Finding]) -> Baseline:
    """Findings as a baseline; an old one is brought up to date as the old, pruned, joined with this."""
    return {
        finding.fingerprint: Accepted(finding.fingerprint, finding.rule, finding.path, finding.message)
        for finding in findings
    }


def prune(baseline: Baseline, gone: Iterable[Accepted]) -> Baseline:
    """The baseline without the entries that no longer occur."""
    dropped = {entry.fingerprint for entry in gone}
    return {fingerprint: entry for fingerprint, entry in baseline.items() if fingerprint not in dropped}


def render(baseline: Baseline) -> bytes:
    """The file's content, sorted by rule, path and fingerprint: the same findings give the same bytes."""
    entries = sorted(baseline.values(), key=lambda entry: (entry.rule, entry.path or "", entry.fingerprint))
    lines = (json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in entries)
    # A lone surrogate cannot be UTF-8, but its backslash form is the escape that JSON knows.
    return "".join(lines).encode("utf-8", "backslashreplace")


def write(path: str, baseline: Baseline) -> None:
    """Replace the file in one step; UnfinishedError where it cannot be written."""
    replaced.write(path, render(baseline), what="the baseline")


_FIELDS = {"fingerprint": (str,), "rule": (str,), "path": (str, type(None)), "message": (str,)}


def _parse_line(line: bytes, place: Position) -> Accepted:
    if replaced.is_conflict(line.decode("utf-8", "replace")):
        hint = "keep the lines of both sides, remove the marks"
        raise UsageError("the baseline holds a merge conflict", place, hint)
    try:
        entry = json.loads(line)
    except UnicodeDecodeError as error:
        where = Position(place.file, place.line, error.start + 1)
        raise UsageError(f"byte 0x{line[error.start]:02x} is not UTF-8", where) from error
    except json.JSONDecodeError as error:
        where = Position(place.file, place.line, error.colno)
        raise UsageError(f"not a line of a baseline: {error.msg.lower()}", where) from error
    except RecursionError as error:
        raise UsageError("not a line of a baseline: nested too deep", place) from error
    if not isinstance(entry, dict) or entry.keys() != _FIELDS.keys():
        raise UsageError(f"not a line of a baseline: expected an object with {', '.join(_FIELDS)}", place)
    for name, types in _FIELDS.items():
        if not isinstance(entry[name], types):
            raise UsageError(f"not a line of a baseline: {name} is not text", place)
    return Accepted(**entry)
