"""`--policy-from`: a change that weakens its own gate is judged by the policy that it would replace."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

import pytest

from datalint.cli import main
from datalint.drift import findings
from datalint.request import Request
from datalint.workspace import open_workspace
from tests.e2e.conftest import CLEAN_ENVIRONMENT, CONFIG, Repository, dataset, picture
from tests.e2e.test_changes import FORGERY

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RULE = """\
id: acme/tiny
title: Image is smaller than our backbone's input
family: misled
severity: error
docs: Smaller images were upscaled, and the backbone learnt the blur of it.
params: {side: {type: integer, default: 48, min: 1, doc: shortest side in pixels}}
sql: select path, width from files where width < $side
message: "{path} is {width} pixels wide"
remedy: leave it out
key: [path]
tests:
  - {name: small, given: {files: [{path: a.jpg, width: 47}]}, expect: [{path: a.jpg}]}
  - {name: large, given: {files: [{path: a.jpg, width: 48}]}, expect: []}
"""
PATHS = "paths: [.datalint/rules]"
CHOSEN = "select: [acme/tiny, truncated-image]"
POLICY = CONFIG.replace("rules: {", f"rules: {{{PATHS}, {CHOSEN}, ")
RULE_FILE = ".datalint/rules/tiny.yaml"
BASELINE = ".datalint-baseline.jsonl"
IMAGE = "images/train/cat/broken.jpg"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """Branch main has a policy, and topic adds the one image that it refuses."""
    made = Repository(tmp_path_factory.mktemp("policy"))
    made.git("init", "-q", "-b", "main")
    for folder in ("images", "clean"):
        dataset(made.folder / folder, per_class=4, validation=2)
    (made.folder / "datalint.yaml").write_text(POLICY)
    (made.folder / ".datalint/rules").mkdir(parents=True)
    (made.folder / RULE_FILE).write_text(RULE)
    made.git("add", ".")
    made.commit("policy")
    made.git("switch", "-qc", "topic")
    picture(made.folder / IMAGE, 999, size=40)
    made.git("add", ".")
    made.commit("a tiny image")
    made.git("tag", "start")
    return made


@pytest.fixture
def change(shared: Repository, monkeypatch: pytest.MonkeyPatch) -> Repository:
    """The working directory, as the branch topic has it."""
    monkeypatch.chdir(shared.folder)
    for name in os.environ.keys() - CLEAN_ENVIRONMENT.keys():
        monkeypatch.delenv(name)
    shared.git("checkout", "-qfB", "topic", "start")
    shared.git("clean", "-qfd")  # but for the cache
    return shared


Told = tuple[int, dict[str, Any]]


@pytest.fixture
def ask(capsys: pytest.CaptureFixture[str]) -> Callable[..., Told]:
    """Exit code and report of a check in this process."""

    def asked(*words: str) -> Told:
        code = main(["check", "-o", "json", "--workers", "1", *words])
        out, error = capsys.readouterr()
        return code, json.loads(out) if out else {"error": error}

    return asked


def edit(name: str, old: str, new: str) -> Callable[[Path], None]:
    def edited(folder: Path) -> None:
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return edited


def say(name: str, text: str) -> Callable[[Path], None]:
    def said(folder: Path) -> None:
        with (folder / name).open("a") as file:
            file.write(text)

    return said


def accept(folder: Path) -> None:
    assert main(["check", "--write-baseline", "-o", "concise"]) == 0
    assert (folder / BASELINE).exists()


def swap(folder: Path) -> None:
    accept(folder)
    (folder / BASELINE).rename(folder / "other.jsonl")
    say("datalint.yaml", "baseline: other.jsonl\n")(folder)


def delete(folder: Path) -> None:
    (folder / RULE_FILE).unlink()
    edit("datalint.yaml", f"{PATHS}, {CHOSEN}", "select: [truncated-image]")(folder)


def to_pyproject(folder: Path) -> None:
    (folder / "datalint.yaml").unlink()
    (folder / "pyproject.toml").write_text(
        '[tool.datalint]\ndataset = {path = "clean"}\nrules = {select = ["truncated-image"]}\n'
    )


WEAKER = {
    "threshold": (
        edit("datalint.yaml", "settings: {", "settings: {acme/tiny: {side: 1}, "),
        ["datalint.yaml differs from main, which counts: rules.settings.acme/tiny (new, {\"side\": 1})"],
    ),
    "off": (
        edit("datalint.yaml", "rare-class: off", "rare-class: off, acme/tiny: info"),
        ['datalint.yaml differs from main, which counts: rules.settings.acme/tiny (new, "info")'],
    ),
    "fail_on": (
        say("datalint.yaml", "fail_on: never\n"),
        ['datalint.yaml differs from main, which counts: fail_on (new, "never")'],
    ),
    "ignore": (
        say("datalint.yaml", "ignore: [{rule: acme/tiny, reason: it is fine}]\n"),
        ["datalint.yaml differs from main, which counts: ignore of acme/tiny (new)"],
    ),
    "ignore by path": (
        say("datalint.yaml", "ignore: [{rule: acme/tiny, path: 'images/train/**', reason: it is fine}]\n"),
        ["datalint.yaml differs from main, which counts: ignore of acme/tiny (new)"],
    ),
    "selection": (
        edit("datalint.yaml", CHOSEN, "select: [truncated-image]"),
        [
            'datalint.yaml differs from main, which counts: rules.select '
            '(["acme/tiny", "truncated-image"] -> ["truncated-image"])'
        ],
    ),
    "left out": (
        edit("datalint.yaml", CHOSEN, f"{CHOSEN}, ignore: [acme/tiny]"),
        ['datalint.yaml differs from main, which counts: rules.ignore (new, ["acme/tiny"])'],
    ),
    "edited rule": (
        edit(RULE_FILE, "default: 48", "default: 8"),
        [f"{RULE_FILE} differs from main, whose rule acme/tiny counts: params.side.default"],
    ),
    "deleted rule": (
        delete,
        [
            f"{RULE_FILE} is gone, and rule acme/tiny of main counts",
            'datalint.yaml differs from main, which counts: rules.paths (gone), '
            'rules.select (["acme/tiny", "truncated-image"] -> ["truncated-image"])',
        ],
    ),
    "longer baseline": (accept, [f"{BASELINE} accepts a finding that main does not, and that counts: acme/tiny"]),
    "other baseline": (
        swap,
        [
            'datalint.yaml differs from main, which counts: baseline (new, "other.jsonl")',
            "other.jsonl accepts a finding that main does not, and that counts: acme/tiny",
        ],
    ),
    "other dataset": (
        edit("datalint.yaml", "path: images", "path: clean"),
        ['datalint.yaml differs from main, which counts: dataset.path ("images" -> "clean")'],
    ),
    "pyproject": (
        to_pyproject,
        [
            f"{RULE_FILE} is not read by the configuration here, and rule acme/tiny of main counts",
            "datalint.yaml is no configuration any more, and that of main counts",
            "pyproject.toml does not count: main has no such configuration",
        ],
    ),
}  # fmt: skip


def drift(report: dict[str, Any]) -> list[str]:
    found = [item for item in report["findings"] if item["rule"] == "policy-changed"]
    assert {item["severity"] for item in found} <= {"warning"}
    assert all("those who own the policy" in item["remedy"] or "is meant" in item["remedy"] for item in found)
    return sorted(item["message"] for item in found)


def refused(report: dict[str, Any]) -> list[str]:
    return [item["path"] for item in report["findings"] if item["rule"] == "acme/tiny"]


@pytest.mark.parametrize("way", WEAKER)
def test_a_change_does_not_get_past_the_policy_that_it_replaces(
    way: str, change: Repository, ask: Callable[..., Told], capsys: pytest.CaptureFixture[str]
) -> None:
    weaken, said = WEAKER[way]
    weaken(change.folder)
    capsys.readouterr()
    assert ask()[0] == 0, "without the option it gets past"
    code, report = ask("--policy-from", "main")
    assert (code, refused(report), drift(report)) == (1, [IMAGE], said)


def test_a_nearer_configuration_does_not_get_past_it(
    change: Repository, ask: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    (change.folder / "images/datalint.yaml").write_text(
        "dataset: {path: ../clean}\nrules: {select: [truncated-image]}\n"
    )
    monkeypatch.chdir(change.folder / "images")
    assert ask()[0] == 0, "without the option it gets past"
    change.git("add", ".")
    change.commit("nearer")
    said = [
        f"{RULE_FILE} is not read by the configuration here, and rule acme/tiny of main counts",
        "images/datalint.yaml does not count: main has no such configuration",
    ]
    for words in ([], ["--staged"], ["--tree", "HEAD"]):
        code, report = ask("--policy-from", "main", *words)
        assert (code, refused(report), drift(report)) == (1, [IMAGE], said), words


def test_a_cache_that_comes_with_the_change_does_not_get_past_it(change: Repository, ask: Callable[..., Told]) -> None:
    shutil.rmtree(change.folder / ".datalint_cache", ignore_errors=True)
    whole = (change.folder / IMAGE).read_bytes()
    shutil.copy(change.folder / "clean/train/cat/0000.jpg", change.folder / IMAGE)
    ask("--policy-from", "main")
    (change.folder / IMAGE).write_bytes(whole)
    change.run(sys.executable, "-c", FORGERY, ok=True)
    assert ask("--policy-from", "main", "--staged")[0] == 0, "the forgery works where git does not track it"
    change.git("add", "--force", ".datalint_cache")
    for words in ([], ["--staged"]):
        code, report = ask("--policy-from", "main", *words)
        assert (code, refused(report), drift(report)) == (1, [IMAGE], [])
        assert any("is tracked by git" in note for note in report["notes"])
    shutil.rmtree(change.folder / ".datalint_cache")


def test_the_index_and_a_commit_are_judged_alike(change: Repository, ask: Callable[..., Told]) -> None:
    WEAKER["ignore"][0](change.folder)
    (change.folder / RULE_FILE).write_text(RULE.replace("default: 48", "default: 8"))
    change.git("add", ".")
    change.git("commit", "-qm", "weaker")
    change.git("tag", "-f", "weaker")
    expected = sorted([*WEAKER["ignore"][1], *WEAKER["edited rule"][1]])
    for words in (["--staged"], ["--tree", "weaker"]):
        code, report = ask("--policy-from", "main", *words)
        assert (code, refused(report), drift(report)) == (1, [IMAGE], expected)
    # What only the work tree says is not what is judged.
    change.git("reset", "-q", "--hard", "start")
    WEAKER["ignore"][0](change.folder)
    assert drift(ask("--policy-from", "main", "--staged")[1]) == []


def test_a_note_names_the_policy_and_comments_are_no_change(change: Repository, ask: Callable[..., Told]) -> None:
    for name in ("datalint.yaml", RULE_FILE):
        say(name, "# a remark\n")(change.folder)
    report = ask("--policy-from", "main")[1]
    commit = change.git("rev-parse", "--short=12", "main").stdout.strip()
    assert drift(report) == []
    assert report["notes"] == [f"the policy is that of main (commit {commit})"]


def test_what_is_stricter_does_not_count_either_and_is_said(change: Repository, ask: Callable[..., Told]) -> None:
    (change.folder / IMAGE).unlink()
    (change.folder / ".datalint/rules/more.yaml").write_text(RULE.replace("acme/tiny", "acme/huge").replace("<", ">"))
    edit("datalint.yaml", "batch: 4", "batch: 100000")(change.folder)
    code, report = ask("--policy-from", "main", "--fail-on", "error")
    assert (code, report["verdict"]) == (0, "TRAINABLE, with warnings")
    assert drift(report) == [
        ".datalint/rules/more.yaml does not count: main has no rule acme/huge",
        "datalint.yaml differs from main, which counts: training.batch (4 -> 100000)",
    ]
    (finding,) = (item for item in report["findings"] if item["path"] == "datalint.yaml")
    assert finding["line"] == 2
    assert ask("--policy-from", "main", "--fail-on", "warning")[0] == 1


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("datalint.yaml", "dataset: {path: images\n", "datalint.yaml does not load, and main counts: "),
        (RULE_FILE, "id: [\n", f"{RULE_FILE} does not count: main has no rule {RULE_FILE}"),
        (BASELINE, "<<<<<<< HEAD\n", f"{BASELINE} does not load, and the baseline of main counts: "),
    ],
)
def test_files_that_are_broken_here_are_told_and_not_used(
    name: str, text: str, said: str, change: Repository, ask: Callable[..., Told]
) -> None:
    (change.folder / name).write_text(text)
    code, report = ask("--policy-from", "main")
    assert (code, refused(report)) == (1, [IMAGE])
    assert any(message.startswith(said) for message in drift(report))


@pytest.mark.parametrize(
    ("name", "text", "place"),
    [
        ("datalint.yaml", "dataset: {path: images}\ntraning: {}\n", "broken:datalint.yaml:2:1: "),
        ("datalint.yaml", POLICY.replace("acme/tiny", "acme/tyni"), "broken:datalint.yaml:3:"),
        ("datalint.yaml", "dataset: {path: imags}\n", "broken:datalint.yaml:1:17: dataset path 'imags' does not exist"),
        (RULE_FILE, RULE.replace("width < ", "widht < "), f"broken:{RULE_FILE}:7:"),
        (BASELINE, "{}\n", f"broken:{BASELINE}:1:1: "),
    ],
)
def test_what_is_broken_there_is_wrong_usage_with_its_place(
    name: str, text: str, place: str, change: Repository, ask: Callable[..., Told]
) -> None:
    (change.folder / name).write_text(text)
    change.git("add", ".")
    change.commit("broken")
    change.git("tag", "-f", "broken")
    change.git("reset", "-q", "--hard", "start")
    code, report = ask("--policy-from", "broken")
    assert code == 2
    assert report["error"].startswith(f"datalint: {place}"), report["error"]


def test_what_the_command_line_says_wrong_about_it(
    change: Repository, ask: Callable[..., Told], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere.yaml").write_text(CONFIG)
    for words, said in {
        ("--policy-from", "origin/main"): "no commit 'origin/main'",
        ("--policy-from", ""): "no commit ''",
        ("--policy-from", "main", "--staged", "--base", "nothing"): "no commit 'nothing'",
        ("--policy-from", "main", "--config", str(tmp_path / "elsewhere.yaml")): "lies outside the repository",
        ("--policy-from", "main", "--config", "conf.yaml"): "no configuration file conf.yaml, neither here nor in main",
        ("--policy-from", "main", "--write-baseline"): "the baseline of main counts, and is not edited here",
        ("--policy-from", "main", "--prune-baseline"): "the baseline of main counts, and is not edited here",
    }.items():
        code, report = ask(*words)
        assert (code, said in report["error"]) == (2, True), (words, report)
    monkeypatch.chdir(tmp_path)
    assert "not a git repository" in ask("--policy-from", "main")[1]["error"]
    monkeypatch.chdir(change.folder)
    change.git("clone", "-q", "--depth", "1", f"file://{change.folder}", str(tmp_path / "shallow"))
    monkeypatch.chdir(tmp_path / "shallow")
    code, report = ask("--policy-from", "HEAD~1")
    assert (code, "a shallow clone may lack it" in report["error"]) == (2, True)


def test_a_repository_that_adopts_datalint_is_judged_by_the_defaults(
    change: Repository, ask: Callable[..., Told]
) -> None:
    change.git("rm", "-rq", "--cached", "datalint.yaml", ".datalint")
    change.commit("no policy yet")
    change.git("tag", "-f", "before")
    change.git("reset", "-q", "--hard", "start")
    WEAKER["fail_on"][0](change.folder)
    report = ask("--policy-from", "before", "images", "--select", "rare-class")[1]
    assert drift(report) == [
        f"{RULE_FILE} does not count: before has no rule acme/tiny",
        "datalint.yaml does not count: before has no such configuration",
    ]
    assert "which has no configuration: the built-in defaults count" in report["notes"][0]
    rules = {item["rule"] for item in report["findings"]}
    assert {"rare-class"} <= rules, "the configuration here turns it off"
    assert refused(report) == []


def test_the_environment_may_name_it_and_a_push_does_not(
    change: Repository, ask: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    WEAKER["fail_on"][0](change.folder)
    change.git("add", ".")
    change.git("commit", "-qm", "weaker")
    change.git("tag", "-f", "weaker")
    monkeypatch.setenv("PRE_COMMIT_FROM_REF", "main")
    monkeypatch.setenv("PRE_COMMIT_TO_REF", "weaker")
    assert ask("--staged")[0] == 0
    monkeypatch.setenv("DATALINT_POLICY_FROM", "main")
    assert (ask("--staged")[0], ask()[0]) == (1, 1)
    monkeypatch.setenv("DATALINT_POLICY_FROM", "")
    assert ask()[0] == 0


def test_a_verdict_is_remembered_for_the_policy_that_it_was_given_by(
    change: Repository, ask: Callable[..., Told]
) -> None:
    (change.folder / ".datalint/rules/tiny.yaml").write_text(RULE.replace("default: 48", "default: 8"))
    change.git("add", ".")
    change.git("commit", "-qm", "weaker")
    change.git("tag", "-f", "weaker")
    for _ in range(2):
        assert [ask("--staged", *words)[0] for words in ([], ["--policy-from", "main"])] == [0, 1]
    change.git("tag", "-f", "moving", "main")
    assert ask("--staged", "--policy-from", "moving")[0] == 1
    change.git("tag", "-f", "moving", "weaker")
    assert ask("--staged", "--policy-from", "moving")[0] == 0


def test_configuration_and_rules_of_a_subfolder_are_those_of_the_commit(
    change: Repository, ask: Callable[..., Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    (change.folder / "sub").mkdir()
    for name in ("datalint.yaml", ".datalint", "images"):
        change.git("mv", name, f"sub/{name}")
    change.commit("one folder down")
    change.git("tag", "-f", "deep")
    edit(f"sub/{RULE_FILE}", "default: 48", "default: 8")(change.folder)
    monkeypatch.chdir(change.folder / "sub")
    code, report = ask("--policy-from", "deep")
    assert (code, refused(report)) == (1, [IMAGE])
    assert drift(report) == [f"{RULE_FILE} differs from deep, whose rule acme/tiny counts: params.side.default"]
    monkeypatch.chdir(change.folder)
    code, report = ask("--policy-from", "deep", "--config", "sub/datalint.yaml")
    assert (code, refused(report)) == (1, [IMAGE])


def test_a_recipe_or_a_machine_that_would_fit_does_not_get_past_it(
    change: Repository, ask: Callable[..., Told]
) -> None:
    """A picture of 4096 x 4096 is 192 MiB as float32, and the machine has one GiB."""
    policy = (
        "dataset: {path: images}\n"
        "training: {loader: array, image_size: 4096, batch: 4}\n"
        "target: small\ntargets: {small: {host_memory: 1 GiB, host_used: 0 B}}\n"
        "rules: {select: [killed]}\n"
    )
    (change.folder / "datalint.yaml").write_text(policy)
    change.git("commit", "-qam", "machine")
    change.git("tag", "-f", "machine")
    for old, new, said in (
        ("image_size: 4096", "image_size: 4", "training.image_size (4096 -> 4)"),
        ("{host_memory: 1 GiB", "{host_memory: 64 GiB", 'targets.small.host_memory ("1 GiB" -> "64 GiB")'),
        ("target: small", "target: colab-free-t4", 'target ("small" -> "colab-free-t4")'),
    ):
        (change.folder / "datalint.yaml").write_text(policy.replace(old, new))
        assert ask()[0] == 0, f"without the option it gets past: {new}"
        code, report = ask("--policy-from", "machine")
        assert (code, drift(report)) == (1, [f"datalint.yaml differs from machine, which counts: {said}"])
        assert any(item["family"] == "killed" for item in report["findings"])


def test_a_lock_file_that_is_edited_unlocks_nothing(
    change: Repository, ask: Callable[..., Told], capsys: pytest.CaptureFixture[str]
) -> None:
    """What a change says of its own data counts, and is told; what is there stays locked."""
    (change.folder / IMAGE).unlink()
    chosen = "select: [lock, acme/tiny]"
    edit("datalint.yaml", CHOSEN, chosen)(change.folder)
    assert main(["lock", "--workers", "1"]) == 0
    change.git("add", ".")
    change.commit("locked")
    change.git("tag", "-f", "locked")
    lock = change.folder / "datalint.lock"
    whole = lock.read_text()
    first, second = (f"images/train/cat/{number:04}.jpg" for number in (0, 1))
    picture(change.folder / first, 500)
    (change.folder / second).unlink()
    picture(change.folder / "images/train/cat/new.jpg", 501)
    head, *lines = whole.splitlines(keepends=True)
    shorter = "".join([head, *(line for line in lines if first not in line)])
    broken = {
        "gone": (None, "is gone, and that of locked counts", [first, second, None]),
        "unlocked": (shorter, f"differs from locked: no line for {first}", [first, second, None]),
        "elsewhere": (
            whole.replace("\timages\n", "\tclean\n", 1),
            "locks clean, and that of locked, which counts, images",
            [first, second, None],
        ),
        "damaged": (f"{whole}oops\n", "does not load, and that of locked counts: not a line of", [first, second, None]),
    }
    for name, (content, said, found) in broken.items():
        lock.unlink(missing_ok=True)
        if content is not None:
            lock.write_text(content)
        code, report = ask("--policy-from", "locked")
        told = [item["path"] for item in report["findings"] if "lock" in item["rule"]]
        assert (code, sorted(told, key=str)) == (1, sorted(found, key=str)), name
        assert f"datalint.lock {said}" in drift(report)[0], name
    # Another name of its own is that of no lock which counts.
    lock.write_text(whole)
    say("datalint.yaml", "lock: other.lock\n")(change.folder)
    code, report = ask("--policy-from", "locked")
    assert (code, drift(report)) == (1, ['datalint.yaml differs from locked, which counts: lock (new, "other.lock")'])
    # A change that says what it does is told as such, and what it adds is locked.
    change.git("checkout", "-q", "locked", "--", "datalint.yaml")
    assert main(["lock", "--workers", "1"]) == 0
    capsys.readouterr()
    code, report = ask("--policy-from", "locked")
    assert (code, [item["rule"] for item in report["findings"]]) == (0, ["policy-changed"])
    (finding,) = report["findings"]
    assert finding["message"] == (f"datalint.lock differs from locked: other content of {first}, no line for {second}")
    assert "see that each is meant" in finding["remedy"]
    assert ask("--policy-from", "locked", "--fail-on", "warning")[0] == 1


def test_a_name_that_means_two_commits_is_refused(change: Repository, ask: Callable[..., Told]) -> None:
    """Who may push a tag could give it the name of the base branch: git takes the tag."""
    WEAKER["fail_on"][0](change.folder)
    change.git("commit", "-qam", "weaker")
    change.git("update-ref", "refs/remotes/origin/main", "main")
    assert ask("--policy-from", "origin/main")[0] == 1
    change.git("tag", "origin/main")
    for option in ("--policy-from", "--since"):
        code, report = ask(option, "origin/main")
        assert code == 2
        assert "'origin/main' may mean more than one commit" in report["error"]
        assert "refs/remotes/origin/main" in report["error"]
    assert ask("--policy-from", "refs/remotes/origin/main")[0] == 1
    change.git("tag", "-d", "origin/main")


def test_what_is_new_is_judged_by_the_policy_too(change: Repository, ask: Callable[..., Told]) -> None:
    for way in ("fail_on", "edited rule"):
        WEAKER[way][0](change.folder)
    change.git("add", ".")
    change.commit("weaker")
    said = sorted(message for way in ("fail_on", "edited rule") for message in WEAKER[way][1])
    assert ask("--since", "main")[0] == 0, "without the option it gets past"
    for words in ([], ["--staged"], ["--staged"], ["--tree", "topic"]):
        code, report = ask("--since", "main", "--policy-from", "main", *words)
        assert (code, refused(report), drift(report)) == (1, [IMAGE], said), words
    # The image is old where the comparison starts after it: what the policy says of itself is told all the same.
    code, report = ask("--since", "start", "--policy-from", "main")
    assert (code, refused(report), drift(report)) == (0, [], said)


def test_a_file_that_changes_how_the_folder_is_read_does_not_get_past_it(
    change: Repository, ask: Callable[..., Told]
) -> None:
    rows = [
        f"{split}/{label}/{number:04}.jpg,{'odd' if number % 2 else 'even'},{split}\n"
        for split, most in (("train", 4), ("val", 2))
        for label in ("cat", "dog")
        for number in range(most)
    ]
    (change.folder / "images/list.csv").write_text("".join(["path,label,split\n", *rows]))
    code, report = ask()
    assert (code, report["dataset"]["format"]) == (0, "csv"), "without the option it gets past"
    change.git("add", ".")
    for words in ([], ["--staged"]):
        code, report = ask("--policy-from", "main", *words)
        assert (code, report["dataset"]["format"], refused(report)) == (1, "imagefolder", [IMAGE])
        assert drift(report) == ["images looks like csv, and is read as imagefolder, as in main"]


HOSTILE = {
    "datalint.yaml": (
        "dataset: {path: images}\nrules: {paths: [../../.., /etc, images]}\n",
        "dataset: {path: images}\nbaseline: ../../../etc/passwd\nlock: /etc/passwd\n",
        "dataset: {path: images}\nbaseline: images\n",
        "- 1\n",
        "rules: {settings: {acme/tiny: {side: 1e999}}}\n",
        "a: &a [*a]\n",
        "[" * 3000,
        "\x00",
        "ignore: [1, {rule: [1]}, null]\n",
        "rules: 7\nignore: {a: b}\n",
    ),
    RULE_FILE: ("[]\n", "id: [1, 2]\n", "id: {a: b}\n", "\xff\n", "x: " + "{a: " * 3000, "id: acme/tiny\n"),
    BASELINE: ("[]\n", "1\n", '{"rule": 1}\n', "\n\n"),
    "datalint.lock": ("datalint-lock 9\timages\n", "\n", "datalint-lock 1\t../../..\n"),
}


def test_nothing_that_a_change_writes_stops_the_policy(
    change: Repository, ask: Callable[..., Told], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["lock", "--workers", "1"]) == 0
    accept(change.folder)
    change.git("add", ".")
    change.commit("full policy")
    change.git("tag", "-f", "full")
    picture(change.folder / "images/train/dog/other.jpg", 77, size=40)
    capsys.readouterr()
    for name, contents in HOSTILE.items():
        for content in contents:
            (change.folder / name).write_text(content, "latin-1")
            told = findings(open_workspace(Request(policy_from="full")))
            assert name in [item.path for item in told], content[:60]
        code, report = ask("--policy-from", "full")
        assert (code, refused(report)) == (1, ["images/train/dog/other.jpg"]), name
        change.git("checkout", "-q", "full", "--", name)
