"""What differs between records, over all shards: features that some lack, that have two types, records of their own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.tfrecord import wire
from datalint.dataset.tfrecord.plan import shown
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.dataset.tfrecord.plan import Plan
    from datalint.dataset.tfrecord.tables import Read


@dataclass(slots=True)
class _Uses:
    """Of one feature: records by its kind, and where each kind is met first; kind UNSET is none at all."""

    counts: Counter[int] = field(default_factory=Counter)
    first: dict[int, tuple[str, int]] = field(default_factory=dict)

    def add(self, kind: int, count: int, path: str, record: int) -> None:
        self.counts[kind] += count
        if kind not in self.first or (self.first[kind][0] == path and record < self.first[kind][1]):
            self.first[kind] = (path, record)


def problems(read: Sequence[Read], plan: Plan) -> Iterator[dict[str, object]]:
    """Rows of the table: one for each feature and way of being odd, at the first place, with a count in words."""
    splits: dict[str | None, list[Read]] = {}
    for each in read:
        splits.setdefault(each.shard.split, []).append(each)
    everywhere = _uses(read)
    for split, some in splits.items():
        yield from _absent(split, some, everywhere, plan)
    for name, uses in sorted(everywhere.items()):
        kinds = _kinds(uses)
        for kind in kinds[1:]:
            path, record = uses.first[kind]
            yield {
                "kind": "feature-type", "path": path, "record": record, "feature": shown(name),
                "detail": f"{shown(name)!r} is {wire.KINDS[kind]} in {_records(uses.counts[kind])}, "
                f"and {wire.KINDS[kinds[0]]} in {uses.counts[kinds[0]]:,}",
            }  # fmt: skip
    yield from _odd(read)


def _absent(
    split: str | None, read: Sequence[Read], everywhere: Mapping[bytes, _Uses], plan: Plan
) -> Iterator[dict[str, object]]:
    """Features that some records of a split lack; or all of them, where they cannot train without."""
    records = sum(shape.count for each in read for shape in each.index.shapes)
    here = _uses(read)
    for name, overall in sorted(everywhere.items()):
        uses, kinds = here.get(name), _kinds(overall)
        absent = records if uses is None else uses.counts[wire.UNSET]
        needed = name in (plan.image, plan.label)
        # Each split has a parser of its own, and a test split often has no labels.
        whole = absent == records and (not needed or split not in (None, "train", "val"))
        if not absent or not kinds or whole or (plan.frames and name == plan.image):
            continue
        path, record = _first(read) if uses is None else uses.first[wire.UNSET]
        place = "" if split is None else f" of {display(split)}"
        what = f"{shown(name)!r} ({wire.KINDS[kinds[0]]}) is missing in {absent:,} of {records:,} records{place}"
        yield {
            "kind": "missing-feature" if needed else "sparse-feature",
            "path": path, "record": record, "feature": shown(name), "detail": what,
        }  # fmt: skip


def _kinds(uses: _Uses) -> list[int]:
    """The most frequent first."""
    return [kind for kind, _ in uses.counts.most_common() if kind != wire.UNSET]


def _first(read: Sequence[Read]) -> tuple[str, int]:
    """The first record that was read."""
    return next((each.shown, shape.first) for each in read for shape in each.index.shapes)


def names(read: Sequence[Read]) -> Iterator[dict[str, object]]:
    """Numbers of labels that stand beside two names, and names beside two numbers; at the first place of the second."""
    texts: dict[int | str, tuple[str, int]] = {}
    labels: dict[str, int | str] = {}
    told: set[int | str] = set()
    for each in read:
        path, index = each.shown, each.index
        for label, text, record in index.texts:
            other, _ = texts.setdefault(label, (text, record))
            number = labels.setdefault(text, label)
            if label in told or (other == text and number == label):
                continue
            told.add(label)
            what = (
                f"the label {label} is called {text!r} here, and {other!r} elsewhere"
                if other != text
                else f"{text!r} has the label {label} here, and {number} elsewhere"
            )
            yield {"kind": "label-name", "path": path, "record": record, "detail": what}


def _records(number: int) -> str:
    return f"{number:,} {'record' if number == 1 else 'records'}"


def _uses(read: Sequence[Read]) -> dict[bytes, _Uses]:
    found: dict[bytes, _Uses] = {}
    for each in read:
        for shape in each.index.shapes:
            for name in shape.kinds:
                found.setdefault(name, _Uses())
    for each in read:
        path, index = each.shown, each.index
        for shape in index.shapes:
            for name, uses in found.items():
                uses.add(shape.kinds.get(name, wire.UNSET), shape.count, path, shape.first)
    return found


def _odd(read: Sequence[Read]) -> Iterator[dict[str, object]]:
    first: dict[str, dict[str, object]] = {}
    counts: Counter[str] = Counter()
    for each in read:
        path, index = each.shown, each.index
        counts.update(index.odd_counts)
        for odd in index.odd:
            first.setdefault(
                f"{odd.kind} {odd.feature}",
                {
                    "kind": odd.kind, "path": path, "record": odd.record, "feature": odd.feature or None,
                    "detail": (f"{odd.feature!r} has {odd.detail}" if _owned(odd.detail) else odd.detail),
                },
            )  # fmt: skip
    for key, row in first.items():
        more = counts[key] - 1
        yield {**row, "detail": f"{row['detail']}{f' (and {more:,} more)' if more else ''}"}


def _owned(detail: str) -> bool:
    """Whether it goes on from the name of the feature."""
    return not detail.startswith(("it ", "the "))
