"""Every group of a dataset by its key and its members: what is incomplete, torn apart or there twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

IMAGE = "image"
_NEARLY_ALL = 0.9
"""Share of samples that have a member from which one without it is broken; below, it may be optional."""
Members = frozenset[str]


@dataclass(frozen=True, slots=True)
class Defect:
    """What is wrong with the group of one key, in the words of `problems`."""

    kind: str
    archive: int
    key: str
    number: int
    """Of the group in its archive."""
    detail: str
    other: int | None = None
    """The archive that has the key too."""


@dataclass(slots=True)
class Census:
    """Filled archive by archive; keys are kept, because any may come again."""

    _sets: dict[Members, Members] = field(default_factory=dict)
    _keys: list[str] = field(default_factory=list)
    _members: list[Members] = field(default_factory=list)
    _archives: list[tuple[int, str, str | None]] = field(default_factory=list)
    """Where the groups of each archive begin, its set, and its split."""
    _homes: dict[str, int] = field(default_factory=dict)
    """Key -> the first archive that has it."""
    _torn: set[int] = field(default_factory=set)
    """Groups whose members belong to an earlier one, or that damage cut off."""
    _found: list[Defect] = field(default_factory=list)
    _shared: list[tuple[int, int, str]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self._keys)

    def begin(self, series: str, split: str | None) -> None:
        """The next archive: samples of one set (`series`) and split should have the same members."""
        self._archives.append((len(self._keys), series, split))

    def add(self, key: str, members: Members, *, cut: bool = False) -> None:
        """The next group of the archive; an image is the member IMAGE. `cut`: what it lacks is damage, told as such."""
        if cut:
            self._torn.add(len(self._keys))
        self._keys.append(key)
        self._members.append(self._sets.setdefault(members, members))

    def end(self) -> None:
        """The archive has no more groups."""
        archive = len(self._archives) - 1
        start = self._archives[archive][0]
        seen: dict[str, int] = {}
        for group in range(start, len(self._keys)):
            key = self._keys[group]
            first = seen.setdefault(key, group)
            if first == group:
                home = self._homes.setdefault(key, archive)
                if home != archive:
                    self._shared.append((archive, home, key))
                continue
            members, before = self._members[group], self._members[first]
            if members & before:
                again = ", ".join(f".{name}" if name != IMAGE else "an image" for name in sorted(members & before))
                detail = f"the key comes again, after other samples, with {again}"
                self._found.append(Defect("duplicate-key", archive, key, group - start, detail))
            else:
                detail = "its members do not follow each other: webdataset makes a sample of each run"
                self._found.append(Defect("split-sample", archive, key, first - start, detail))
                together = members | before
                self._members[first] = self._sets.setdefault(together, together)
            self._torn.add(group)

    def defects(self, labels: str | None) -> Iterator[Defect]:
        """All that was found; `labels` is the extension of the members that hold them."""
        yield from self._found
        if self._shared:
            archive, home, key = self._shared[0]
            count = f"{len(self._shared):,} keys are" if len(self._shared) > 1 else "one key is"
            yield Defect("shared-key", archive, key, 0, f"{count} in more than one archive", home)
        yield from self._incomplete(labels)

    def _incomplete(self, labels: str | None) -> Iterator[Defect]:
        by_set: defaultdict[tuple[str, str | None], list[int]] = defaultdict(list)
        for archive, (_, series, split) in enumerate(self._archives):
            by_set[series, split].append(archive)
        for (_, split), archives in by_set.items():
            counts = Counter(self._members[group] for archive in archives for group in self._groups(archive))
            having: Counter[str] = Counter()
            for members, number in counts.items():
                having.update(dict.fromkeys(members, number))
            total = counts.total()
            if 2 * having[IMAGE] <= total:
                yield from filter(None, map(self._imageless, archives))
            usual = {
                name: number
                for name, number in having.items()
                if number < total and (2 * number > total or name == labels)
            }
            where = f" in {split}" if split else ""
            for name, number in sorted(usual.items()):
                needed = number >= _NEARLY_ALL * total or name in (IMAGE, labels)
                what = "no image" if name == IMAGE else f"no .{name}"
                detail = f"{what}, as {number:,} of {total:,} samples{where} have"
                for archive in archives:
                    start = self._archives[archive][0]
                    for group in self._groups(archive):
                        if name not in self._members[group]:
                            kind = "incomplete-sample" if needed else "optional-member"
                            yield Defect(kind, archive, self._keys[group], group - start, detail)

    def _imageless(self, archive: int) -> Defect | None:
        """One for all groups of an archive that hold other things."""
        start = self._archives[archive][0]
        without = [group for group in self._groups(archive) if IMAGE not in self._members[group]]
        if not without:
            return None
        first, number = without[0], len(without)
        there = ", ".join(f".{name}" for name in sorted(self._members[first]))
        detail = f"{number:,} {'sample holds' if number == 1 else 'samples hold'} no image but {there}"
        return Defect("no-image-member", archive, self._keys[first], first - start, detail)

    def _groups(self, archive: int) -> Iterator[int]:
        end = self._archives[archive + 1][0] if archive + 1 < len(self._archives) else len(self._keys)
        return (group for group in range(self._archives[archive][0], end) if group not in self._torn)
