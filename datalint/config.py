"""The configuration of a run: frozen values, with the defaults that `config.schema.json` states."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from datalint import group_pattern
from datalint.config_file import FILES, Document, Reader, find_home, present, read_document
from datalint.config_rules import BoundRule, check_ignores, resolve_rules
from datalint.config_schema import reference, violations
from datalint.errors import Position, UsageError
from datalint.finding import Severity
from datalint.footprint.recipe import TORCH, Recipe, contradiction
from datalint.sizes import byte_count, seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.config_schema import Violation
    from datalint.finding import Value

__all__ = [
    "FILES",
    "BoundRule",
    "Config",
    "DatasetConfig",
    "Ignore",
    "Reader",
    "Recipe",
    "RuleSetting",
    "RulesConfig",
    "check_ignores",
    "find_home",
    "load",
    "parse",
    "present",
    "reference",
    "resolve_rules",
]

FailOn = Literal["error", "warning", "never"]
Parameter = str | int | float | bool | list[str | int | float | bool]


@dataclass(frozen=True, slots=True)
class DatasetConfig:
    """Paths are relative to the folder of the configuration; `columns` maps a part to the user's column."""

    path: str = "."
    format: str | None = None
    root: str | None = None
    suffix: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    """Which part of a path is the group."""
    splits: Mapping[str, str] | None = None
    """Folder, or cell of the split column -> train, val or test; empty for no splits, None where nobody says it."""
    position: Position | None = None
    """Of `path`, or the nearest key above it."""


@dataclass(frozen=True, slots=True)
class RuleSetting:
    """What the user changed about one rule."""

    off: bool = False
    severity: Severity | None = None
    params: Mapping[str, Parameter] = field(default_factory=dict)
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class RulesConfig:
    """Which rules run, and how strictly; `paths` are folders with the user's own rules."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    settings: Mapping[str, RuleSetting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ignore:
    """Findings that the user accepts, up to and including the day `until`; every given part must match."""

    rule: str
    reason: str
    path: str | None = None
    key: Mapping[str, Value] = field(default_factory=dict)
    written: Mapping[str, str] = field(default_factory=dict)
    """Values of `key` that are not text, as they stand in the file."""
    until: date | None = None
    position: Position | None = None


@dataclass(frozen=True, slots=True)
class Config:
    dataset: DatasetConfig = DatasetConfig()
    training: Recipe = field(default_factory=Recipe)
    target: str = "local"
    targets: Mapping[str, Mapping[str, Value]] = field(default_factory=dict)
    rules: RulesConfig = RulesConfig()
    ignore: tuple[Ignore, ...] = ()
    fail_on: FailOn = "error"
    baseline: str = ".datalint-baseline.jsonl"
    lock: str = "datalint.lock"
    file: str | None = None
    """Where all this was read from; None without a configuration file."""
    document: Document | None = field(default=None, repr=False, compare=False)

    @property
    def says_dataset(self) -> bool:
        """Whether the user wrote anything of the dataset."""
        return self.document is not None and bool((self.document.data or {}).get("dataset"))

    def position(self, *keys: str | int) -> Position | None:
        """Where the user wrote a value, or the nearest thing above it; None without a configuration file."""
        return self.document.position(keys) if self.document else None


def load(read: Reader, *, explicit: str | None = None) -> Config:
    """Read the configuration through `read`; without a file, the defaults. UsageError has its position."""
    document = read_document(read, explicit=explicit)
    return Config() if document is None else parse(document)


def parse(document: Document) -> Config:
    """Check a document against the schema and freeze it; the first thing wrong is a UsageError."""
    for violation in violations(document.data):
        position = document.position(violation.keys, key=violation.at_key)
        raise UsageError(_named(violation), position, violation.hint)
    data: dict[str, Any] = document.data or {}
    _check_values(data, document)
    defaults = Config()
    dataset = data.get("dataset") or {}
    rules = data.get("rules") or {}
    return Config(
        dataset=DatasetConfig(
            **{**dataset, "columns": dataset.get("columns") or {}, "splits": _splits(dataset, document)},
            position=document.position(("dataset", "path")),
        ),
        training=_training(data["training"] or {}, document) if "training" in data else Recipe(),
        target=data.get("target", defaults.target),
        targets=data.get("targets") or {},
        rules=RulesConfig(
            select=tuple(rules.get("select") or ()),
            ignore=tuple(rules.get("ignore") or ()),
            paths=tuple(rules.get("paths") or ()),
            settings={
                name: _setting(value, document.position(("rules", "settings", name), key=True))
                for name, value in (rules.get("settings") or {}).items()
            },
        ),
        ignore=tuple(_ignore(entry, index, document) for index, entry in enumerate(data.get("ignore") or ())),
        fail_on=data.get("fail_on", defaults.fail_on),
        baseline=data.get("baseline", defaults.baseline),
        lock=data.get("lock", defaults.lock),
        file=document.file,
        document=document,
    )


def _check_values(data: dict[str, Any], document: Document) -> None:
    """What the schema cannot say: sizes in words that no table can hold, a column of two parts, a pattern of groups."""
    training, machines = data.get("training") or {}, (data.get("targets") or {}).items()
    sizes: list[tuple[tuple[str, ...], Any]] = [(("training", "ram_budget"), training.get("ram_budget"))]
    sizes += [(("targets", name, key), size) for name, machine in machines for key, size in machine.items()]
    for way, size in sizes:
        if way[-1] in _SIZES and size is not None and byte_count(size) > _LARGEST:
            raise UsageError(f"{'.'.join(way)}: {size} is beyond 64 bits", document.position(way))
    if training.get("time_limit") is not None and seconds(training["time_limit"]) > _LARGEST:
        place = document.position(("training", "time_limit"))
        raise UsageError(f"training.time_limit: {training['time_limit']} is beyond 64 bits", place)
    columns = (data.get("dataset") or {}).get("columns") or {}
    for part, column in columns.items():
        other = next(name for name, value in columns.items() if value == column)
        if other != part:
            place = document.position(("dataset", "columns", part))
            raise UsageError(f"dataset.columns.{part}: column {column!r} is the {other} already", place)
    _check_group((data.get("dataset") or {}).get("group"), columns, document)


def _check_group(pattern: str | None, columns: Mapping[str, str], document: Document) -> None:
    if pattern is None:
        return
    place = document.position(("dataset", "group"))
    if "group" in columns:
        words = f"dataset.group: the column {columns['group']!r} is the group already (dataset.columns.group)"
        raise UsageError(words, place, "leave one of both out")
    try:
        group_pattern.compiled(pattern)
    except UsageError as error:
        raise UsageError(f"dataset.group: {error.message}", place, error.hint) from error


def _splits(dataset: dict[str, Any], document: Document) -> dict[str, str] | None:
    if dataset.get("splits") is None:
        return None
    found: dict[str, str] = {}
    for split, names in (dataset.get("splits") or {}).items():
        for name in map(str, names if isinstance(names, list) else [names]):
            if name in found:
                place = document.position(("dataset", "splits", split))
                raise UsageError(f"dataset.splits.{split}: {name!r} is the {found[name]} split already", place)
            found[name] = split
    return found


_LARGEST = 2**63 - 1
_SIZES = ("ram_budget", "host_memory", "host_used", "shm", "disk", "accelerator_memory")


def _named(violation: Violation) -> str:
    """The message after the dotted name of what it is about: `training.batch: expected ...`."""
    words = violation.keys[:-1] if violation.at_key else violation.keys
    name = "".join(f"[{word}]" if isinstance(word, int) else f".{word}" for word in words).lstrip(".")
    return f"{name}: {violation.message}" if name else violation.message


def _training(data: dict[str, Any], document: Document) -> Recipe:
    values = dict(data)
    # Only a DataLoader belongs to PyTorch alone, and nothing but a DataLoader feeds PyTorch by default.
    if values.get("framework") == "pytorch":
        values.setdefault("loader", "dataloader")
    elif values.get("loader") in TORCH:
        values.setdefault("framework", "pytorch")
    size = values.pop("image_size", Recipe().input_height)
    height, width = size if isinstance(size, list) else (size, size)
    values["input_height"], values["input_width"] = _whole(height), _whole(width)
    values["input_channels"] = _whole(values.pop("channels", Recipe().input_channels))
    for name in _COUNTS & values.keys():
        values[name] = _whole(values[name])
    if "ram_budget" in values:
        values["ram_budget"] = byte_count(values["ram_budget"])
    if "time_limit" in values:
        values["time_limit"] = seconds(values["time_limit"])
    recipe = Recipe(**values, declared=True)
    if impossible := contradiction(recipe):
        key, why = impossible
        raise UsageError(f"training.{key}: {why}", document.position(("training", key)))
    return recipe


_COUNTS = {
    "batch",
    "shuffle_buffer",
    "prefetch",
    "parallel_calls",
    "workers",
    "prefetch_factor",
    "replicas",
    "epochs",
    "steps_per_epoch",
    "gradient_accumulation",
}


def _whole(value: float | str) -> int | None:
    """`original` and `auto` are None; JSON Schema counts 3.0 among the integers."""
    return None if isinstance(value, str) else int(value)


def _setting(value: Any, position: Position | None) -> RuleSetting:
    if value == "off" or value is False:
        return RuleSetting(off=True, position=position)
    if isinstance(value, str):
        return RuleSetting(severity=Severity(value), position=position)
    params = {name: item for name, item in value.items() if name != "severity"}
    severity = Severity(value["severity"]) if "severity" in value else None
    return RuleSetting(severity=severity, params=params, position=position)


def _ignore(entry: dict[str, Any], index: int, document: Document) -> Ignore:
    until = entry.get("until")
    try:
        day = None if until is None else date.fromisoformat(until)
    except ValueError as error:
        place = document.position(("ignore", index, "until"))
        raise UsageError(f"ignore[{index}].until: {until} is not a day of the calendar", place) from error
    key = {name: value for name, value in entry.items() if name not in ("rule", "reason", "path", "until")}
    ways = {name: ("ignore", index, name) for name in key}
    return Ignore(
        rule=entry["rule"],
        reason=entry["reason"],
        path=entry.get("path"),
        key=key,
        written={name: document.written[way] for name, way in ways.items() if way in document.written},
        until=day,
        position=document.position(("ignore", index)),
    )
