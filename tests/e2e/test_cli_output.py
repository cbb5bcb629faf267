"""What the command line promises to programs and terminals: exit codes, JSON, pipes, colour, progress."""

from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import jsonschema
import pytest

from datalint import report
from tests.conftest import ROOT
from tests.e2e.conftest import _IDENTITY, CLEAN_ENVIRONMENT, CONFIG, Repository, picture, say
from tests.e2e.test_cli_baseline import POINTER, truncated

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCHEMA = json.loads((ROOT / "datalint/report/json-v1.schema.json").read_text("utf-8"))
ENVIRONMENT = {**CLEAN_ENVIRONMENT, **_IDENTITY}
ODD_RULE = """\
id: acme/odd
title: A rule that returns every type
severity: warning
family: misled
docs: Output must stay strict JSON whatever a query returns.
message: "{empty}"
key: [path, x]
sql: |
  select path, 'nan'::double as x, 'inf'::float as y, 1.5::decimal(5,2) as d, [1,2] as l, date '2020-01-01' as day,
    170141183460469231731687303715884105727 as huge, {'a': true} as s, '' as empty, 0 as line
  from files
tests:
  - {name: fires, given: {files: [{path: a}]}, expect: [{path: a}]}
  - {name: silent, given: {files: []}, expect: []}
"""


def clean(repository: Repository) -> None:
    """As it is."""


def warned(repository: Repository) -> None:
    (repository.folder / "images/train/cat/phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))


def broken(repository: Repository) -> None:
    truncated(repository.folder / "images/train/cat/broken.jpg", 999)


def unread(repository: Repository) -> None:
    (repository.folder / "images/train/cat/0000.jpg").write_text(POINTER)
    (repository.folder / "datalint.yaml").write_text(CONFIG.replace("{rare", "{lfs-pointer: info, rare"))


def odd(repository: Repository) -> None:
    (repository.folder / "ours").mkdir()
    (repository.folder / "ours/odd.yaml").write_text(ODD_RULE)
    (repository.folder / "datalint.yaml").write_text(CONFIG.replace("rules: {", "rules: {paths: [ours], "))


@pytest.mark.parametrize(
    ("change", "verdict", "code"),
    [
        (clean, "TRAINABLE", 0),
        (warned, "TRAINABLE, with warnings", 0),
        (broken, "UNTRAINABLE", 1),
        (unread, "UNDECIDED", 0),
        (odd, "TRAINABLE, with warnings", 0),
    ],
)
def test_every_verdict_is_one_line_and_one_valid_document(
    repository: Repository, change: Callable[[Repository], None], verdict: str, code: int
) -> None:
    change(repository)
    process = repository.datalint("check", "-o", "json", "-o", "jsonl=lines.jsonl", "-o", "concise=told.txt")
    document = json.loads(process.stdout, parse_constant=pytest.fail)
    jsonschema.validate(document, SCHEMA)
    assert (document["verdict"], process.returncode) == (verdict, code)
    lines = (repository.folder / "lines.jsonl").read_text().splitlines()
    assert len(lines) == 1 + sum(len(document[part]) for part in ("findings", "not_checked", "rules"))
    # What is said of ignores has no rule file.
    assert {rule["id"] for rule in document["rules"]} == {item["rule"] for item in document["findings"]}
    assert (repository.folder / "told.txt").read_text().splitlines()[-1] == verdict


@pytest.mark.parametrize(
    ("change", "written", "option", "code"),
    [
        (warned, "error", None, 0),
        (warned, "warning", None, 1),
        (warned, "warning", "error", 0),
        (warned, "error", "warning", 1),
        (broken, "never", None, 0),
        (broken, "never", "error", 1),
        (broken, "warning", "never", 0),
    ],
)
def test_what_blocks_is_said_in_the_file_and_the_option_beats_it(
    repository: Repository, change: Callable[[Repository], None], written: str, option: str | None, code: int
) -> None:
    change(repository)
    (repository.folder / "datalint.yaml").write_text(CONFIG + f"fail_on: {written}\n")
    words = ("--fail-on", option) if option else ()
    assert repository.datalint("check", "-o", "junit=junit.xml", *words).returncode == code
    if code:
        assert "<failure " in (repository.folder / "junit.xml").read_text("utf-8"), "no report hides what blocks"


@pytest.mark.parametrize(
    ("words", "said", "hint"),
    [
        (("--select", "truncated-imge"), "--select: unknown rule", "did you mean 'truncated-image'?"),
        (("--ignore", "class-skew,mislead"), "--ignore: unknown rule", "did you mean 'misled'?"),
        (("--ignore", "zzzzzz"), "--ignore: unknown rule", "`datalint rules` lists them"),
        (("--select", "class-skew", "--ignore", "misled"), "no rule is left to run", "see select, ignore"),
        (("--stag",), "unrecognized arguments: --stag", "see `datalint"),
        (("images", "--stag"), "unrecognized arguments: --stag", "see `datalint check --help`"),
        (("my", "images"), "unrecognized arguments: images", "a dataset is one path: quote it where it has spaces"),
        (("--workers", "0"), "'0' is not a whole number of at least 1", "see `datalint check --help`"),
        (("--workers", "two"), "'two' is not a whole number", "see `datalint check --help`"),
        (("--timeout", "nan"), "'nan' is not a number of seconds", "see `datalint check --help`"),
        (("--timeout", "0"), "'0' is not a number of seconds", "see `datalint check --help`"),
        (("--timeout", "soon"), "'soon' is not a number of seconds", "see `datalint check --help`"),
        (("--fail-on", "eror"), "invalid choice: 'eror'", "see `datalint check --help`"),
    ],
)
def test_a_mistake_on_the_command_line_is_said_with_the_next_step(
    repository: Repository, words: tuple[str, ...], said: str, hint: str
) -> None:
    refused = repository.datalint("check", *words)
    assert refused.returncode == 2
    assert said in refused.stderr
    assert hint in refused.stderr
    assert refused.stdout == ""


def to_nobody(repository: Repository, *words: str) -> subprocess.CompletedProcess[str]:
    """Run with a standard output whose reader has gone already."""
    reader, writer = os.pipe()
    os.close(reader)
    try:
        return subprocess.run(
            [sys.executable, "-m", "datalint", *words],
            cwd=repository.folder, env=ENVIRONMENT, stdout=writer, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    finally:
        os.close(writer)


@pytest.mark.parametrize("name", report.FORMATS)
def test_a_reader_that_leaves_changes_no_exit_code(repository: Repository, name: str) -> None:
    broken(repository)
    process = to_nobody(repository, "check", "-o", name)
    assert (process.returncode, process.stderr) == (1, "")


@pytest.mark.parametrize("words", [("facts",), ("rules",), ("explain", "class-skew")], ids=lambda words: words[0])
def test_other_commands_without_a_reader_could_not_finish(repository: Repository, words: tuple[str, ...]) -> None:
    process = to_nobody(repository, *words)
    assert (process.returncode, process.stderr) == (3, "")


@pytest.mark.parametrize(
    ("words", "environment", "coloured"),
    [
        ((), {}, False),
        ((), {"FORCE_COLOR": "1"}, True),
        ((), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {"FORCE_COLOR": "1"}, False),
    ],
)
def test_colour_is_for_those_who_want_it_and_never_in_a_file(
    repository: Repository, words: tuple[str, ...], environment: dict[str, str], coloured: bool
) -> None:
    process = repository.datalint("check", "-o", "text", "-o", "text=told.txt", *words, ok=True, **environment)
    assert ("\x1b[" in process.stdout) is coloured
    assert "\x1b" not in (repository.folder / "told.txt").read_text()


def on_terminal(repository: Repository, *words: str, **environment: str) -> tuple[str, str]:
    """What a run writes to a standard output that is a pipe, and to a standard error that is a narrow terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "datalint", *words],
        cwd=repository.folder, stdout=subprocess.PIPE, stderr=theirs, text=True,
        env={**ENVIRONMENT, "TERM": "xterm", "COLUMNS": "20", **environment},
    )  # fmt: skip
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux says EIO when the other side is closed
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    told, _ = process.communicate()
    assert process.returncode == 0, shown
    return told, shown.decode()


def test_progress_is_shown_on_a_terminal_however_narrow_and_leaves_the_report_whole(repository: Repository) -> None:
    told, shown = on_terminal(repository, "check", "-o", "text", "--no-cache")
    assert "reading images" in shown
    assert told.startswith("TRAINABLE  images (32 images, 2 classes, 2 splits) on ")


@pytest.mark.parametrize("environment", [{"PRE_COMMIT": "1"}, {"TERM": "dumb"}])
def test_progress_is_not_shown_where_it_would_be_kept(repository: Repository, environment: dict[str, str]) -> None:
    _, shown = on_terminal(repository, "check", "--no-cache", **environment)
    assert shown == ""


def test_progress_is_not_written_into_a_pipe(repository: Repository) -> None:
    assert repository.datalint("check", "--no-cache", ok=True).stderr == ""


def test_help_fits_the_narrowest_terminal(repository: Repository) -> None:
    told = repository.datalint("check", "--help", ok=True, COLUMNS="1").stdout
    assert "--select" in told


def test_a_name_that_the_terminal_cannot_say_is_escaped(repository: Repository) -> None:
    truncated(repository.folder / "images/train/cat/katze-ü.jpg", 998)
    process = repository.datalint("check", "-o", "concise", PYTHONIOENCODING="ascii")
    assert process.returncode == 1
    assert r"images/train/cat/katze-\xfc.jpg: error[truncated-image]" in process.stdout


def test_an_interrupted_run_says_so_in_one_line(repository: Repository) -> None:
    query = "select count(*) from " + ", ".join(f"files f{number}" for number in range(9))
    process = subprocess.Popen(
        [sys.executable, "-m", "datalint", "facts", "--sql", query],
        cwd=repository.folder, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    cache = repository.folder / ".datalint_cache"
    deadline = time.monotonic() + 60
    while not cache.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (130, "datalint: interrupted\n")


def test_init_with_a_schema_points_editors_to_the_file_beside_it(repository: Repository) -> None:
    (repository.folder / "datalint.yaml").unlink()
    told = repository.datalint("init", "images", "--schema", ok=True).stdout
    assert told.startswith("wrote datalint.yaml and datalint.schema.json\n")
    first = (repository.folder / "datalint.yaml").read_text().split("\n", 1)[0]
    named = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert named is not None
    jsonschema.Draft7Validator.check_schema(json.loads((repository.folder / named[1]).read_text("utf-8")))
    assert repository.datalint("check", "--ignore", "rare-class").returncode == 0


def test_init_prints_or_refuses_before_it_reads_anything(repository: Repository) -> None:
    assert "dataset:" in repository.datalint("init", "images", "--stdout", ok=True).stdout
    refused = repository.datalint("init", "no-such-folder")
    assert refused.returncode == 2
    assert "datalint.yaml is already there" in refused.stderr
    assert "`datalint init --stdout`" in refused.stderr


def test_one_picture_is_one_image_and_one_file(repository: Repository) -> None:
    picture(repository.folder / "alone/cat/only.jpg", 997)
    told = repository.datalint("check", "alone", "-o", "text").stdout
    assert "(1 image, 1 class" in told
    assert "(1 file, 0 from cache)" in told
    assert re.search(r"\b1 (images|files|classes|splits|samples|errors|warnings|notes)\b", told) is None


@pytest.mark.parametrize("hostile", ["x\n::error::y", "##[add-mask]x", "a\x1b[2Jb"])
@pytest.mark.parametrize("words", [("check",), ("estimate",), ("facts",), ("check", "--config")])
def test_a_name_on_standard_error_commands_no_runner_and_no_terminal(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], hostile: str
) -> None:
    code, _, err = say(capsys, *words, hostile)
    assert code == 2
    assert err.startswith("datalint: ")
    assert not any(line.lstrip().startswith("::") for line in err.splitlines())
    assert "##[" not in err
    assert "\x1b" not in err
