"""The commands as a person uses them: first rule, baseline, ignores, facts, hook, init."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys

import pytest

from tests.e2e.conftest import CONFIG, Repository, picture


def found(repository: Repository, *words: str) -> list[tuple[str, str | None]]:
    """Rule and path of every finding; the exit code must be 0 or 1."""
    process = repository.datalint("check", "-o", "json", *words)
    assert process.returncode in (0, 1), process.stderr
    return [(item["rule"], item["path"]) for item in json.loads(process.stdout)["findings"]]


def break_one(repository: Repository, name: str = "images/train/cat/broken.jpg") -> None:
    path = picture(repository.folder / name, sum(name.encode()))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 3 // 4])


def test_a_trainable_dataset_is_called_trainable(repository: Repository) -> None:
    process = repository.datalint("check", "-o", "text")
    assert process.returncode == 0
    assert process.stdout.startswith("TRAINABLE  images (32 images, 2 classes, 2 splits) on ")


def test_exit_code_does_not_depend_on_the_format(repository: Repository) -> None:
    break_one(repository)
    codes = {name: repository.datalint("check", "-o", name).returncode for name in ("text", "concise", "json", "jsonl")}
    assert set(codes.values()) == {1}
    assert repository.datalint("check", "--fail-on", "never").returncode == 0


def test_a_folder_without_samples_is_not_clean(repository: Repository) -> None:
    (repository.folder / "empty").mkdir()
    process = repository.datalint("check", "empty")
    assert process.returncode == 3
    assert "no samples" in process.stderr


def test_a_first_rule_from_the_template_works_as_the_page_says(repository: Repository) -> None:
    assert repository.datalint("new-rule", "acme/min-side", ok=True).returncode == 0
    tested = repository.datalint("test", ".datalint/rules", ok=True)
    assert "0 failed" in tested.stdout
    path = repository.folder / ".datalint/rules/min-side.yaml"
    original = path.read_text()
    path.write_text(original.replace("a.png is 31 x 40", "a.png is 99 x 40", 1))
    failing = repository.datalint("test", ".datalint/rules")
    assert failing.returncode == 1
    assert "FAIL" in failing.stdout
    path.write_text(original)
    (repository.folder / "datalint.yaml").write_text(CONFIG.replace("{settings", "{paths: [.datalint/rules], settings"))
    assert repository.datalint("check", ok=True).returncode == 0
    listed = repository.datalint("rules", "-o", "json", ok=True)
    assert "acme/min-side" in {rule["id"] for rule in json.loads(listed.stdout)}
    assert "acme/min-side" in repository.datalint("explain", "acme/min-side", ok=True).stdout


def test_baseline_accepts_what_is_there_and_blocks_what_comes(repository: Repository) -> None:
    break_one(repository)
    assert repository.datalint("check", "--write-baseline").returncode == 0
    assert repository.datalint("check").returncode == 0
    break_one(repository, "images/train/dog/second.jpg")
    assert found(repository) == [("truncated-image", "images/train/dog/second.jpg")]
    (repository.folder / "images/train/cat/broken.jpg").unlink()
    (repository.folder / "images/train/dog/second.jpg").unlink()
    repository.datalint("check", "--prune-baseline", ok=True)
    assert (repository.folder / ".datalint-baseline.jsonl").read_text() == ""


def test_an_ignore_needs_its_reason_and_counts_in_the_summary(repository: Repository) -> None:
    break_one(repository)
    entry = 'ignore:\n  - {rule: truncated-image, path: "images/train/cat/**", reason: made for the test}\n'
    (repository.folder / "datalint.yaml").write_text(CONFIG + entry)
    process = repository.datalint("check", "-o", "json", ok=True)
    assert json.loads(process.stdout)["summary"]["ignored"] == 1
    assert ("truncated-image", "images/train/cat/broken.jpg") in found(repository, "--no-ignores")


def test_facts_show_the_tables(repository: Repository) -> None:
    process = repository.datalint(
        "facts", "--sql", "select split, count(*) as n from samples group by split order by n", ok=True
    )
    assert list(csv.reader(io.StringIO(process.stdout))) == [["split", "n"], ["val", "8"], ["train", "24"]]
    lines = repository.datalint("facts", "-o", "jsonl", ok=True).stdout.splitlines()
    assert len(lines) == 32
    assert json.loads(lines[0])["status"] == "ok"
    repository.datalint("facts", "-o", "parquet=facts.parquet", ok=True)
    assert (repository.folder / "facts.parquet").read_bytes()[:4] == b"PAR1"


def test_a_query_of_nothing_is_wrong_usage(repository: Repository) -> None:
    refused = repository.datalint("facts", "--sql", " ")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "the query is empty" in refused.stderr


def test_facts_show_what_a_manifest_has_besides(repository: Repository) -> None:
    rows = "path,label,split,patient_id,age,width\nimages/train/cat/0000.jpg,cat,train,p1,61,w\n"
    (repository.folder / "list.csv").write_text(rows)
    [row] = csv.DictReader(io.StringIO(repository.datalint("facts", "list.csv", ok=True).stdout))
    assert (row["group_key"], row["age"], row["width"], row["width (manifest)"]) == ("p1", "61", "64", "w")


def test_a_warm_run_reads_nothing(repository: Repository) -> None:
    repository.datalint("check", ok=True)
    again = json.loads(repository.datalint("check", "-o", "json", ok=True).stdout)["summary"]
    assert (again["files"], again["cached"]) == (32, 32)


def test_installed_hook_blocks_and_is_never_overwritten(repository: Repository) -> None:
    repository.datalint("install-hook", ok=True)
    break_one(repository)
    repository.git("add", ".")
    assert repository.commit(ok=False).returncode == 1
    hook = repository.folder / ".git/hooks/pre-commit"
    hook.write_text("#!/bin/sh\nexit 0\n")
    refused = repository.datalint("install-hook")
    assert refused.returncode == 2
    assert hook.read_text() == "#!/bin/sh\nexit 0\n"


def test_init_at_the_top_of_a_repository_proposes_the_folder_that_holds_the_classes(repository: Repository) -> None:
    (repository.folder / "datalint.yaml").unlink()
    (repository.folder / "src").mkdir()
    (repository.folder / "src/train.py").touch()
    repository.datalint("init", ok=True)
    text = (repository.folder / "datalint.yaml").read_text()
    assert '  path: "images"\n' in text
    assert "# splits: train (24), val (8)" in text
    assert "# 2 classes: cat (16), dog (16)" in text
    assert repository.datalint("check").returncode == 0


def test_init_does_not_look_for_classes_within_another_format(repository: Repository) -> None:
    (repository.folder / "datalint.yaml").unlink()
    for path in sorted((repository.folder / "images").rglob("*.jpg")):
        label = repository.folder / "labels" / path.relative_to(repository.folder / "images").with_suffix(".txt")
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("0 0.5 0.5 0.2 0.2\n")
    told = repository.datalint("init")
    assert told.returncode == 0
    written = (repository.folder / "datalint.yaml").read_text()
    assert 'format: "yolo"' in written


def test_init_writes_a_configuration_that_loads_and_overwrites_none(repository: Repository) -> None:
    (repository.folder / "datalint.yaml").unlink()
    repository.datalint("init", "images", ok=True)
    assert repository.datalint("check", "--ignore", "rare-class", ok=True).returncode == 0
    assert repository.datalint("init", "images").returncode == 2


def test_init_takes_the_rules_that_are_there_already(repository: Repository) -> None:
    def selected() -> int:
        (repository.folder / "datalint.yaml").unlink()
        repository.datalint("init", "images", ok=True)
        return repository.datalint("check", "--select", "acme/").returncode

    assert selected() == 2, "there are none"
    repository.datalint("new-rule", "acme/min-side", ok=True)
    assert selected() == 0


def test_staged_judges_the_configuration_in_the_index(repository: Repository) -> None:
    break_one(repository)
    repository.git("add", ".")
    (repository.folder / "datalint.yaml").write_text(
        CONFIG.replace("rare-class: off", "rare-class: off, truncated-image: off")
    )
    refused = repository.datalint("check", "--staged", "-o", "text")
    assert refused.returncode == 1
    assert "datalint.yaml has changes that are not staged" in refused.stdout
    repository.git("add", "datalint.yaml")
    assert repository.datalint("check", "--staged").returncode == 0


def test_staged_says_that_an_untracked_configuration_does_not_count(repository: Repository) -> None:
    repository.git("rm", "-q", "--cached", "datalint.yaml")
    repository.commit("forgotten")
    assert (
        "datalint.yaml is not in the index" in repository.datalint("check", "images", "--staged", "-o", "text").stdout
    )
    (repository.folder / "datalint.yaml").unlink()
    assert "not in the index" not in repository.datalint("check", "images", "--staged", "-o", "text").stdout


def test_tree_judges_a_commit(repository: Repository) -> None:
    break_one(repository)
    repository.git("add", ".")
    repository.commit("broken")
    assert repository.datalint("check", "--tree", "HEAD").returncode == 1
    assert repository.datalint("check", "--tree", "HEAD~1").returncode == 0


def test_rules_are_explained_where_there_is_no_dataset_yet(repository: Repository) -> None:
    (repository.folder / "datalint.yaml").write_text(CONFIG.replace("path: images", "path: not/there"))
    assert repository.datalint("check").returncode == 2
    assert "removed-class" in repository.datalint("rules", ok=True).stdout
    assert repository.datalint("explain", "removed-class", ok=True).stdout.startswith("removed-class: ")


HEAVY = ("numpy", "duckdb", "PIL", "simplejpeg", "rich", "yaml")


@pytest.mark.parametrize("change", ["nothing", "another file"])
def test_an_unchanged_index_is_answered_without_heavy_modules(repository: Repository, change: str) -> None:
    first = repository.datalint("check", "--staged", "-o", "json", ok=True)
    if change == "another file":
        (repository.folder / "notes.txt").write_text("hello")
        repository.git("add", "notes.txt")
    code = (
        "import sys; from datalint.cli import main; code = main(['check', '--staged', '-o', 'json']); "
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    again = repository.run(sys.executable, "-c", code, ok=True)
    assert again.stderr.strip() == "[]"
    assert json.loads(again.stdout)["findings"] == json.loads(first.stdout)["findings"]


def test_a_changed_rule_of_ones_own_is_judged_again(repository: Repository) -> None:
    repository.datalint("check", "--staged", ok=True)
    (repository.folder / "datalint.yaml").write_text(CONFIG + "fail_on: warning\n")
    break_one(repository)
    repository.git("add", ".")
    assert repository.datalint("check", "--staged").returncode == 1


def test_a_reader_that_leaves_early_is_no_traceback(repository: Repository) -> None:
    process = subprocess.run(
        f"{sys.executable} -m datalint facts | head -n 1",
        shell=True,
        cwd=repository.folder,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ},
    )
    assert "Traceback" not in process.stderr
    assert len(process.stdout.splitlines()) == 1
