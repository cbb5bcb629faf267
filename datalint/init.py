"""Proposes a commented `datalint.yaml` from what was seen; never overwrites one."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.config_file import YAML_NAME, present, read_file
from datalint.config_schema import SCHEMA_FILE
from datalint.errors import Position, UnfinishedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_CLASSES_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a dataset: samples by split and by class, files by (height, width)."""

    format: str
    path: str = "."
    root: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    splits: Mapping[str, int] = field(default_factory=dict)
    classes: Mapping[str, int] = field(default_factory=dict)
    sizes: Mapping[tuple[int, int], int] = field(default_factory=dict)
    assumptions: tuple[str, ...] = ()


def propose(seen: Seen, *, schema: str | None = None) -> str:
    """The text of a `datalint.yaml` that loads as it is; what was assumed stands in its comments.

    `schema` is the address that editors complete from; the schema of this installation where it is None.
    """
    size, reason = _image_size(seen.sizes)
    lines = [
        f"# yaml-language-server: $schema={schema or SCHEMA_FILE.as_uri()}",
        "# Proposed by `datalint init`: every value below was seen or assumed, so read it once.",
        "",
        "dataset:",
        f"  path: {_quoted(seen.path)}",
        f"  format: {_quoted(seen.format)}",
        *([f"  root: {_quoted(seen.root)}  # paths in the manifest start here"] if seen.root is not None else []),
        *_columns(seen.columns),
        *_comments(_seen_lines(seen)),
        *_comments(f"assumed: {sentence}" for sentence in seen.assumptions),
        "",
        "# The recipe that the dataset is judged for. Everything here is assumed: say what your training script does.",
        "training:",
        "  framework: keras  # or pytorch",
        "  loader: image_dataset_from_directory",
        f"  image_size: {size}  # {reason}; `original` when images are not resized",
        "  channels: 3  # `original` when the loader does not convert",
        "  batch: 32",
        "  drop_remainder: false",
        *([] if len(seen.splits) > 1 else ["  # validation_split: 0.2  # no second split was seen"]),
        "",
        "# Machine that trains: `local`, a known name such as colab-free-t4, or one of your own `targets`.",
        "target: local",
        "",
        "rules:",
        "  # paths: [.datalint/rules]  # folders with your own rules: `datalint new-rule acme/name`",
        "  settings: {}",
        "  #   class-skew: {max_ratio: 50}  # a parameter",
        "  #   animated-image: off",
        "",
        "# Findings that you accept; each needs a reason, and `until` makes it count again after that day.",
        "ignore: []",
        "#  - {rule: class-skew, label: platypus, reason: rare by nature, until: 2030-12-31}",
        "",
        "fail_on: error  # or warning, never",
    ]
    return "\n".join(lines) + "\n"


def write(folder: str, text: str) -> str:
    """Create `datalint.yaml` in the folder and return its path; UsageError where the folder has a configuration."""
    path = os.path.join(folder, YAML_NAME)
    if os.path.lexists(path):
        raise UsageError(f"{YAML_NAME} is already there and is not overwritten", Position(path))
    if present(lambda name: read_file(os.path.join(folder, name))):
        raise UsageError("the folder already has a configuration for datalint", Position(folder))
    try:
        with open(path, "x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UnfinishedError(f"cannot write {path}: {error.strerror}") from error
    return path


def _image_size(sizes: Mapping[tuple[int, int], int]) -> tuple[str, str]:
    """One size for all images is taken as it is; anything else gets Keras' own default."""
    if len(sizes) == 1:
        ((height, width),) = sizes
        return f"[{height}, {width}]", "every image has this size"
    return "[256, 256]", f"Keras' default, height then width; {len(sizes):,} sizes were seen"


def _columns(columns: Mapping[str, str]) -> Iterable[str]:
    if columns:
        yield "  columns:"
        yield from (f"    {part}: {_quoted(column)}" for part, column in columns.items())


def _seen_lines(seen: Seen) -> Iterable[str]:
    if seen.splits:
        yield "splits: " + ", ".join(f"{name} ({count:,})" for name, count in seen.splits.items())
    if seen.classes:
        names = [f"{name} ({count:,})" for name, count in list(seen.classes.items())[:_CLASSES_SHOWN]]
        more = len(seen.classes) - len(names)
        yield f"{len(seen.classes):,} classes: " + ", ".join(names) + (f" and {more:,} more" if more else "")


def _comments(lines: Iterable[str]) -> Iterable[str]:
    """A name may hold anything, also a line break that would end the comment."""
    return (f"  # {_escaped(line)}" for line in lines)


def _quoted(text: str) -> str:
    return '"' + _escaped(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _escaped(text: str) -> str:
    """Everything that a terminal or YAML would not show as it is, as the escapes of double-quoted YAML."""
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)
