"""One pass over one shard: every CRC, the place of every image, its label, and what is odd about a record."""

from __future__ import annotations

import math
from array import array
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.tfrecord import wire
from datalint.dataset.tfrecord.framing import Frames
from datalint.dataset.tfrecord.index import MOST_ODD, Box, Index, Odd, Shape
from datalint.dataset.tfrecord.plan import shown
from datalint.dataset.tfrecord.stream import STEP, codec_of, open_stream
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datalint.dataset.tfrecord.plan import Array, Boxes, Plan

_MOST_SHAPES = 1024
"""Sets of features that are told apart in one shard."""
_MOST_MET, _SHORT = 10_000, 256
"""Values that are kept to be known again, and bytes of the longest."""


def scan(place: str, plan: Plan) -> Index:
    """Read the shard at a path on disk; raises OSError."""
    with open(place, "rb", buffering=0) as file:
        codec = codec_of(file.read(STEP))
        file.seek(0)
        frames = Frames(open_stream(file, codec))
        found = _Scan(plan)
        take = found.take
        for number, offset, data in frames:
            take(number, offset, data)
    return found.index(codec, frames)


@contextmanager
def records(place: str) -> Iterator[Iterator[bytes]]:
    """The sound records of a shard one by one, for a look at the first; raises OSError."""
    with open(place, "rb", buffering=0) as file:
        codec = codec_of(file.read(STEP))
        file.seek(0)
        yield (data for _, _, data in Frames(open_stream(file, codec)))


@dataclass(slots=True)
class _Scan:
    """Columns that grow record by record."""

    plan: Plan
    records: int = 0
    numbers: array[int] = field(default_factory=lambda: array("q"))
    offsets: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("q"))
    labels: array[int] = field(default_factory=lambda: array("q"))
    codes: dict[int | str | None, int] = field(default_factory=lambda: {None: -1})
    texts: dict[tuple[int | str, str], int] = field(default_factory=dict)
    box_texts: dict[tuple[int | str, str], int] = field(default_factory=dict)
    spelled: dict[bytes, str] = field(default_factory=dict)
    """Texts that were met, like the next two: classes and sizes repeat."""
    labelled: dict[tuple[bytes, int | None, bytes], int] = field(default_factory=dict)
    """Label, kind and text of the name beside it -> code."""
    numbered: dict[bytes, int | None] = field(default_factory=dict)
    shape: Shape = field(default_factory=lambda: Shape({}, 0, 0))
    shapes: dict[frozenset[tuple[bytes, int]], Shape] = field(default_factory=dict)
    rest: Index = field(default_factory=Index)
    """Columns that few datasets have."""

    def take(self, number: int, offset: int, data: bytes) -> None:
        """One sound record, whose data begin at `offset`."""
        self.records += 1
        before = len(self.numbers)
        try:
            kinds, places = wire.example(data)
            if kinds == self.shape.kinds:
                self.shape.count += 1
            else:
                self._reshape(number, kinds)
            if self.plan.image is not None:
                self._sample(number, offset, data, kinds, places)
        except wire.MalformedError as error:
            self._forget(before)
            self._odd("bad-record", number, None, f"it is no tf.train.Example: {error}")

    def _forget(self, count: int) -> None:
        """Samples beyond so many: the record turned out to be none, and some columns had it already."""
        rest = self.rest
        for column in (self.numbers, self.offsets, self.sizes, self.labels):
            del column[count:]
        for other in (rest.steps, rest.widths, rest.heights, rest.splits, rest.groups, rest.shapes_of):
            del other[count:]
        while rest.boxes and rest.boxes[-1].sample >= count:
            rest.boxes.pop()

    def _reshape(self, number: int, kinds: dict[bytes, int]) -> None:
        key = frozenset(kinds.items())
        shape = self.shapes.get(key)
        if shape is None:
            shape = Shape(kinds, 0, number)
            if len(self.shapes) < _MOST_SHAPES:
                self.shapes[key] = shape
        shape.count += 1
        self.shape = shape

    def _sample(
        self, number: int, offset: int, data: bytes, kinds: dict[bytes, int], places: dict[bytes, wire.Place]
    ) -> None:
        plan = self.plan
        assert plan.image is not None
        if plan.frames:
            images = [(*frame, 0) for frame in self._frames(number, data)]
        else:
            image = self._image(number, data, kinds.get(plan.image), places)
            images = [] if image is None else [image]
        if not images:
            return
        code = self._label_code(number, data, kinds, places)
        for step, (start, end, values) in enumerate(images):
            self.numbers.append(number)
            self.offsets.append(offset + start)
            self.sizes.append(end - start)
            self.labels.append(code)
            if plan.frames:
                self.rest.steps.append(step)
            self._others(number, data, kinds, places, values)

    def _image(
        self, number: int, data: bytes, kind: int | None, places: dict[bytes, wire.Place]
    ) -> tuple[int, int, int] | None:
        """Where it starts and ends, and the numbers or bytes in it."""
        name = self.plan.image
        assert name is not None
        if kind != self.plan.kind:
            # Missing or of another type: the shapes tell.
            return None
        if kind != wire.BYTES:
            return self._list(data, places[name])
        found = wire.blobs(data, places[name])
        if len(found) != 1:
            self._odd("feature-length", number, name, f"{len(found)} values, where one image is expected")
        return (*found[0], found[0][1] - found[0][0]) if found else None

    def _list(self, data: bytes, place: wire.Place) -> tuple[int, int, int] | None:
        """Of numbers, which are the pixels."""
        values = wire.count(data, self.plan.kind, place)
        start, end = wire.packed(data, place) or (place[0], place[-1])
        return (start, end, values) if len(place) == 2 and values else None

    def _frames(self, number: int, data: bytes) -> list[tuple[int, int]]:
        name = self.plan.image
        assert name is not None
        steps = wire.sequences(data).get(name)
        if not steps:
            self._odd("feature-length", number, name, "no step, where a sequence of images is expected")
        found = []
        for kind, place in steps or ():
            if kind == wire.BYTES:
                found += wire.blobs(data, place)[:1]
        return found

    def _label_code(self, number: int, data: bytes, kinds: dict[bytes, int], places: dict[bytes, wire.Place]) -> int:
        """The label's place in `codes`; equal bytes are the same label, and most records repeat one."""
        plan = self.plan
        if plan.label is None or kinds.get(plan.label) != plan.label_kind:
            return self.codes[None]
        place, beside = places[plan.label], places.get(plan.text or b"", (0, 0))
        key = (data[place[0] : place[-1]], kinds.get(plan.text or b""), data[beside[0] : beside[-1]])
        # A list in pieces is read piece by piece.
        whole = len(place) == len(beside) == 2
        code = self.labelled.get(key) if whole else None
        if code is None:
            label = self._label(number, data, places)
            code = self.codes.setdefault(label, len(self.codes) - 1)
            # What is wrong with a label is told of each record.
            if label is not None and whole and len(self.labelled) < _MOST_MET and len(key[0]) + len(key[2]) <= _SHORT:
                self.labelled[key] = code
        return code

    def _label(self, number: int, data: bytes, places: dict[bytes, wire.Place]) -> int | str | None:
        plan = self.plan
        assert plan.label is not None
        label: int | str | None
        if plan.label_kind == wire.INT and not plan.hot:
            label = wire.number(data, places[plan.label])
            if label is None:
                self._count_odd(number, plan.label, len(wire.ints(data, places[plan.label])))
        elif plan.label_kind == wire.BYTES:
            label = self._text(data, plan.label, places)
            if label is None:
                self._count_odd(number, plan.label, len(wire.blobs(data, places[plan.label])))
        else:
            label = self._value(number, data, places[plan.label])
        if plan.text is not None and label is not None:
            # The name that stands beside it.
            text = self._text(data, plan.text, places)
            if text is not None and (label, text) not in self.texts:
                self.texts[label, text] = number
        return label

    def _count_odd(self, number: int, feature: bytes, values: int) -> None:
        words = {0: "no value", 1: "an empty text"}.get(values, f"{values} values, where one is expected")
        self._odd("feature-length", number, feature, words)

    def _value(self, number: int, data: bytes, place: wire.Place) -> int | str | None:
        """Of a vector the place of its single 1; of a float itself."""
        plan = self.plan
        assert plan.label is not None
        values: Sequence[float]
        values = wire.ints(data, place) if plan.label_kind == wire.INT else wire.floats(data, place)
        if plan.hot:
            if values and max(values) == 1 and sum(values) == 1:
                return list(values).index(1)
            self._odd("feature-length", number, plan.label, "no single 1 among zeros")
            return None
        if len(values) != 1:
            self._count_odd(number, plan.label, len(values))
            return None
        value = values[0]
        if not math.isfinite(value):
            self._odd("non-finite-number", number, None, f"the feature {shown(plan.label)!r} has {value}")
            return None
        return int(value) if int(value) == value else repr(value)

    def _text(self, data: bytes, name: bytes, places: dict[bytes, wire.Place]) -> str | None:
        """The only value of a feature as text; None where it is empty or not alone."""
        kind = self.shape.kinds.get(name)
        if kind == wire.BYTES:
            raw = wire.text(data, places[name])
            if not raw:
                return None
            known = self.spelled.get(raw)
            if known is None:
                known = display(raw.decode("utf-8", "surrogateescape"))
                if len(self.spelled) < _MOST_MET:
                    self.spelled[raw] = known
            return known
        number = self._number(data, name, places)
        return None if number is None else str(number)

    def _number(self, data: bytes, name: bytes, places: dict[bytes, wire.Place]) -> int | None:
        if self.shape.kinds.get(name) != wire.INT:
            return None
        place = places[name]
        if len(place) > 2:
            return wire.number(data, place)
        raw = data[place[0] : place[1]]
        if raw in self.numbered:
            return self.numbered[raw]
        found = wire.number(raw, (0, len(raw)))
        if len(self.numbered) < _MOST_MET and len(raw) <= _SHORT:
            self.numbered[raw] = found
        return found

    def _others(
        self, number: int, data: bytes, kinds: dict[bytes, int], places: dict[bytes, wire.Place], values: int
    ) -> None:
        plan, rest = self.plan, self.rest
        if plan.width is not None and plan.height is not None:
            rest.widths.append(self._number(data, plan.width, places))
            rest.heights.append(self._number(data, plan.height, places))
        if plan.split is not None:
            rest.splits.append(self._text(data, plan.split, places))
        if plan.group is not None:
            rest.groups.append(self._text(data, plan.group, places))
        if plan.array is not None:
            rest.shapes_of.append(self._array(number, data, places, plan.array, values))
        if plan.boxes is not None:
            self._boxes(number, data, kinds, places, plan.boxes)

    def _array(
        self, number: int, data: bytes, places: dict[bytes, wire.Place], array_: Array, size: int
    ) -> tuple[int, int, int] | None:
        """Height, width, channels of this record, which has `size` bytes or numbers."""
        if not array_.names:
            if size == array_.size:
                return array_.shape
            self._odd_size(number, size, f"where the first records have {array_.size:,}")
            return None
        sides = [self._number(data, name, places) or 0 for name in array_.names]
        area = math.prod(sides)
        if area <= 0 or size % area:
            stated = " x ".join(map(str, sides))
            self._odd_size(number, size, f"which {stated} does not divide")
            return None
        if len(sides) == 3:
            return sides[0], sides[1], sides[2]
        return sides[0], sides[1], size // area

    def _boxes(
        self,
        number: int,
        data: bytes,
        kinds: dict[bytes, int],
        places: dict[bytes, wire.Place],
        boxes: Boxes,
    ) -> None:
        def column(name: bytes) -> list[float]:
            return wire.floats(data, places[name]) if kinds.get(name) == wire.FLOAT else []

        sample = len(self.numbers) - 1
        if boxes.sides is not None:
            features = dict(zip(boxes.sides, map(column, boxes.sides), strict=True))
            left, top, right, bottom = features.values()
        else:
            assert boxes.flat is not None
            features = {boxes.flat: column(boxes.flat)}
            top, left, bottom, right = (features[boxes.flat][side::4] for side in range(4))
        wrong = next(
            ((name, side) for name, some in features.items() for side in some if not math.isfinite(side)), None
        )
        if wrong is not None:
            self._odd("non-finite-number", number, None, f"the feature {shown(wrong[0])!r} has {wrong[1]}")
        numbers = wire.ints(data, places[boxes.label]) if boxes.label and kinds.get(boxes.label) == wire.INT else None
        texts = None
        if boxes.text and kinds.get(boxes.text) == wire.BYTES:
            texts = [
                display(data[at:end].decode("utf-8", "surrogateescape"))
                for at, end in wire.blobs(data, places[boxes.text])
            ]
        lengths = {"xmin": len(left), "ymin": len(top), "xmax": len(right), "ymax": len(bottom)}
        lengths |= {"labels": len(numbers)} if numbers is not None else {}
        lengths |= {"texts": len(texts)} if texts is not None else {}
        if len(set(lengths.values())) > 1:
            words = ", ".join(f"{count} {name}" for name, count in lengths.items())
            name = boxes.sides[0] if boxes.sides else boxes.flat
            self._odd("box-lists", number, name, f"the lists of its boxes have different lengths: {words}")
        elif numbers is not None and texts is not None:
            for beside in zip(numbers, texts, strict=True):
                self.box_texts.setdefault(beside, number)
        for position, (x, y, right_, bottom_) in enumerate(zip(left, top, right, bottom, strict=False)):
            self.rest.boxes.append(
                Box(
                    sample, x, y, right_ - x, bottom_ - y,
                    numbers[position] if numbers is not None and position < len(numbers) else None,
                    texts[position] if texts is not None and position < len(texts) else None,
                )
            )  # fmt: skip

    def _odd(self, kind: str, number: int, feature: bytes | None, detail: str) -> None:
        name = "" if feature is None else shown(feature)
        key = f"{kind} {name}"
        self.rest.odd_counts[key] = self.rest.odd_counts.get(key, 0) + 1
        if len(self.rest.odd) < MOST_ODD:
            self.rest.odd.append(Odd(kind, number, name, detail))

    def _odd_size(self, number: int, size: int, why: str) -> None:
        """Of the pixels of a record, in bytes or, of a list, in numbers."""
        unit = "bytes" if self.plan.kind == wire.BYTES else "values"
        self._odd("array-size", number, self.plan.image, f"{size:,} {unit}, {why}")

    def index(self, codec: str, frames: Frames) -> Index:
        """Of all that was taken."""
        found = self.rest
        found.codec, found.records = codec, self.records
        found.damaged, found.damage = frames.damaged, frames.damage
        found.numbers, found.offsets = self.numbers.tobytes(), self.offsets.tobytes()
        found.sizes, found.labels = self.sizes.tobytes(), self.labels.tobytes()
        found.values = [label for label in self.codes if label is not None]
        found.texts = [(label, text, first) for (label, text), first in self.texts.items()]
        found.box_texts = [(label, text, first) for (label, text), first in self.box_texts.items() if text]
        found.shapes = list(self.shapes.values())
        return found
