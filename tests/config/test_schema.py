"""The published JSON Schema, our reader and the dataclasses tell one story."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import jsonschema

from datalint import config
from datalint.config_file import Document
from datalint.config_schema import SCHEMA_FILE, schema, violations
from datalint.errors import UsageError
from datalint.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json.loads(SCHEMA_FILE.read_text())
VALIDATOR = jsonschema.Draft7Validator(SCHEMA, format_checker=jsonschema.FormatChecker())

# Each is put in the place of every leaf of the full example, and of every whole section.
PROBES: list[Any] = [
    None,
    True,
    False,
    0,
    1,
    -1,
    3,
    5,
    1.0,
    0.5,
    1.5,
    float("nan"),
    float("inf"),
    "",
    "x",
    "off",
    "error",
    "original",
    "keras",
    "16 GiB",
    "16GB",
    "1.5 TiB",
    "16 gb",
    "2026-02-28",
    "2026-02-30",
    "!x",
    [],
    [1],
    [1, 2],
    [1, 0],
    [1, 2, 3],
    ["x"],
    [""],
    [[]],
    [None],
    {},
    {"x": 1},
    {"x": {}},
    {"x": None},
    {"x": "off"},
    {"x": {"severity": "error"}},
    {"x": {"severity": "bad"}},
    {"x": {"p": [1, "a"]}},
    {"x": {"p": [[]]}},
    {"x": {"host_memory": 1}},
    {"path": "x"},
    [{"rule": "a", "reason": "b"}],
    [{"rule": "a"}],
    [{"rule": "a", "reason": "b", "k": None}],
    [{"rule": "a", "reason": "b", "k": []}],
    2**70,
]
FULL: dict[str, Any] = {
    "dataset": {
        "path": "a",
        "format": "csv",
        "root": "b",
        "columns": {"path": "p", "label": "l", "split": "s", "group": "g"},
        "splits": {"train": ["a", 7], "val": "b", "test": 9},
    },
    "training": {
        "framework": "keras",
        "loader": "files",
        "image_size": [1, 2],
        "channels": 3,
        "dtype": "uint8",
        "batch": 1,
        "drop_remainder": True,
        "shuffle_buffer": 1,
        "replicas": 1,
        "epochs": 1,
        "steps_per_epoch": 1,
        "validation_split": 0.5,
        "monitor": "val_loss",
        "batch_norm": True,
        "model": "ResNet50",
        "optimizer": "adam",
        "precision": "float32",
        "gradient_accumulation": 1,
        "executor": "xla",
    },
    "target": "local",
    "targets": {
        "t": {
            "host_memory": 1,
            "shm": "1 B",
            "disk": "1 GB",
            "cores": 1,
            "accelerator": "x",
            "accelerator_memory": 1,
            "accelerators": 1,
            "source": "s",
        }
    },
    "rules": {
        "select": ["a"],
        "ignore": ["b"],
        "paths": ["c"],
        "settings": {"a": {"severity": "info", "p": 1}, "b": "off"},
    },
    "ignore": [{"rule": "a", "reason": "b", "path": "c", "until": "2026-12-31", "label": "x"}],
    "fail_on": "never",
    "baseline": "x",
    "lock": "x",
}


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield way
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*way, key))


def changed(way: tuple[Any, ...], value: Any) -> Any:
    if not way:
        return value
    data = json.loads(json.dumps(FULL))
    inner = data
    for key in way[:-1]:
        inner = inner[key]
    inner[way[-1]] = value
    return data


def accepts(data: Any) -> bool:
    try:
        config.parse(Document(data, "datalint.yaml"))
    except UsageError:
        return False
    return True


def test_reader_and_schema_accept_and_refuse_the_same() -> None:
    jsonschema.Draft7Validator.check_schema(SCHEMA)
    assert VALIDATOR.is_valid(FULL)
    cases = [(way, probe) for way in [*places(FULL), ("unknown",), ("training", "unknown")] for probe in PROBES]
    different = [
        (way, probe) for way, probe in cases if accepts(changed(way, probe)) != VALIDATOR.is_valid(changed(way, probe))
    ]
    # A `number` that is not one passes JSON Schema, which knows no such numbers.
    assert [case for case in different if case[1] == case[1] and case[1] != float("inf")] == []
    assert len(cases) > 2000


def test_every_keyword_of_the_schema_is_understood() -> None:
    understood = {
        "$schema",
        "title",
        "description",
        "default",
        "examples",
        "definitions",
        "$ref",
        "type",
        "enum",
        "anyOf",
        "properties",
        "additionalProperties",
        "required",
        "items",
        "minItems",
        "maxItems",
        "minLength",
        "pattern",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "format",
        "allOf",
    }

    def keywords(node: Any) -> Iterator[str]:
        for key, value in node.items():
            yield key
            named = key in ("properties", "definitions")
            children = value.values() if named else value if key in ("anyOf", "allOf") else [value]
            for child in children:
                if isinstance(child, dict) and key != "default":
                    yield from keywords(child)

    assert set(keywords(SCHEMA)) <= understood


def test_the_defaults_of_the_schema_are_those_of_the_dataclasses() -> None:
    properties = schema()["properties"]
    defaults = config.Config()
    assert properties["target"]["default"] == defaults.target
    assert properties["fail_on"]["default"] == defaults.fail_on
    assert properties["baseline"]["default"] == defaults.baseline
    assert properties["lock"]["default"] == defaults.lock
    assert properties["dataset"]["properties"]["path"]["default"] == defaults.dataset.path
    training = properties["training"]["properties"]
    assert training["image_size"]["default"] == [
        defaults.training.input_height,
        defaults.training.input_width,
    ]
    assert training["channels"]["default"] == defaults.training.input_channels
    for name in training.keys() - {"image_size", "channels"}:
        assert training[name].get("default") == getattr(defaults.training, name), name


def test_every_column_of_the_training_table_can_be_declared() -> None:
    columns = {column.name for column in TABLES["training"].columns}
    assert columns == {item.name for item in fields(config.Recipe)}
    keys = set(schema()["properties"]["training"]["properties"])
    assert keys - {"image_size", "channels"} == columns - {
        "input_height",
        "input_width",
        "input_channels",
        "declared",
    }


def test_every_column_of_the_target_table_can_be_declared() -> None:
    keys = set(schema()["properties"]["targets"]["additionalProperties"]["properties"])
    assert keys | {"name"} == {column.name for column in TABLES["target"].columns}


def test_every_key_is_in_the_reference() -> None:
    text = config.reference()
    for name in ("dataset", "image_size", "host_memory", "settings", "until", "fail_on", "severity", "group"):
        assert f"| `{name}` |" in text
    assert "### rules.settings.NAME" in text
    assert "### ignore[]" in text


def test_all_mistakes_are_found_in_the_order_of_the_file() -> None:
    data = {"target": 1, "training": {"batch": 0}, "x": 1}
    assert [violation.keys for violation in violations(data)] == [("target",), ("training", "batch"), ("x",)]


def test_the_documented_keys_are_up_to_date() -> None:
    page = (SCHEMA_FILE.parent.parent / "docs" / "config.md").read_text("utf-8")
    begin, end = (f"<!-- generated from datalint/config.schema.json: {word} -->\n" for word in ("begin", "end"))
    assert page.partition(begin)[2].partition(end)[0] == config.reference()
