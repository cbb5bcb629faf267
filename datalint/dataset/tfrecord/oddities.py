"""What differs between records, over all shards: features that some lack, that have two types, records of their own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.tfrecord import wire
from datalint.dataset.tfrecord.index import integers
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


def names(read: Sequence[Read], box_names: Mapping[int, str]) -> Iterator[dict[str, object]]:
    """Labels that do not agree with the names beside them, of whole images and of boxes.

    `box_names` are those of the label map. Of boxes also those whose number it lacks.
    """
    yield from _names([(each.shown, each.index.texts) for each in read], {})
    yield from _names([(each.shown, each.index.box_texts) for each in read], box_names)
    if box_names:
        yield from _unlisted(read, box_names)


def _names(
    beside: Sequence[tuple[str, Sequence[tuple[int | str, str, int]]]], listed: Mapping[int, str]
) -> Iterator[dict[str, object]]:
    """Numbers that stand beside two names, and names beside two numbers; at the first place of the second."""
    texts: dict[int | str, str] = {}
    labels: dict[str, int | str] = {}
    numbers = {name: number for number, name in listed.items()}
    told: set[int | str] = set()
    for path, some in beside:
        for label, text, record in some:
            other, number = texts.setdefault(label, text), labels.setdefault(text, label)
            # A text that is none of the names may be another word for the same: a map has names and display names.
            mapped = numbers.get(text, label)
            if label in told or (other == text and number == mapped == label):
                continue
            told.add(label)
            if mapped != label:
                what = f"{text!r} has the label {label} here, and {mapped} in the label map"
            elif other != text:
                what = f"the label {label} is called {text!r} here, and {other!r} elsewhere"
            else:
                what = f"{text!r} has the label {label} here, and {number} elsewhere"
            yield {"kind": "label-name", "path": path, "record": record, "detail": what}


def _unlisted(read: Sequence[Read], listed: Mapping[int, str]) -> Iterator[dict[str, object]]:
    """Numbers of boxes that are none of the label map, each at its first record; but for those beside a name of it.

    And but for 0 beside an empty name: so boxes without a class are written.
    """
    counts: Counter[int] = Counter()
    first: dict[int, tuple[str, int]] = {}
    names = set(listed.values())
    for each in read:
        records = integers(each.index.numbers)
        for box in each.index.boxes:
            is_unlabelled = box.number == 0 and box.name == ""
            if box.number is not None and box.number not in listed and box.name not in names and not is_unlabelled:
                counts[box.number] += 1
                first.setdefault(box.number, (each.shown, records[box.sample]))
    for number, (path, record) in first.items():
        more = f" ({counts[number]:,} boxes)" if counts[number] > 1 else ""
        detail = f"record {record} has a box of the label {number}, which the label map does not have{more}"
        yield {"kind": "label-out-of-range", "path": path, "record": record, "detail": detail}


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
