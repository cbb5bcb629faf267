"""A side of a comparison, and what became of each sample of it on the other side."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from datalint.finding import SampleChange

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from datalint.finding import Finding, Value

_Where = tuple[str | None, str | None]
"""Split and label."""
_Row = tuple[str, str | None, str | None]
"""Path, split and label."""


class Sample(NamedTuple):
    """`path` is relative to the side's base; `content_id` is None where nobody knows the bytes."""

    path: str
    split: str | None
    label: str | None
    content_id: str | None


class Total(NamedTuple):
    """What training takes of one resource, in its unit."""

    resource: str
    unit: str
    expected: float
    available: float | None
    largest_n_samples: int | None


@dataclass(frozen=True, slots=True)
class Side:
    """One state of a dataset, as far as another one is compared with it."""

    base: str
    """Absolute folder that paths are relative to."""
    root: str
    """Folder of the dataset, or of its manifest."""
    manifest: str | None = None
    """The file that the dataset is named by, where it is one."""
    findings: Sequence[Finding] = ()
    """Before ignores and baseline."""
    mute: Collection[str] = frozenset()
    """Rules that gave no answer."""
    unread: Collection[str] = frozenset()
    """Paths that nobody could look into."""
    samples: Sequence[Sample] = ()
    footprint: Sequence[Total] = ()

    @property
    def place(self) -> tuple[str, str, str | None]:
        return self.base, self.root, self.manifest


@dataclass(slots=True)
class Followed:
    """What became of each sample of two sides, whatever was found; every path is one of the later side."""

    before: Side
    after: Side
    renamed: dict[str, str] = field(default_factory=dict)
    """Earlier name, as the later side would say it -> later name."""
    _tally: dict[_Where, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def __post_init__(self) -> None:
        earlier, later = self.before.samples, self.after.samples
        if self.before.place != self.after.place:
            earlier = [sample._replace(path=self._moved(sample.path)) for sample in earlier]
        left, new = _apart(earlier, later)
        gone, come = _rows(left), _rows(new)
        gone, come = gone - come, come - gone
        self._relabel(gone, come)
        # Of the many that are the same on both sides nobody asks.
        names = {sample.path for sample in (*left, *new)}
        ids = {sample.path: sample.content_id for sample in earlier if sample.path in names}
        self._rename(gone, come, ids, {sample.path: sample.content_id for sample in later if sample.path in names})
        for (_, *where), number in come.items():
            self._count("added", where, number)
        for (_, *where), number in gone.items():
            self._count("removed", where, number)
        for sample in new:
            if _differ(ids.get(sample.path), sample.content_id):
                self._count("changed", (sample.split, sample.label))

    def now(self, name: Value) -> Value:
        """A path of the earlier side as the later one names it."""
        if not isinstance(name, str):
            return name
        moved = self._moved(name)
        return self.renamed.get(moved, moved)

    def _moved(self, name: str) -> str:
        """Below the one root as below the other; elsewhere the same file."""
        if self.before.place == self.after.place:
            return name
        if name == self.before.manifest and self.after.manifest is not None:
            return self.after.manifest
        old, new = self.before.root, self.after.root
        if name == old or old == "." or name.startswith(f"{old}/"):
            inside = name if old == "." else name[len(old) + 1 :]
            return os.path.normpath(os.path.join(new, inside))
        return os.path.relpath(os.path.join(self.before.base, name), self.after.base)

    def _count(self, what: str, where: Sequence[str | None], number: int = 1) -> None:
        split, label = where
        self._tally[split, label][what] += number

    def _relabel(self, gone: Counter[_Row], come: Counter[_Row]) -> None:
        """The same name in another class or split."""
        earlier = defaultdict(list)
        for row in gone:
            earlier[row[0]].append(row)
        for row in list(come):
            for other in earlier.get(row[0], ()):
                number = min(gone[other], come[row])
                if number:
                    self._take(gone, other, number)
                    self._take(come, row, number)
                    self._count("relabelled", row[1:], number)

    def _rename(
        self,
        gone: Counter[_Row],
        come: Counter[_Row],
        earlier: Mapping[str, str | None],
        later: Mapping[str, str | None],
    ) -> None:
        """The same bytes under another name, which was not there before, in place of one that is gone."""
        pool: dict[str, list[_Row]] = defaultdict(list)
        for row in sorted(gone, key=_order):
            identity = earlier[row[0]]
            if identity is not None and row[0] not in later:
                pool[identity].append(row)
        # Of several copies, plain renamings before moves to another class.
        for same in (True, False):
            for row in sorted(come, key=_order):
                identity = later[row[0]]
                if identity is None or row[0] in earlier:
                    continue
                waiting = pool.get(identity, [])
                other = next((each for each in waiting if (each[1:] == row[1:]) == same), None)
                if other is not None:
                    waiting.remove(other)
                    self._take(gone, other, 1)
                    self._take(come, row, 1)
                    self.renamed[other[0]] = row[0]
                    self._count("renamed" if same else "relabelled", row[1:])

    @staticmethod
    def _take(rows: Counter[_Row], row: _Row, number: int) -> None:
        rows[row] -= number
        if not rows[row]:
            del rows[row]

    def changes(self) -> list[SampleChange]:
        """By split and label; those without any change are left out."""
        return [
            SampleChange(split, label, **self._tally[split, label])
            for split, label in sorted(self._tally, key=lambda where: (where[0] or "", where[1] or ""))
        ]


def _apart(earlier: Sequence[Sample], later: Sequence[Sample]) -> tuple[Sequence[Sample], Sequence[Sample]]:
    """Without what both have, which is nearly all of a million; all of both where a sample is there twice."""
    left, new = set(earlier), set(later)
    if len(left) < len(earlier) or len(new) < len(later):
        return earlier, later
    return [sample for sample in earlier if sample not in new], [sample for sample in later if sample not in left]


def _rows(samples: Sequence[Sample]) -> Counter[_Row]:
    return Counter((sample.path, sample.split, sample.label) for sample in samples)


def _order(row: _Row) -> tuple[str, str, str]:
    return row[0], row[1] or "", row[2] or ""


def _differ(earlier: str | None, later: str | None) -> bool:
    """Whether two identities of one scheme (git:, lfs:, dvc:) and one hash function are those of different bytes."""
    if earlier is None or later is None or earlier == later:
        return False
    return len(earlier) == len(later) and earlier.partition(":")[0] == later.partition(":")[0]
