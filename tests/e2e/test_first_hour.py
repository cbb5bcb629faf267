"""What a new user ran into: nothing judged is never clean, nothing unwritable is a traceback, no blame is misplaced."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import CLEAN_ENVIRONMENT, Repository, dataset


def run(folder: Path, *words: str, **options: object) -> subprocess.CompletedProcess[str]:
    settings = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "env": CLEAN_ENVIRONMENT, **options}
    return subprocess.run([sys.executable, "-m", "datalint", *words], cwd=folder, check=False, **settings)  # type: ignore[call-overload,no-any-return]


@pytest.mark.parametrize("kind", ["a broken link", "a pipe"])
def test_a_finding_beside_nothing_at_all_is_not_a_trainable_dataset(tmp_path: Path, kind: str) -> None:
    (tmp_path / "data/cat").mkdir(parents=True)
    if kind == "a pipe":
        os.mkfifo(tmp_path / "data/cat/x.jpg")
    else:
        (tmp_path / "data/cat/x.txt").symlink_to("nowhere")
    judged = run(tmp_path, "check", "data", "--fail-on", "never", "--ignore", "bad-file")
    assert (judged.returncode, judged.stdout) == (3, "")
    assert "no samples found in data" in judged.stderr
    assert "; `datalint check PATH` or `dataset.path` names another place\n" in judged.stderr


def test_an_empty_manifest_is_named_itself(tmp_path: Path) -> None:
    (tmp_path / "empty.csv").write_text("path,label\n")
    judged = run(tmp_path, "check", "empty.csv")
    assert judged.returncode == 3
    assert "no samples found in empty.csv (read as csv)" in judged.stderr


@pytest.mark.parametrize("words", [("rules",), ("check", "images", "-o", "json"), ("explain", "class-skew")])
def test_a_full_disk_behind_standard_output_is_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    dataset(tmp_path / "images")
    with open("/dev/full", "w") as full:
        refused = run(tmp_path, *words, stdout=full)
    assert refused.returncode == 3
    assert refused.stderr.splitlines() == ["datalint: No space left on device"]


def test_a_closed_standard_output_leaves_the_exit_code(tmp_path: Path) -> None:
    dataset(tmp_path / "images")
    (tmp_path / "images/train/cat/0.jpg").write_bytes(b"")
    closed = subprocess.run(
        ["sh", "-c", '"$0" -m datalint check images >&-', sys.executable],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        env=CLEAN_ENVIRONMENT,
    )
    assert (closed.returncode, closed.stderr) == (1, "")


@pytest.mark.parametrize("closed", ["2>&-", ">&- 2>&-", "<&- >&- 2>&-", "2>/dev/full"])
def test_nobody_who_reads_standard_error_leaves_the_exit_code(tmp_path: Path, closed: str) -> None:
    """Also where there is something to say there: a note, a mistake."""
    dataset(tmp_path / "images")
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "images"], check=True)
    (tmp_path / "datalint.yaml").write_text("dataset: {path: images}\n")
    codes = []
    for words in ("--staged -o concise", "--staged -o concise --tree HEAD"):
        command = f'"$0" -m datalint check {words} {closed}'
        codes.append(
            subprocess.run(["sh", "-c", command, sys.executable], cwd=tmp_path, check=False, env=CLEAN_ENVIRONMENT)
        )
    assert [run.returncode for run in codes] == [0, 2]


def test_an_error_that_nobody_foresaw_is_not_blocking_findings(tmp_path: Path) -> None:
    """A library that is there and does not load: Python itself would exit with 1."""
    dataset(tmp_path / "images")
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib/yaml.py").write_text("raise ImportError('libyaml.so.2: cannot open shared object file')\n")
    places = os.pathsep.join(filter(None, (str(tmp_path / "lib"), CLEAN_ENVIRONMENT.get("PYTHONPATH"))))
    failed = subprocess.run(
        [sys.executable, "-m", "datalint", "check", "images"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        env={**CLEAN_ENVIRONMENT, "PYTHONPATH": places},
    )
    *_, cause, last = failed.stderr.splitlines()
    assert (failed.returncode, cause) == (3, "ImportError: libyaml.so.2: cannot open shared object file")
    assert last.startswith("datalint: no verdict: ")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (
            "training: {batch: 99999999999999999999}",
            "1:19: training.batch: 99999999999999999999 is above the maximum",
        ),
        ("targets: {me: {host_memory: 99999999 TiB}}", "1:29: targets.me.host_memory: 99999999 TiB is beyond 64 bits"),
        ("dataset: {columns: {label: a, split: a}}", "1:38: dataset.columns.split: column 'a' is the label already"),
        ("ignore: [{rule: rare-class, lable: ant, reason: x}]", "1:36: rule rare-class returns no column 'lable'"),
    ],
)
def test_what_the_schema_cannot_say_is_refused_at_its_place(tmp_path: Path, text: str, place: str) -> None:
    dataset(tmp_path / "images")
    (tmp_path / "datalint.yaml").write_text(text + "\n")
    refused = run(tmp_path, "check", "images")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"datalint: datalint.yaml:{place}")


def test_what_is_there_and_is_no_file_is_not_silently_absent(tmp_path: Path) -> None:
    dataset(tmp_path / "images")
    (tmp_path / ".datalint-baseline.jsonl").mkdir()
    refused = run(tmp_path, "check", "images")
    assert (refused.returncode, "it is not a file" in refused.stderr) == (2, True)
    (tmp_path / ".datalint-baseline.jsonl").rmdir()
    os.mkfifo(tmp_path / "datalint.yaml")
    refused = run(tmp_path, "check", "images", timeout=60)
    assert (refused.returncode, "it is not a file" in refused.stderr) == (2, True)
    (tmp_path / "datalint.yaml").unlink()
    (tmp_path / "datalint.yaml").symlink_to("nowhere")
    refused = run(tmp_path, "check", "images")
    assert (refused.returncode, "datalint.yaml:1:1: is a link to nothing" in refused.stderr) == (2, True)


def test_the_command_line_is_not_blamed_on_the_configuration(repository: Repository) -> None:
    refused = repository.datalint("check", "--select", "rare-class", "--ignore", "rare-class")
    assert (refused.returncode, refused.stderr.startswith("datalint: no rule is left to run")) == (2, True)
    refused = repository.datalint("check", "../elsewhere", "--staged")
    assert (refused.returncode, refused.stderr.startswith("datalint: the dataset '../elsewhere' lies")) == (2, True)


def test_a_rule_without_a_namespace_fails_its_test_as_it_fails_the_check(tmp_path: Path) -> None:
    (tmp_path / "ours").mkdir()
    run(tmp_path, "new-rule", "acme/plain", "--folder", "ours")
    rule = tmp_path / "ours/plain.yaml"
    assert run(tmp_path, "test", "ours").returncode == 0
    rule.write_text(rule.read_text().replace("id: acme/plain", "id: plain"))
    refused = run(tmp_path, "test", "ours")
    assert refused.returncode == 2
    assert "plain.yaml:1:5" in refused.stderr


def test_explain_proposes_an_ignore_that_can_match(tmp_path: Path) -> None:
    assert '{rule: rare-class, label: "...", reason: "..."}' in run(tmp_path, "explain", "rare-class").stdout
    assert '{rule: damaged-image, path: "...", reason: "..."}' in run(tmp_path, "explain", "damaged-image").stdout


def test_findings_without_a_path_keep_the_order_of_their_query(tmp_path: Path) -> None:
    """`rare-class` names the rarest first."""
    for number, label in enumerate(("zebra", "ant", "mole", "bee")):
        for index in range(number + 1):
            path = tmp_path / f"images/{label}/{index}.jpg"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    judged = run(tmp_path, "check", "images", "--select", "rare-class", "-o", "concise")
    assert [line.split("'")[1] for line in judged.stdout.splitlines() if "rare-class" in line] == [
        "zebra",
        "ant",
        "mole",
        "bee",
    ]


def test_a_pipe_hears_that_the_configuration_was_not_read(repository: Repository) -> None:
    repository.git("rm", "-q", "--cached", "datalint.yaml")
    judged = repository.datalint("check", "images", "--staged", "-o", "concise")
    assert "datalint: datalint.yaml is not in the index and was not read" in judged.stderr


def test_a_name_that_is_not_utf8_is_called_that(tmp_path: Path) -> None:
    dataset(tmp_path / "images")
    source = tmp_path / "images/train/cat/0000.jpg"
    Path(os.fsdecode(os.fsencode(source.parent) + b"/\xe9.jpg")).write_bytes(source.read_bytes())
    judged = run(tmp_path, "check", "images", "--select", "path-not-utf8", "-o", "concise")
    assert "bytes in its path that are not UTF-8" in judged.stdout


def test_a_severity_that_does_not_exist_fails_the_rule_s_own_test(tmp_path: Path) -> None:
    run(tmp_path, "new-rule", "acme/plain", "--folder", "ours")
    rule = tmp_path / "ours/plain.yaml"
    rule.write_text(
        rule.read_text().replace("select path, width, height", "select path, width, height, 'eror' as severity")
    )
    tested = run(tmp_path, "test", "ours")
    assert tested.returncode == 1
    assert "row 1, severity: 'eror' is no severity" in tested.stdout


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("{path: labels.csv, format: cvs}", "1:37: unknown dataset format 'cvs'"),
        ("{path: labels.csv, columns: {label: labl}}", "1:46: labels.csv has no column 'labl'"),
        ("{path: images, format: csv}", "1:33: no manifest images"),
        ("{path: labels.csv, format: imagefolder}", "1:37: labels.csv is a file, not a folder: its format is csv"),
    ],
)
def test_a_dataset_that_is_not_as_configured_is_refused_at_its_place(tmp_path: Path, text: str, place: str) -> None:
    dataset(tmp_path / "images")
    (tmp_path / "labels.csv").write_text("path,label\nimages/train/cat/0000.jpg,cat\n")
    (tmp_path / "datalint.yaml").write_text(f"dataset: {text}\n")
    refused = run(tmp_path, "check")
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"datalint: datalint.yaml:{place}")


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("images/train/cat/0000.jpg", "a file, not a folder: one image is no dataset"),
        ("images/notes.json", "a file, not a folder, and none of those that are a dataset: a table (.csv, "),
        ("images/notes.txt", "a file, not a folder, and none of those that are a dataset: a table (.csv, "),
    ],
)
def test_a_file_that_is_no_dataset_is_called_what_it_is(tmp_path: Path, path: str, words: str) -> None:
    dataset(tmp_path / "images")
    for name in ("json", "txt"):
        (tmp_path / f"images/notes.{name}").write_text("{}")
    refused = run(tmp_path, "check", path)
    assert refused.returncode == 2
    assert refused.stderr.startswith(f"datalint: {path} is {words}")
    assert f"name the folder that holds it: {path.rpartition('/')[0]}" in refused.stderr


def test_a_format_of_the_command_line_is_not_blamed_on_the_configuration(tmp_path: Path) -> None:
    dataset(tmp_path / "images")
    (tmp_path / "datalint.yaml").write_text("dataset: {path: images, format: imagefolder}\n")
    refused = run(tmp_path, "check", "--format", "csv")
    assert (refused.returncode, refused.stderr) == (2, "datalint: no manifest images: it holds no csv file\n")


def test_names_are_utf_8_whatever_the_locale_says(tmp_path: Path) -> None:
    """A locale in ASCII, as cron jobs and old clusters have it; Python's own way out (PEP 540) is switched off."""
    folder = tmp_path / "bücher"
    dataset(folder / "bilder für katzen")
    (folder / "bilder für katzen/train/cat/é.jpg").write_bytes(b"")
    (folder / "datalint.yaml").write_text("dataset: {path: bilder für katzen}\n", "utf-8")
    told = []
    for locale in ({"LC_ALL": "C", "PYTHONUTF8": "0"}, {"LC_ALL": "C.UTF-8"}):
        judged = run(folder, "check", "-o", "json", env={**CLEAN_ENVIRONMENT, **locale})
        assert judged.returncode == 1, judged.stderr
        told.append([(item["rule"], item["path"]) for item in json.loads(judged.stdout)["findings"]])
    assert told[0] == told[1]
    assert ("empty-file", "bilder für katzen/train/cat/é.jpg") in told[0]
    assert "path-not-utf8" not in [rule for rule, _ in told[0]]
