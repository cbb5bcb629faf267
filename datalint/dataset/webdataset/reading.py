"""Archives -> a dataset: each is read once, from its start to its end."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset import layout
from datalint.dataset.keys import check_splits
from datalint.dataset.model import Dataset, Rows, name_of, odd_entries
from datalint.dataset.splits import split_name
from datalint.dataset.webdataset import dots
from datalint.dataset.webdataset.census import IMAGE, Census
from datalint.dataset.webdataset.classes import classes
from datalint.dataset.webdataset.fields import INTEGER, LABELS, TEXT, Field, UnreadableError, text_of
from datalint.dataset.webdataset.groups import Grouping, key_of
from datalint.dataset.webdataset.odd import Odd
from datalint.dataset.webdataset.opening import Opened, opened
from datalint.dataset.webdataset.shards import shards, with_splits
from datalint.dataset.webdataset.tar import End, Member, walk
from datalint.entry import Entry, PartLocator, display
from datalint.errors import UsageError
from datalint.source.lfs import POINTER, POINTER_BYTES, pointed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datalint.dataset.options import Options
    from datalint.dataset.webdataset.groups import Group
    from datalint.dataset.webdataset.shards import Shard
    from datalint.source import Source

_LISTED = 5
"""Extensions that a note names."""
_FLOAT = re.compile(r"[-+]?[0-9]+[.][0-9]*")


def read(source: Source, root: str, options: Options) -> Dataset:
    """Raises UsageError for a split or a column that is declared and that no archive has."""
    listed, others = shards(source, root)
    columns = dict(options.columns)
    # The cells of a declared split column are renamed, and not the archives.
    by_cell = "split" in columns
    found, guessed = with_splits(listed, {} if by_cell else options.splits)
    reading = _Reading(columns, dict(options.splits or {}) if by_cell else {})
    for entry in others:
        reading.pass_over(source, entry, root)
    odd_entries(others, reading.problems)
    for shard in found:
        reading.shard(source, shard)
    return reading.dataset(source, root, found, guessed)


@dataclass(slots=True)
class _Reading:
    """Tables that fill up."""

    columns: Mapping[str, str]
    cells: Mapping[str, str]
    """Cell of the split column -> split, where the user says it."""
    met: set[str] = field(default_factory=set)
    """Parts whose declared column some sample has."""
    met_cells: set[str] = field(default_factory=set)
    """Of the split column."""
    census: Census = field(default_factory=Census)
    files: list[Entry] = field(default_factory=list)
    samples: Rows = field(default_factory=lambda: Rows("samples"))
    shards: Rows = field(default_factory=lambda: Rows("shards"))
    skipped: Rows = field(default_factory=lambda: Rows("skipped"))
    problems: Rows = field(default_factory=lambda: Rows("problems"))
    texts: list[str | None] = field(default_factory=list)
    """Of each sample, while they may be labels."""
    captions: bool = False
    extensions: Counter[str] = field(default_factory=Counter)
    label_from: Counter[str] = field(default_factory=Counter)
    words: list[tuple[Shard, str, int, str]] = field(default_factory=list)
    """Labels in `.cls` that are no integers, with their member and the number of their sample."""
    spare: Counter[str] = field(default_factory=Counter)
    """Extensions of images in samples that have another one."""
    first: tuple[Shard, str, int] | None = None
    """Archive, member and sample of the first image."""

    def pass_over(self, source: Source, entry: Entry, root: str) -> None:
        """A file below the root that is no archive."""
        if entry.kind != "file":
            return
        below = entry.path[0 if root in ("", ".") else len(root.rstrip("/")) + 1 :]
        pointer = _is_pointer(source, entry)
        reason = "lfs-pointer" if pointer else layout.skip_reason(below, in_class=False)
        if reason == "ignored-suffix":
            # Which suffixes a folder loader takes does not matter here.
            reason = "outside-class"
        self.skipped.add(
            path=display(entry.path), suffix=layout.suffix(below), size_bytes=entry.size, reason=reason
        )  # fmt: skip

    def shard(self, source: Source, shard: Shard) -> None:
        """Read one archive, or say why not."""
        self.census.begin(shard.series, shard.split)
        entry, about = shard.entry, opened(source, shard.entry)
        if isinstance(about, Opened):
            with about.stream:
                end, groups, damaged = self._members(shard, about)
            self._ended(shard, about, end, groups, damaged)
        else:
            status, cause, detail = about
            if cause == "lfs-pointer":
                suffix = layout.suffix(entry.path)
                self.skipped.add(path=display(entry.path), suffix=suffix, size_bytes=entry.size, reason="lfs-pointer")
            stands_for = pointed(source.read(entry.path) or b"") if cause == "lfs-pointer" else None
            size = entry.size if stands_for is None else stands_for[1]
            self._row(shard, size, status=status, cause=cause, detail=detail)
        self.census.end()

    def _row(self, shard: Shard, size: int | None, **values: object) -> None:
        self.shards.add(
            path=display(shard.entry.path), split=None if shard.split is None else display(shard.split),
            series=display(shard.series), number=shard.number, declared_shards=shard.declared, size_bytes=size,
            **values,
        )  # fmt: skip

    def _ended(self, shard: Shard, about: Opened, end: End, groups: int, damaged: int) -> None:
        compression = "gzip" if about.codec == "gzip" else "none"
        status = "ok" if end.harmless else "damaged"
        cause, detail = end.cause or None, end.detail or None
        if not groups and end.harmless:
            status, detail = "empty", detail or "no member in it has a key and an extension"
        self._row(
            shard, about.size, records=groups, compression=compression, status=status, cause=cause, detail=detail,
            record=None if end.harmless else damaged, offset=end.offset if end.cause else None,
        )  # fmt: skip

    def _members(self, shard: Shard, about: Opened) -> tuple[End, int, int]:
        """Walk through it; returns how it ended, the number of groups, and which is the first that damage concerns."""
        grouping = Grouping()
        odd = Odd()
        end = End("", "", 0)
        for member in walk(about.stream, about.size if about.codec == "plain" else None, self._wants):
            if isinstance(member, End):
                end = member
                break
            name = key_of(member.name)
            odd.look(member)
            if member.kind != "file" or name is None:
                if member.kind == "file":
                    self._unkeyed(shard, member)
                continue
            ended, repeated = grouping.add(*name, member)
            if ended is not None:
                self._group(shard, about, ended)
            if repeated:
                detail = f"a second member .{name[1]} of the sample: webdataset stops at it"
                self._problem(shard, "repeated-member", member.name, grouping.number - 1, detail)
        cut_off = key_of(end.member)
        damaged = grouping.number
        for group in grouping.rest():
            damaged -= cut_off is not None and cut_off[0] == group.key
            self._group(shard, about, group, cut=not end.harmless)
        for kind, first, detail in odd.told():
            self._problem(shard, kind, first, None, detail)
        return end, grouping.number, damaged

    def _wants(self, name: str) -> bool:
        found = key_of(name)
        if found is None:
            return False
        if any(Field(column).wants(found[1]) for part, column in self.columns.items() if part != "path"):
            return True
        return "label" not in self.columns and (found[1] in LABELS or (found[1] == TEXT and not self.captions))

    def _problem(self, shard: Shard, kind: str, member: str, number: int | None, detail: str) -> None:
        path = display(f"{shard.entry.path}#{member}")
        self.problems.add(kind=kind, path=path, manifest=display(shard.entry.path), record=number, detail=detail)

    def _unkeyed(self, shard: Shard, member: Member) -> None:
        reason = layout.skip_reason(member.name, in_class=False)
        self.skipped.add(
            path=display(f"{shard.entry.path}#{member.name}"), suffix=layout.suffix(member.name),
            size_bytes=member.size, reason="hidden" if reason == "ignored-suffix" else reason,
        )  # fmt: skip

    def _group(self, shard: Shard, about: Opened, group: Group, *, cut: bool = False) -> None:
        images = [extension for extension in group.members if _is_image(extension)]
        main = self._main(images)
        self.extensions.update(group.members.keys())
        names = frozenset(
            IMAGE if name == main else name for name in group.members if name == main or name not in images
        )
        self.census.add(group.key, names, cut=cut)
        if main is None:
            return
        self.spare.update(name for name in images if name != main)
        member = group.members[main]
        self.first = self.first or (shard, member.name, group.number)
        path = f"{shard.entry.path}#{member.name}"
        shown = display(path)
        # Two equal texts for each of a million images are a hundred megabytes.
        path = shown if shown == path else path
        locator = PartLocator(about.place, member.offset, member.size, about.codec, named=True)
        self.samples.add(
            sample_id=len(self.files), file_id=len(self.files), path=shown, split=self._split(shard, group),
            label=self._label(shard, group), group_key=self._value(shard, group, "group"), record=group.number,
        )  # fmt: skip
        self.files.append(Entry(path, locator, "file", member.size, about.mtime_ns, about.inode))

    def _main(self, images: list[str]) -> str | None:
        """The image that a sample is about: as declared, else the first whose extension is nothing but a suffix."""
        declared = self.columns.get("path")
        if declared is not None:
            self.met.update({"path"} if declared in images else ())
            return declared if declared in images else None
        return next((name for name in images if "." not in name), images[0] if images else None)

    def _split(self, shard: Shard, group: Group) -> str | None:
        if "split" not in self.columns:
            return None if shard.split is None else display(shard.split)
        written = self._value(shard, group, "split")
        if written is None:
            return None
        self.met_cells.add(written)
        return self.cells.get(written, split_name(written))

    def _value(self, shard: Shard, group: Group, part: str) -> str | None:
        column = self.columns.get(part)
        if column is None:
            return None
        try:
            value, _ = Field(column).value(group.members)
        except UnreadableError as error:
            self._bad(shard, group, error)
            return None
        if value is None:
            return None
        self.met.add(part)
        return sys.intern(display(value))

    def _bad(self, shard: Shard, group: Group, error: UnreadableError) -> None:
        self._problem(shard, "bad-label-member", error.member.name, group.number, str(error))

    def _label(self, shard: Shard, group: Group) -> str | None:
        self.texts.append(None)
        column = self.columns.get("label") or next((name for name in LABELS if name in group.members), None)
        if column is None:
            self._text(group)
            return None
        try:
            value, extension = Field(column).value(group.members)
        except UnreadableError as error:
            self._bad(shard, group, error)
            return None
        if extension:
            self.label_from[extension] += 1
            self.met.add("label")
        member = group.members.get(extension or "json")
        if extension == INTEGER and value is not None and not _is_integer(value):
            self.words.append((shard, group.members[extension].name, group.number, value))
        if value is None and member is not None:
            # A sample that has no such member at all is incomplete.
            detail = (
                f"{member.name} is empty" if extension else f"{member.name} has no key {column.removeprefix('json.')!r}"
            )
            self._problem(shard, "no-label-member", member.name, group.number, detail)
        return None if value is None else sys.intern(display(value))

    def _text(self, group: Group) -> None:
        """A text beside the image may be its label or its caption: which one, all of them together tell."""
        if self.captions or TEXT not in group.members:
            return
        try:
            self.texts[-1] = text_of(group.members[TEXT])
        except UnreadableError:
            self.captions = True
            self.texts.clear()

    def dataset(self, source: Source, root: str, found: list[Shard], guessed: str) -> Dataset:
        """Everything together, once all archives are read. Raises UsageError for what is declared and nowhere."""
        notes = [guessed] if guessed else []
        self._check_declared()
        notes += self._labelled()
        dotted = dots.told({name: n for name, n in self.extensions.items() if _is_image(name)}, len(self.census))
        if dotted and self.first:
            shard, member, number = self.first
            self._problem(shard, "dotted-key", member, number, display(dotted))
        elif self.spare:
            spare = sorted(self.spare)
            more = f" and {len(spare) - _LISTED:,} more" if len(spare) > _LISTED else ""
            names = ", ".join(f".{display(name)}" for name in spare[:_LISTED]) + more
            notes.append(
                f"of samples with several images one was checked, and not {names}: `dataset.columns: {{path: ...}}` "
                "says which extension it is"
            )
        label = self.label_from.most_common(1)[0][0] if self.label_from else None
        # Where most are words nobody decodes them as numbers; 1.0 is no word, but what pandas makes of 1 beside a NaN.
        few = 2 * len(self.words) < self.label_from[INTEGER]
        for shard, member, number, word in self.words:
            if few or _is_float(word):
                detail = f"{member} is {word!r}, and webdataset decodes .{INTEGER} with int()"
                self._problem(shard, "bad-label-member", member, number, display(detail))
        for defect in self.census.defects(label):
            shard = found[defect.archive]
            detail = defect.detail
            if defect.other is not None:
                detail = f"{defect.key} is also in {found[defect.other].entry.path}; {detail}"
            self._problem(shard, defect.kind, defect.key, defect.number, display(detail))
        return Dataset(
            name=name_of(root, source.base),
            format="webdataset",
            root=display(root),
            manifest=None,
            files=self.files,
            samples=self.samples.data(),
            classes=classes(self.samples).data(),
            folders=Rows("folders").data(),
            skipped=self.skipped.data(),
            problems=self.problems.data(),
            shards=self.shards.data(),
            assumptions=tuple(notes),
        )

    def _check_declared(self) -> None:
        there = ", ".join(name for name, _ in self.extensions.most_common(8))
        for part, column in self.columns.items():
            if len(self.census) and part not in self.met:
                what = "an image" if part == "path" else "a member or a JSON key"
                more = "" if part == "path" else "; a key of a JSON member is written json.KEY"
                raise UsageError(
                    f"dataset.columns.{part}: no sample has {what} {column!r}",
                    hint=f"members are: {there}{more}",
                    keys=("dataset", "columns", part),
                )
        if self.met_cells:
            check_splits(self.cells, self.met_cells, self.met_cells, "sample whose split is")

    def _labelled(self) -> Iterator[str]:
        """Where the labels are, which may be in texts."""
        labels = self.samples.columns["label"]
        if "label" in self.columns:
            return
        texts = [text for text in self.texts if text is not None]
        if not self.label_from and texts and not self.captions and 2 * len(set(texts)) <= len(texts):
            self.samples.columns["label"] = [None if text is None else display(text) for text in self.texts]
            self.label_from[TEXT] = len(texts)
            yield f"labels are read from .txt, which has {len(set(texts)):,} different texts in {len(texts):,} samples"
        elif labels and not self.label_from:
            yield (
                "no member holds a label (.cls, .class, .label): images are read without labels; "
                "`dataset.columns: {label: json.KEY}` says where they are"
            )


def _is_integer(label: str) -> bool:
    try:
        int(label)
    except ValueError:
        return False
    return True


def _is_image(extension: str) -> bool:
    return "." + extension.rpartition(".")[2] in layout.IMAGE_LIKE


def _is_pointer(source: Source, entry: Entry) -> bool:
    if entry.size is not None and entry.size > POINTER_BYTES:
        return False
    return source.read(entry.path, limit=len(POINTER)) == POINTER


def _is_float(label: str) -> bool:
    return _FLOAT.fullmatch(label.strip()) is not None
