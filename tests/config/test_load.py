"""Reading datalint.yaml and [tool.datalint]: values, defaults, and errors with their place."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from datalint import config
from datalint.errors import UsageError
from datalint.finding import Severity
from datalint.tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path


def load(text: str, name: str = "datalint.yaml") -> config.Config:
    return config.load({name: text.encode()}.get)


def error(text: str, name: str = "datalint.yaml") -> UsageError:
    with pytest.raises(UsageError) as caught:
        load(text, name)
    return caught.value


FULL = """\
dataset: {path: images, format: csv, root: data, columns: {label: klass, group: patient}}
training:
  loader: files
  image_size: [224, 192]
  channels: original
  batch: 16
target: t4
targets:
  t4: {host_memory: 16 GiB, cores: 4}
rules:
  select: [killed, acme/]
  ignore: [slow]
  paths: [.datalint/rules]
  settings:
    class-skew: {max_ratio: 50, severity: error}
    animated-image: off
    cmyk: info
ignore:
  - {rule: class-skew, label: platypus, reason: rare, until: 2026-12-31}
  - {rule: damaged-image, path: "negatives/**", reason: on purpose}
fail_on: warning
baseline: known.jsonl
"""
FULL_TOML = """\
[project]
name = "x"

[tool.datalint]
target = "t4"
fail_on = "warning"
baseline = "known.jsonl"
dataset = {path = "images", format = "csv", root = "data", columns = {label = "klass", group = "patient"}}

[tool.datalint.training]
loader = "files"
image_size = [224, 192]
channels = "original"
batch = 16

[tool.datalint.targets]
t4 = {host_memory = "16 GiB", cores = 4}

[tool.datalint.rules]
select = ["killed", "acme/"]
ignore = ["slow"]
paths = [".datalint/rules"]

[tool.datalint.rules.settings]
class-skew = {max_ratio = 50, severity = "error"}
animated-image = false
cmyk = "info"

[[tool.datalint.ignore]]
rule = "class-skew"
label = "platypus"
reason = "rare"
until = 2026-12-31

[[tool.datalint.ignore]]
rule = "damaged-image"
path = "negatives/**"
reason = "on purpose"
"""


@pytest.mark.parametrize(("name", "text"), [("datalint.yaml", FULL), ("pyproject.toml", FULL_TOML)])
def test_both_languages_say_the_same(name: str, text: str) -> None:
    loaded = load(text, name)
    assert loaded.dataset.columns == {"label": "klass", "group": "patient"}
    assert (loaded.dataset.path, loaded.dataset.format, loaded.dataset.root) == ("images", "csv", "data")
    assert (loaded.training.input_height, loaded.training.input_width) == (224, 192)
    assert (loaded.training.input_channels, loaded.training.batch, loaded.training.declared) == (
        None,
        16,
        True,
    )
    assert (loaded.target, loaded.targets) == ("t4", {"t4": {"host_memory": "16 GiB", "cores": 4}})
    assert loaded.rules.select == ("killed", "acme/")
    assert (loaded.rules.ignore, loaded.rules.paths) == (("slow",), (".datalint/rules",))
    settings = loaded.rules.settings
    assert (settings["class-skew"].severity, settings["class-skew"].params) == (
        Severity.ERROR,
        {"max_ratio": 50},
    )
    assert settings["animated-image"].off
    assert settings["cmyk"].severity is Severity.INFO
    first, second = loaded.ignore
    assert (first.rule, first.key, first.until, first.path) == (
        "class-skew",
        {"label": "platypus"},
        date(2026, 12, 31),
        None,
    )
    assert (second.path, second.key, second.reason) == ("negatives/**", {}, "on purpose")
    assert (loaded.fail_on, loaded.baseline, loaded.file) == ("warning", "known.jsonl", name)


@pytest.mark.parametrize("text", ["", "# nothing\n", "dataset:\nignore:\nrules:\n  settings:\n  select:\n"])
def test_an_empty_file_or_section_means_the_defaults(text: str) -> None:
    loaded = load(text)
    assert (loaded.target, loaded.fail_on, loaded.rules, loaded.ignore) == (
        "local",
        "error",
        config.RulesConfig(),
        (),
    )
    assert not loaded.training.declared


def test_without_a_file_the_defaults_hold_and_have_no_place() -> None:
    loaded = config.load(lambda _: None)
    assert loaded == config.Config()
    assert loaded.file is None
    assert loaded.position("training") is None


def test_the_training_row_has_exactly_the_table_s_columns() -> None:
    row = config.Recipe().row()
    assert list(row.columns) == [column.name for column in TABLES["training"].columns]
    assert row.columns["declared"] == [False]
    assert row.columns["input_height"] == [256]


@pytest.mark.parametrize(
    ("text", "loader", "framework"),
    [
        ("{}", "image_dataset_from_directory", "keras"),
        ("{framework: pytorch}", "dataloader", "pytorch"),
        ("{loader: dataloader}", "dataloader", "pytorch"),
        ("{framework: pytorch, loader: array}", "array", "pytorch"),
    ],
)
def test_the_loader_and_the_framework_imply_each_other(text: str, loader: str, framework: str) -> None:
    training = load(f"training: {text}").training
    assert (training.loader, training.framework) == (loader, framework)


@pytest.mark.parametrize(
    ("training", "place", "words"),
    [
        ("loader: array\n  array_scale: divide_uint8", "3:16", "float64"),
        ("loader: array\n  dtype: uint8\n  array_scale: divide", "4:16", "uint8 cannot hold"),
        ("loader: files\n  array_split: copied", "3:16", "builds no array"),
        ("array_build: list", "2:16", "builds no array"),
        ("shuffle_buffer: 9\n  shuffle_stage: encoded", "3:18", "gives batches"),
        ("loader: from_tensor_slices\n  shuffle_buffer: 9\n  shuffle_stage: encoded", "4:18", "nothing encoded"),
        ("loader: array\n  shuffle_buffer: 9", "3:19", "has no buffer"),
        ("loader: files\n  shuffle: false", "3:12", "say `shuffle_buffer`"),
        ("loader: files\n  shuffle_stage: decoded", "3:18", "no shuffle buffer"),
        ("loader: array\n  cache: memory", "3:10", "no tf.data pipeline over files"),
        ("prefetch: 2\n  ram_budget: 1 GiB", "3:15", "not tuned"),
        ("shuffle_buffer: 9\n  shuffle_stage: names", "3:18", "gives batches"),
        ("loader: array\n  shuffle_stage: names", "3:18", "no names"),
        ("image_size: original", "2:15", "say their size, or say `loader: files`"),
        ("loader: image_dataset_from_directory\n  channels: original", "3:13", "say 1, 3 or 4, or say `loader: files`"),
    ],
)
def test_a_recipe_that_cannot_be_is_refused_at_its_place(training: str, place: str, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        load(f"training:\n  {training}")
    assert str(caught.value).startswith(f"datalint.yaml:{place}: training.")


def test_auto_and_sizes_are_read() -> None:
    training = load("training: {prefetch: auto, ram_budget: 2 GiB, parallel_calls: 4.0}").training
    assert (training.prefetch, training.ram_budget, training.parallel_calls) == (None, 2 * 2**30, 4)
    assert load("training: {prefetch: 0, parallel_calls: auto}").training.prefetch == 0


@pytest.mark.parametrize(("size", "height", "width"), [("64", 64, 64), ("original", None, None), ("[3, 4]", 3, 4)])
def test_an_image_size_has_three_forms(size: str, height: int | None, width: int | None) -> None:
    training = load(f"training: {{loader: files, image_size: {size}}}").training
    assert (training.input_height, training.input_width) == (height, width)


@pytest.mark.parametrize(
    ("text", "place", "message", "hint"),
    [
        ("datset: {}", "1:1", "unknown key 'datset'", "did you mean 'dataset'?"),
        ("dataset:\n  pth: x", "2:3", "dataset: unknown key 'pth'", "did you mean 'path'?"),
        ("training:\n  batch: 0", "2:10", "training.batch: 0 is below the minimum 1", ""),
        ("training:\n  batch: '8'", "2:10", 'training.batch: expected a whole number, got "8"', ""),
        ("training:\n  batch: true", "2:10", "training.batch: expected a whole number, got true", ""),
        ("training: {image_size: [1]}", "1:24", "training.image_size: expected 2 values, got 1", ""),
        ("training: {image_size: [1, 0]}", "1:28", "training.image_size[1]: 0 is below the minimum 1", ""),
        ("training: {validation_split: 1}", "1:30", "training.validation_split: 1 must be below 1", ""),
        ("training: {validation_split: 0}", "1:30", "training.validation_split: 0 must be above 0", ""),
        ("fail_on: ERROR", "1:10", 'fail_on: expected error or warning or never, got "ERROR"', "did you mean 'error'?"),
        (
            "fail_on: eror",
            "1:10",
            'fail_on: expected error or warning or never, got "eror"',
            "did you mean 'error'?",
        ),
        ("target: ''", "1:9", "target: expected text, got nothing", ""),
        ("targets: {a: {cores: 1}}", "1:14", "targets.a: expected host_memory or accelerator_memory", ""),
        ("targets: {a: {host_memory: 3 gb}}", "1:28", 'targets.a.host_memory: "3 gb" is not understood', ""),
        ("ignore:\n  - rule: x", "2:5", "ignore[0]: missing key 'reason'", ""),
        ("ignore:\n  - {rule: x, reason: ''}", "2:23", "ignore[0].reason: expected text, got nothing", ""),
        (
            "ignore: [{rule: x, reason: y, until: 2026-02-30}]",
            "1:38",
            "ignore[0].until: 2026-02-30 is not a day",
            "",
        ),
        (
            "ignore: [{rule: x, reason: y, until: soon}]",
            "1:38",
            'ignore[0].until: "soon" is not understood',
            "",
        ),
        ("ignore: [{rule: x, reason: y, path: '!a'}]", "1:37", 'ignore[0].path: "!a" is not understood', ""),
        (
            "rules: {settings: {a: of}}",
            "1:23",
            "rules.settings.a: expected off or error",
            "did you mean 'off'?",
        ),
        ("rules: {settings: {a: {p: {}}}}", "1:27", "rules.settings.a.p: expected text or a number", ""),
        ("rules: {select: all}", "1:17", 'rules.select: expected a list, got "all"', ""),
        ("- 1", "1:1", "expected a mapping, got [1]", ""),
        ("1: x", "1:1", "expected text as a key, got 1", ""),
        ("target: a\ntarget: b", "2:1", "duplicate key 'target'", ""),
        ("target: &a b", "1:9", "", ""),
        ("target: 'b", "1:11", "", ""),
    ],
)
def test_a_mistake_is_reported_where_it_stands(text: str, place: str, message: str, hint: str) -> None:
    caught = error(text)
    assert str(caught.position) == f"datalint.yaml:{place}"
    assert caught.message.startswith(message)
    assert caught.hint == hint or (not hint)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("[tool.datalint]\ntarget = 1\n", "2:10", "target: expected text, got 1"),
        ("[tool.datalint.training]\n  batch = 0\n", "2:11", "training.batch: 0 is below"),
        ("[tool.datalint]\ntraining.batch = 0\n", "2:18", "training.batch: 0 is below"),
        ("[tool.datalint]\n\n[tool.datalint.trainin]\nbatch = 1\n", "3:2", "unknown key 'trainin'"),
        (
            "[[tool.datalint.ignore]]\nrule='a'\nreason='b'\n[[tool.datalint.ignore]]\nrule='c'\n",
            "4:3",
            "ignore[1]: missing",
        ),
        ("[tool.datalint]\ndataset = {path = 1}\n", "2:19", "dataset.path: expected text"),
        ("[tool.datalint]\nbaseline = '''\ntarget = 3\n'''\ntarget = 4\n", "5:10", "target: expected text"),
        ("[tool.datalint]\ntarget = \n", "2:10", "invalid value"),
        ("[tool.datalint]\ntarget = 'a'\ntarget = 'b'\n", "3:13", "cannot overwrite a value"),
        ("[tool.datalint]\ntarget = [\n", "3:1", "invalid value"),
        ("[tool.datalint]\nbaseline = 12:30:00\n", "2:12", "baseline: expected text"),
        ("[tool.datalint.rules]\npaths = [\n  'a', # ]\n  3,\n]\n", "4:3", "rules.paths[1]: expected text"),
        ('[tool.datalint.rules]\nselect = [\'a,]\',\n  "b\\"]", [1]]\n', "3:11", "rules.select[2]: expected text"),
        (
            "[tool.datalint]\nignore = [\n  {rule = 'a', reason = 'b'},\n  {rule = 'c',\treason = 5},\n]\n",
            "4:25",
            "ignore[1].reason: expected text",
        ),
        ("[tool.datalint]\nignore = [{rule = 'a', reason = 'b'},\n  {rule = 'c'}]\n", "3:3", "ignore[1]: missing"),
        ("[tool.datalint.targets]\n\"a b\".cores = 'x'\n", "2:15", "targets.a b.cores: expected"),
        ('[tool.datalint]\nbaseline = """a\\"""""\ntarget = 4\n', "3:10", "target: expected text"),
        ("[tool.datalint]\nx = [ '''\nno = 3''' ]\n", "2:1", "unknown key 'x'"),
    ],
)
def test_toml_mistakes_have_their_line(text: str, place: str, message: str) -> None:
    caught = error(text, "pyproject.toml")
    assert str(caught.position) == f"pyproject.toml:{place}"
    assert caught.message.startswith(message)


@pytest.mark.parametrize(
    ("name", "content", "place"),
    [
        ("datalint.yaml", b"# ok\nx: \xff", "2:4"),
        ("datalint.yaml", "\ufeffä: ".encode() + b"\xff", "1:4"),
        ("pyproject.toml", b"[tool.datalint]\n# \xc3\xa4\nx = '\xff'", "3:6"),
    ],
)
def test_bytes_that_are_not_utf8_have_their_place(name: str, content: bytes, place: str) -> None:
    with pytest.raises(UsageError) as caught:
        config.load({name: content}.get)
    assert str(caught.value) == f"{name}:{place}: byte 0xff is not UTF-8"


@pytest.mark.parametrize(("name", "text"), [("datalint.yaml", "target: a"), ("pyproject.toml", FULL_TOML)])
def test_a_byte_order_mark_does_not_matter(name: str, text: str) -> None:
    assert load("\ufeff" + text, name).target == load(text, name).target


def test_two_configurations_are_an_error_not_a_precedence() -> None:
    files = {"datalint.yaml": b"", "pyproject.toml": b"[tool.datalint]\n"}
    with pytest.raises(UsageError, match="both present"):
        config.load(files.get)


def test_a_pyproject_without_our_table_is_not_a_configuration() -> None:
    files = {"pyproject.toml": b"[project]\nname = 'datalint-user'\n"}
    assert not config.present(files.get)
    assert config.load(files.get) == config.Config()
    assert config.load({**files, "datalint.yaml": b"target: a"}.get).target == "a"


def test_a_broken_pyproject_counts_only_when_it_is_ours() -> None:
    assert not config.present({"pyproject.toml": b"datalint = [\n"}.get)
    assert config.present({"pyproject.toml": b"[tool.datalint]\nx = [\n"}.get)


def test_the_wrong_suffix_is_said() -> None:
    assert config.present({"datalint.yml": b""}.get)
    with pytest.raises(UsageError) as caught:
        config.load({"datalint.yml": b""}.get)
    assert caught.value.hint == "rename it to datalint.yaml"


def test_an_explicit_file_is_the_only_one_read() -> None:
    files = {
        "datalint.yaml": b"target: a",
        "ci.yaml": b"target: b",
        "ci.toml": b"[tool.datalint]\ntarget = 'c'",
    }
    assert config.load(files.get, explicit="ci.yaml").target == "b"
    assert config.load(files.get, explicit="ci.toml").target == "c"
    with pytest.raises(UsageError, match=r"no configuration file gone\.yaml"):
        config.load(files.get, explicit="gone.yaml")
    with pytest.raises(UsageError, match=r"ci\.toml:1:1: has no table"):
        config.load({"ci.toml": b""}.get, explicit="ci.toml")


def test_the_home_is_the_nearest_folder_up_to_the_git_root(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    deep = root / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "datalint.yaml").touch()
    assert config.find_home(str(deep)) == str(deep), "outside git only the folder itself"
    (root / ".git").touch()
    assert config.find_home(str(deep)) == str(deep), "above the git root nothing is read"
    (root / "datalint.yaml").touch()
    assert config.find_home(str(deep)) == str(root)
    (root / "a" / "pyproject.toml").write_text("[tool.datalint]\n")
    assert config.find_home(str(deep)) == str(root / "a")
    assert config.find_home(str(deep), explicit=str(tmp_path / "x.yaml")) == str(tmp_path)


def test_a_configuration_that_is_a_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "datalint.yaml").mkdir()
    with pytest.raises(UsageError, match="cannot read"):
        config.find_home(str(tmp_path))


def test_positions_of_values_are_kept() -> None:
    loaded = load(FULL)
    assert str(loaded.position("target")) == "datalint.yaml:7:9"
    assert str(loaded.dataset.position) == "datalint.yaml:1:17"
    assert str(loaded.ignore[1].position) == "datalint.yaml:20:5"
    assert str(loaded.rules.settings["cmyk"].position) == "datalint.yaml:17:5"
    assert str(loaded.position("rules", "settings", "class-skew", "nothing")) == "datalint.yaml:15:5"
    assert str(loaded.position("fail_on", "x", 3)) == "datalint.yaml:21:1"
    assert str(loaded.position("nowhere")) == "datalint.yaml:1:1"


@pytest.mark.parametrize(
    "text",
    [
        "training: {batch: " + "9" * 5000 + "}",
        "target: " + "[" * 3000,
        "target: \x00",
        "? [a]\n: b",
        "target: !!python/name:os.system x",
        "target: *a",
        "{a: {a: {a: [}}}",
        "a\n---\nb",
        "\ttarget: a",
        "training: {batch: .inf}",
        "training: {validation_split: .nan}",
    ],
)
def test_hostile_yaml_is_a_usage_error(text: str) -> None:
    assert error("training: {batch: 1}\n" + text if text.startswith("?") else text).position is not None


@pytest.mark.parametrize("text", ["x = " + "9" * 5000, "x = " + "[" * 3000, "x = \x00", "x = inf", "x.y.z = {}"])
def test_hostile_toml_is_a_usage_error(text: str) -> None:
    assert error(f"[tool.datalint]\n{text}\n", "pyproject.toml").position is not None


def test_only_numbers_truth_and_nothing_are_not_text() -> None:
    loaded = load(
        "rules: {settings: {a: {a: no, b: 1_000, c: 12:30, d: 2020-01-01, e: 017, f: 1e3, g: 2., h: -.5, i: true}}}"
    )
    assert loaded.rules.settings["a"].params == {
        "a": "no",
        "b": "1_000",
        "c": "12:30",
        "d": "2020-01-01",
        "e": "017",
        "f": 1000.0,
        "g": 2.0,
        "h": -0.5,
        "i": True,
    }
