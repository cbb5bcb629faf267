"""What the names of files say of groups where nobody declares any: for a proposal, never for a verdict."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from datalint.dataset.groups import COPIES, names_of, source_of
from datalint.group_pattern import compiled

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from datalint.dataset.model import Dataset

_SHARE = 0.9
"""Of all images, those whose names are built alike."""
_DENSE = 0.5
"""Of the numbers from the first frame to the last, at the step of the frames, those that are there."""
_LEAST = 3
"""Images that make a sequence: any two numbers are at one step."""
_FRAME = re.compile(r"(.*[0-9])([^0-9]+)([0-9]+)([^0-9]*)", re.DOTALL)
_FOLDER = re.compile(
    r"(?:case|clip|episode|patient|scan|scene|seq|sequence|series|session|shot|study|subject|vid|video)s?[-_ ]?[0-9]+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Grouping:
    """A pattern for `dataset.group`, and what it makes of the images."""

    pattern: str
    n_images: int
    n_groups: int
    n_crossing: int
    """Groups that are in two splits."""
    certain: bool
    """Roboflow named the files; otherwise it is a guess."""
    example: str


def seen(found: Dataset) -> Iterator[Grouping]:
    """Nothing where a column, or records themselves, say the groups."""
    by_roboflow = found.group_pattern is not None and found.group_guessed
    columns = found.samples.columns
    if not by_roboflow and any(key is not None for key in columns["group_key"]):
        return
    names = names_of(found)
    if by_roboflow and found.group_pattern is not None:
        pairs = [
            (name, str(key), split)
            for name, key, split in zip(names, columns["group_key"], columns["split"], strict=True)
            if key is not None
        ]
        copies = _grouping(found.group_pattern, pairs, certain=True)
        if copies.n_groups < len({name for name, _, _ in pairs}):
            yield copies
    for pattern, least in (*_frames(names), *_folders(names)):
        group = compiled(pattern).group
        keys = [group(name) for name in names]
        if _few(keys, least) or any(_same(keys, columns[column]) for column in ("label", "split")):
            continue
        rows = zip(names, keys, columns["split"], strict=True)
        yield _grouping(pattern, [(name, key, split) for name, key, split in rows if key is not None], certain=False)
        return


def _grouping(pattern: str, rows: Sequence[tuple[str, str, object]], *, certain: bool) -> Grouping:
    splits: defaultdict[str, set[object]] = defaultdict(set)
    for _, key, split in rows:
        splits[key].add(split)
    crossing = sum(len(each) > 1 for each in splits.values())
    n_images = len({name for name, _, _ in rows})
    return Grouping(pattern, n_images, len(splits), crossing, certain, rows[0][0].rpartition("/")[2])


def _frames(names: Sequence[str]) -> Iterator[tuple[str, float]]:
    """`scene_0001_frame_0042`: what ends in a number, and the number of a frame, which runs on within it."""
    built: Counter[tuple[str, str, str]] = Counter()
    numbers: defaultdict[str, set[int]] = defaultdict(set)
    for name in names:
        source = source_of(name)
        stem = name.rpartition("/")[2].rpartition(".")[0] if source is None else source
        found = _FRAME.fullmatch(stem)
        if found is None or len(found[3]) > _DIGITS:
            continue
        built[found[2], found[4], "" if source is None else COPIES.removeprefix("{group}")] += 1
        numbers[found[1]].add(int(found[3]))
    ((before, after, tail), count) = next(iter(built.most_common(1)), (("", "", ""), 0))
    long = [sorted(each) for each in numbers.values() if len(each) >= _LEAST]
    if count < _SHARE * len(names) or sum(map(_runs_on, long)) < 2:
        return
    yield f"{{group}}{_literal(before)}#{_literal(after)}{tail}", _SHARE / 2


_DIGITS = 18


def _runs_on(numbers: Sequence[int]) -> bool:
    step = math.gcd(*(number - numbers[0] for number in numbers))
    return len(numbers) >= _DENSE * ((numbers[-1] - numbers[0]) // step + 1)


def _folders(names: Sequence[str]) -> Iterator[tuple[str, float]]:
    """`patient_7/3.png`."""
    if sum(bool(_FOLDER.fullmatch(name.rpartition("/")[0].rpartition("/")[2])) for name in names) >= _SHARE * len(
        names
    ):
        yield "{group}/*", _SHARE


def _few(keys: Iterable[str | None], share: float) -> bool:
    """Whether too few images are in groups that have several of them, or all are in one."""
    sizes = Counter(keys)
    total = sum(sizes.values())
    del sizes[None]
    return len(sizes) < 2 or sum(size for size in sizes.values() if size >= _LEAST) < share * total


def _same(keys: Sequence[str | None], others: Sequence[object]) -> bool:
    """Whether each group is one label, and the other way round: then the names say the label."""
    pairs = set(zip(keys, others, strict=True))
    return len(pairs) == len(set(keys)) == len(set(others))


def _literal(text: str) -> str:
    return re.sub(r"([\\{}*#])", r"\\\1", text)
