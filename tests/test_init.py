"""What `datalint init` proposes loads, says what it assumed, and replaces nothing."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from datalint import config, config_schema
from datalint.errors import UnfinishedError, UsageError
from datalint.init import SCHEMA_NAME, propose, write, write_schema
from datalint.script.recipe import Proposal
from datalint.tables import Data

EVIL = [
    "x\nrules: {select: [none]}",
    'a"b\\c',
    "# no",
    "\udc80",
    "\x00\x7f\x85\u2028\ufeff",
    "ümläut 🌷",
    "",
    "yes",
    "1",
]


def load(text: str) -> config.Config:
    return config.load({"datalint.yaml": text.encode("utf-8", "strict")}.get)


@dataclass(frozen=True)
class Found:
    format: str = "csv"
    samples: Data = field(default_factory=lambda: Data({}))
    assumptions: tuple[str, ...] = ()


def samples(labels: list[str], splits: list[str | None] | None = None) -> Data:
    return Data({"label": [*labels], "split": [*(splits or [None] * len(labels))]})


def test_the_proposal_loads_and_holds_what_was_seen() -> None:
    found = Found(
        samples=samples(["tulip", "rose", "rose"], ["train", "train", "val"]),
        assumptions=("val is the evaluation split",),
    )
    text = propose(found, path="data/labels.csv", schema="https://example.org/schema.json")
    assert text.startswith("# yaml-language-server: $schema=https://example.org/schema.json\n")
    loaded = load(text)
    assert (loaded.dataset.path, loaded.dataset.format) == ("data/labels.csv", "csv")
    assert "# splits: train (2), val (1)" in text
    assert "# 2 classes: rose (2), tulip (1)" in text
    assert "# assumed: val is the evaluation split" in text
    assert "validation_split" not in text


def test_without_a_second_split_a_validation_split_is_proposed() -> None:
    text = propose(Found(samples=samples(["a"], ["train"])), path=".")
    assert "# validation_split: 0.2" in text


def test_without_a_schema_beside_the_file_no_editor_is_sent_anywhere() -> None:
    assert "$schema" not in propose(Found(), path=".")


def test_the_schema_beside_the_file_is_ours_and_a_newer_one_replaces_it(tmp_path: Path) -> None:
    (tmp_path / SCHEMA_NAME).write_text("{}")
    assert Path(write_schema(str(tmp_path))) == tmp_path / SCHEMA_NAME
    assert json.loads((tmp_path / SCHEMA_NAME).read_text("utf-8")) == config_schema.schema()


def test_the_proposed_recipe_is_the_default_one() -> None:
    assert replace(load(propose(Found(), path=".")).training, declared=False) == config.Recipe()


def said(**values: object) -> Proposal:
    return Proposal("train.py", {key: (value, f"inferred from train.py:1: {key}") for key, value in values.items()}, ())


def test_what_a_script_says_stands_with_its_place_and_the_rest_is_called_assumed() -> None:
    text = propose(Found(), path=".", said=said(batch=8, image_size=[20, 30], cache="memory", monitor="a: # b"))
    assert "  batch: 8  # inferred from train.py:1: batch\n" in text
    assert "  image_size: [20, 30]  # inferred from train.py:1: image_size\n" in text
    assert "  framework: keras  # assumed; or pytorch\n" in text
    assert "  loader: image_dataset_from_directory  # assumed\n" in text
    assert "  drop_remainder: false  # assumed\n" in text
    assert "All of it is assumed" not in text
    training = load(text).training
    assert (training.batch, training.input_height, training.input_width) == (8, 20, 30)
    assert (training.cache, training.monitor) == ("memory", "a: # b")


def test_what_a_script_leaves_open_stands_above_what_is_assumed() -> None:
    open_ = Proposal("train.py", {}, (("batch", "not a literal at train.py:9: say it yourself: .batch(n)"),))
    text = propose(Found(), path=".", said=open_)
    line = "  # batch: not a literal at train.py:9: say it yourself: .batch(n)\n"
    assert f"{line}  batch: 32  # assumed\n" in text
    assert "Nothing of it was recognised in train.py" in text
    assert load(text).training.batch == 32


def test_the_loader_that_is_assumed_is_that_of_the_framework() -> None:
    assert "  loader: dataloader  # assumed\n" in propose(Found(), path=".", said=said(framework="pytorch"))
    assert load(propose(Found(), path=".", said=said(framework="pytorch"))).training.loader == "dataloader"


def test_a_model_that_the_script_names_takes_the_place_of_the_example() -> None:
    assert "# model: ResNet50  #" in propose(Found(), path=".", said=said(batch=8))
    text = propose(Found(), path=".", said=said(model="VGG16"))
    assert "# model: ResNet50  #" not in text
    assert load(text).training.model == "VGG16"


@pytest.mark.parametrize(
    ("splits", "monitor", "kept"),
    [
        (["train"], "val_loss", False),
        (["train", "test"], "val_loss", False),
        (["train", "val"], "val_loss", True),
        (["train"], "loss", True),
    ],
)
def test_validation_of_the_scripts_own_making_is_not_called_missing(
    splits: list[str | None], monitor: str, kept: bool
) -> None:
    """`monitor: val_loss` without any validation that is known would be an error, and a wrong one."""
    proposal = replace(said(monitor=monitor), own_validation="train.py:7")
    text = propose(Found(samples=samples(["a"] * len(splits), splits)), path=".", said=proposal)
    assert load(text).training.monitor == (monitor if kept else None)
    assert ("# validation_split: train.py:7: validation data of the script's own making" in text) == (
        "val" not in splits
    )
    assert ("# monitor: val_loss inferred from train.py:1: monitor: left out" in text) == (not kept)


def test_a_share_that_the_loader_splits_off_is_validation() -> None:
    proposal = replace(said(monitor="val_loss", validation_split=0.2), own_validation="train.py:7")
    training = load(propose(Found(), path=".", said=proposal)).training
    assert (training.monitor, training.validation_split) == ("val_loss", 0.2)


@pytest.mark.parametrize("value", ["yes", "no", "null", "1e3", "", "-", "a b", "x\ny", "#", "ü", "True", "12"])
def test_any_text_of_a_script_stays_text(value: str) -> None:
    assert load(propose(Found(), path=".", said=said(monitor=value or "x"))).training.monitor == (value or "x")


def test_nothing_in_a_script_can_break_out_of_its_comment() -> None:
    evil = Proposal("a\nb.py", {"batch": (8, "x\nrules: {select: [none]}")}, (("epochs", "y\u2028fail_on: never"),))
    loaded = load(propose(Found(), path=".", said=evil))
    assert (loaded.rules.select, loaded.fail_on, loaded.training.batch) == ((), "error", 8)


def test_many_classes_are_cut() -> None:
    text = propose(Found(samples=samples([f"c{number:02}" for number in range(22)])), path=".")
    assert "c19 (1) and 2 more" in text


def test_the_commented_examples_load_too() -> None:
    lines = [
        line.replace("#  ", "", 1) if line.lstrip().startswith("#  ") else line
        for line in propose(Found(), path=".").split("\n")
    ]
    loaded = load("\n".join(lines).replace("settings: {}", "settings:").replace("ignore: []", "ignore:"))
    assert loaded.rules.settings["animated-image"].off
    assert loaded.ignore[0].key == {"label": "platypus"}


@pytest.mark.parametrize("name", EVIL)
def test_no_name_can_break_out_of_its_place(name: str) -> None:
    path = "x" if name in ("", "\udc80") else name
    loaded = load(propose(Found(samples=samples([name], [name]), assumptions=(name,)), path=path))
    assert loaded.dataset.path == path
    assert loaded.rules.select == ()


def test_a_path_that_yaml_cannot_hold_is_said() -> None:
    with pytest.raises(UsageError, match=r"images\\xff is not UTF-8"):
        propose(Found(), path="images\udcff")


def test_writing_refuses_to_replace_anything(tmp_path: Path) -> None:
    path = write(str(tmp_path), propose(Found(), path="."))
    assert Path(path).name == "datalint.yaml"
    with pytest.raises(UsageError, match="not overwritten"):
        write(str(tmp_path), "")
    assert load(Path(path).read_text()).dataset.format == "csv"


def test_writing_refuses_a_second_configuration(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.datalint]\n")
    with pytest.raises(UsageError, match="already has a configuration"):
        write(str(tmp_path), "")
    assert not (tmp_path / "datalint.yaml").exists()


def test_a_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "datalint.yaml").symlink_to("elsewhere.yaml")
    with pytest.raises(UsageError, match="not overwritten"):
        write(str(tmp_path), "")


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UnfinishedError, match="cannot write"):
        write(str(tmp_path / "gone"), "")
