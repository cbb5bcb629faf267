"""Takes away what the user's `ignore` entries accept, and says which entries expired or match nothing."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.finding import Family, Finding, Severity, fingerprint
from datalint.globs import glob_pattern

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from datalint.config import Ignore
    from datalint.finding import Value

Keys = tuple[str, ...]
_Cell = tuple[bool, str]
"""Whether a value is text, and how it reads."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """What is left, and apart from it what is said of the entries themselves: that belongs in no baseline."""

    kept: Sequence[Finding]
    ignored: int
    notes: Sequence[Finding]
    """Findings `expired-ignore` and `unused-ignore`."""


def apply(
    findings: Iterable[Finding], ignores: Sequence[Ignore], *, today: date, ran: Collection[str] | None = None
) -> Suppressed:
    """Split findings into kept and ignored; the first entry that matches counts as used.

    An entry for a rule that is not in `ran` (None: all ran) had no chance to match: it is not called unused.
    """
    active = _Matcher([entry for entry in ignores if entry.until is None or entry.until >= today])
    expired = _Matcher([entry for entry in ignores if entry.until is not None and entry.until < today])
    kept = []
    ignored = 0
    for finding in findings:
        if active.match(finding):
            ignored += 1
        else:
            expired.match(finding)
            kept.append(finding)
    notes = [_expired(entry, count) for entry, count in expired.counts() if count]
    notes += [
        _unused(entry, today)
        for matcher in (active, expired)
        for entry, count in matcher.counts()
        if not count and (ran is None or entry.rule in ran)
    ]
    return Suppressed(kept, ignored, notes)


class _Matcher:
    """Entries compiled once: by rule, by the key columns and values they name, then one pattern of all globs.

    So a finding costs one look-up and one match for each distinct set of key columns, however many entries.
    """

    def __init__(self, entries: Sequence[Ignore]) -> None:
        self._entries = entries
        self._counts = [0] * len(entries)
        grouped: dict[str, dict[Keys, dict[tuple[_Cell, ...], list[int]]]] = {}
        for number, entry in enumerate(entries):
            names = tuple(sorted(entry.key))
            for values in itertools.product(*(_alternatives(entry, name) for name in names)):
                grouped.setdefault(entry.rule, {}).setdefault(names, {}).setdefault(values, []).append(number)
        self._rules = {
            rule: {
                names: {values: _Bucket(entries, numbers) for values, numbers in by_values.items()}
                for names, by_values in by_names.items()
            }
            for rule, by_names in grouped.items()
        }

    def match(self, finding: Finding) -> bool:
        for names, buckets in self._rules.get(finding.rule, {}).items():
            cells = _cells(finding.values, names)
            bucket = None if cells is None else buckets.get(cells)
            number = bucket.match(finding) if bucket else None
            if number is not None:
                self._counts[number] += 1
                return True
        return False

    def counts(self) -> Iterable[tuple[Ignore, int]]:
        return zip(self._entries, self._counts, strict=True)


class _Bucket:
    """Entries that differ by their glob alone."""

    def __init__(self, entries: Sequence[Ignore], numbers: list[int]) -> None:
        self._everything = next((number for number in numbers if entries[number].path is None), None)
        self._numbers = [number for number in numbers if entries[number].path is not None]
        globs = [glob_pattern(entries[number].path or "") for number in self._numbers]
        self._pattern = re.compile("|".join(f"({glob})" for glob in globs), re.DOTALL) if globs else None

    def match(self, finding: Finding) -> int | None:
        if self._pattern is not None:
            for path in (finding.path, finding.other_path):
                found = self._pattern.fullmatch(path) if path else None
                if found is not None and found.lastindex is not None:
                    return self._numbers[found.lastindex - 1]
        return self._everything


def _cells(values: Mapping[str, Value], names: Keys) -> tuple[_Cell, ...] | None:
    try:
        return tuple((isinstance(values[name], str), _text(values[name])) for name in names)
    except KeyError:
        return None


def _alternatives(entry: Ignore, name: str) -> tuple[_Cell, _Cell]:
    """A text of the manifest matches as it is written (`1e3`), a number by its value (1000)."""
    text = _text(entry.key[name])
    return (True, entry.written.get(name, text)), (False, text)


def _text(value: Value) -> str:
    """Values as text: the user writes `3` or `true` for what the rule returned as 3.0 or True."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "" if value is None else str(value)


def _about(entry: Ignore, rule: str, severity: Severity, message: str, remedy: str) -> Finding:
    place = entry.position
    key: dict[str, Value] = {f"key.{name}": value for name, value in entry.key.items()}
    key |= {"rule": entry.rule, "path": entry.path}
    return Finding(
        rule=rule,
        severity=severity,
        family=Family.MISLED,
        message=message,
        remedy=remedy,
        path=place.file if place else None,
        line=place.line if place else None,
        fingerprint=fingerprint(rule, key),
    )


def _expired(entry: Ignore, count: int) -> Finding:
    findings = "1 finding counts" if count == 1 else f"{count:,} findings count"
    return _about(
        entry,
        "expired-ignore",
        Severity.WARNING,
        f"the ignore of {entry.rule} ended on {entry.until}: {findings} again ({entry.reason})",
        "mend the findings, or set a later `until`",
    )


def _unused(entry: Ignore, today: date) -> Finding:
    ended = f"ended on {entry.until} and " if entry.until and entry.until < today else ""
    return _about(
        entry,
        "unused-ignore",
        Severity.INFO,
        f"the ignore of {entry.rule} {ended}matches no finding ({entry.reason})",
        "remove it",
    )
