"""Proposes a commented `datalint.yaml` from what was seen; never overwrites one."""

from __future__ import annotations

import os
import re
from collections import Counter
from typing import TYPE_CHECKING, Any, Literal, Protocol

from datalint.config_file import YAML_NAME, present, read_file
from datalint.config_schema import SCHEMA_FILE
from datalint.entry import display
from datalint.errors import Position, UnfinishedError, UsageError
from datalint.footprint.recipe import Recipe, for_format
from datalint.script.keys import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from datalint.dataset.sequences import Grouping
    from datalint.script.recipe import Proposal
    from datalint.tables import Data

SCHEMA_NAME = "datalint.schema.json"
RULES = ".datalint/rules"
"""Where `datalint new-rule` puts a rule."""
_CLASSES_SHOWN = 20


class DatasetLike(Protocol):
    """What the proposal needs to know of a dataset."""

    @property
    def format(self) -> str: ...
    @property
    def samples(self) -> Data: ...
    @property
    def assumptions(self) -> Sequence[str]: ...


def propose(
    found: DatasetLike,
    *,
    path: str,
    schema: str | None = None,
    said: Proposal | None = None,
    groupings: Sequence[Grouping] = (),
    rules: bool = False,
) -> str:
    """The text of a `datalint.yaml` that loads as it is; what was seen and assumed stands in its comments.

    `path` is the dataset's, relative to the file. `schema` is what editors complete from, also relative to the
    file: the place of this installation would mean nothing to anybody else. `said` is what a training script says,
    `groupings` what names say of groups: a guess stays a comment, because a wrong one would block. `rules`: some
    of the user's own are there already.
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
        *(line for grouping in groupings for line in _group(grouping)),
        "",
        *(_recipe(found.format, one_split=len(splits) < 2) if said is None else _said(said, found.format, splits)),
        "",
        "# Machine that trains: `local`, a known name such as colab-free-t4, or one of your own `targets`.",
        "target: local",
        "",
        "rules:",
        f"  {'' if rules else '# '}paths: [{RULES}]  # folders with your own rules: `datalint new-rule acme/name`",
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


_HINTS = {
    "image_size": "height, width; `original` when images are not resized",
    "channels": "`original` when the loader does not convert",
}
_ASSUMED: Mapping[str, Any] = {
    "framework": "keras",
    "loader": "image_dataset_from_directory",
    "image_size": [256, 256],
    "channels": 3,
    "batch": 32,
    "drop_remainder": False,
}
_DTYPE = "float32"


def _assumed(usual: Recipe) -> dict[str, Any]:
    return {**_ASSUMED, "framework": usual.framework, "loader": usual.loader}


def _hint(key: str, value: Any) -> str:
    if key == "framework":
        return "or keras" if value == "pytorch" else "or pytorch"
    return _HINTS.get(key, "")


def _recipe(format_: str, *, one_split: bool) -> list[str]:
    """Where nobody says how they train: Keras' own defaults, and a loader that reads the format."""
    assumed = _assumed(for_format(Recipe(), format_))
    return [
        "# The recipe that the dataset is judged for. All of it is assumed: say what your script does.",
        "training:",
        *(_line(key, value, _hint(key, value)) for key, value in assumed.items()),
        _MODEL,
        *([_NO_SPLIT] if one_split else []),
    ]


# Also what other readers of YAML take for text: `no` and `on` are not.
_PLAIN = re.compile(r"(?!(?:null|true|false|yes|no|on|off|y|n)\Z)[A-Za-z][A-Za-z0-9_-]*", re.IGNORECASE)
_MODEL = "  # model: ResNet50  # or model.keras: then accelerator memory is predicted"
_NO_SPLIT = "  # validation_split: 0.2  # no second split was seen"


def _said(said: Proposal, format_: str, splits: Mapping[str, int]) -> list[str]:
    """What the script says, each value with its place; the rest is assumed and called so."""
    values, notes = dict(said.values), list(said.notes)
    told = Recipe(framework=said.framework, loader=said.loader)
    assumed = _assumed(for_format(told, format_, keras="framework" in values))
    own = said.own_validation if "val" not in splits and "validation_split" not in values else None
    if own is not None:
        why = "validation data of the script's own making, whose share is not known here"
        notes.append(("validation_split", f"{own}: {why}"))
        if str(values.get("monitor", ("",))[0]).startswith("val_"):
            # Without a share or a second split it would be an error to watch what is measured on it.
            monitor, place = values.pop("monitor")
            notes.append(("monitor", f"{monitor} {place}: left out: the recipe cannot say how validation data is made"))
    name = _escaped(said.script)
    lines = [f"# The recipe that the dataset is judged for, as {name} says it; what is assumed was not seen there."]
    if not values:
        lines = [f"# The recipe that the dataset is judged for. Nothing of it was recognised in {name}: it is assumed."]
    lines.append("training:")
    for key in KEYS:
        lines += _comments(f"{key}: {text}" for about, text in notes if about == key)
        if key in values:
            lines.append(_line(key, *values[key]))
        elif key == "dtype":
            lines.append(_line(key, _DTYPE, "assumed, as resizing gives it; uint8 where the script casts to it"))
        elif key in assumed:
            hint = _hint(key, assumed[key])
            lines.append(_line(key, assumed[key], f"assumed; {hint}" if hint else "assumed"))
    if "model" not in values:
        lines.append(_MODEL)
    if len(splits) < 2 and "validation_split" not in values and own is None:
        lines.append(_NO_SPLIT)
    return lines


def _line(key: str, value: Any, comment: str) -> str:
    return f"  {key}: {_scalar(value)}" + (f"  # {_escaped(comment)}" if comment else "")


def _scalar(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return f"[{', '.join(map(_scalar, value))}]"
    if not isinstance(value, str):
        return repr(value)
    return value if _PLAIN.fullmatch(value) else _quoted(value)


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


def _group(seen: Grouping) -> Iterator[str]:
    """The key, with what led to it."""
    crossing = f"{seen.n_crossing:,} of them in two splits" if seen.n_crossing else "none of them in two splits"
    if seen.certain:
        photographs = "1 photograph" if seen.n_groups == 1 else f"{seen.n_groups:,} photographs"
        yield from _comments([f"{seen.n_images:,} images come from {photographs}, {crossing}:"])
        yield from _comments([f"Roboflow names its copies of one so ({seen.example})"])
        yield f"  group: {_quoted(seen.pattern)}"
        return
    yield from _comments([f"{seen.n_images:,} images look like {seen.n_groups:,} groups, {crossing}, by their names"])
    yield from _comments(
        [f"({seen.example}); if each is a patient, video or scene:", f"group: {_quoted(seen.pattern)}"]
    )


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
