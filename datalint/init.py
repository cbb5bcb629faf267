"""Proposes a commented `datalint.yaml` from what was seen; never overwrites one."""

from __future__ import annotations

import os
from collections import Counter
from typing import TYPE_CHECKING, Literal, Protocol

from datalint.config_file import YAML_NAME, present, read_file
from datalint.config_schema import SCHEMA_FILE
from datalint.entry import display
from datalint.errors import Position, UnfinishedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from datalint.tables import Data

SCHEMA_NAME = "datalint.schema.json"
_CLASSES_SHOWN = 20


class DatasetLike(Protocol):
    """What the proposal needs to know of a dataset."""

    @property
    def format(self) -> str: ...
    @property
    def samples(self) -> Data: ...
    @property
    def assumptions(self) -> Sequence[str]: ...


def propose(found: DatasetLike, *, path: str, schema: str | None = None) -> str:
    """The text of a `datalint.yaml` that loads as it is; what was seen and assumed stands in its comments.

    `path` is the dataset's, relative to the file. `schema` is what editors complete from, also relative to the
    file: the place of this installation would mean nothing to anybody else.
    """
    splits = _counts(found.samples, "split")
    lines = [
        *([f"# yaml-language-server: $schema={schema}"] if schema else []),
        "# Proposed by `datalint init`: every value below was seen or assumed, so read it once.",
        "",
        "dataset:",
        f"  path: {_quoted(path)}",
        f"  format: {_quoted(found.format)}",
        *_comments(_seen(splits, _counts(found.samples, "label"))),
        *_comments(f"assumed: {sentence}" for sentence in found.assumptions),
        "",
        "# The recipe that the dataset is judged for. All of it is assumed: say what your script does.",
        "training:",
        "  framework: keras  # or pytorch",
        "  loader: image_dataset_from_directory",
        "  image_size: [256, 256]  # height, width; `original` when images are not resized",
        "  channels: 3  # `original` when the loader does not convert",
        "  batch: 32",
        "  drop_remainder: false",
        "  # model: ResNet50  # or model.keras: then accelerator memory is predicted",
        *([] if len(splits) > 1 else ["  # validation_split: 0.2  # no second split was seen"]),
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
    """Create `datalint.yaml` in the folder, return its path; UsageError where a configuration is already."""
    refuse_to_replace(folder)
    return _write(os.path.join(folder, YAML_NAME), "x", text)


def refuse_to_replace(folder: str) -> None:
    """UsageError where the folder has a configuration already."""
    path = os.path.join(folder, YAML_NAME)
    if os.path.lexists(path):
        hint = "`datalint init --stdout` prints a proposal"
        raise UsageError(f"{YAML_NAME} is already there and is not overwritten", Position(path), hint)
    if present(lambda name: read_file(os.path.join(folder, name))):
        raise UsageError("the folder already has a configuration for datalint", Position(folder))


def write_schema(folder: str) -> str:
    """Put the schema of this version beside the configuration, over that of an older one; return its path."""
    return _write(os.path.join(folder, SCHEMA_NAME), "w", SCHEMA_FILE.read_text("utf-8"))


def _write(path: str, mode: Literal["x", "w"], text: str) -> str:
    try:
        with open(path, mode, encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise UnfinishedError(f"cannot write {path}: {error.strerror}") from error
    return path


def _counts(samples: Data, column: str) -> dict[str, int]:
    """Samples by the text in a column, in the order of their names."""
    values = (value for value in samples.columns.get(column, ()) if isinstance(value, str))
    return dict(sorted(Counter(values).items()))


def _seen(splits: Mapping[str, int], classes: Mapping[str, int]) -> Iterator[str]:
    if splits:
        yield "splits: " + ", ".join(f"{name} ({count:,})" for name, count in splits.items())
    if classes:
        names = [f"{name} ({count:,})" for name, count in list(classes.items())[:_CLASSES_SHOWN]]
        more = len(classes) - len(names)
        yield f"{len(classes):,} classes: " + ", ".join(names) + (f" and {more:,} more" if more else "")


def _comments(lines: Iterable[str]) -> Iterator[str]:
    """A name may hold anything, also a line break that would end the comment."""
    return (f"  # {_escaped(line)}" for line in lines)


def _quoted(text: str) -> str:
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise UsageError(f"{display(text)} is not UTF-8, so no configuration can name it: rename it")
    return '"' + _escaped(text.replace("\\", "\\\\").replace('"', '\\"')) + '"'


def _escaped(text: str) -> str:
    """Everything that a terminal or YAML would not show as it is, as the escapes of double-quoted YAML."""
    return "".join(letter if letter.isprintable() else f"\\U{ord(letter):08x}" for letter in text)
