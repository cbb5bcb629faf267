"""The documentation cannot drift: every command, option, rule and file that it names exists, and is named."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from datalint import __version__, config
from datalint.cli import parser
from datalint.config_file import read_document
from datalint.dataset.formats import LAYOUTS, PLAIN
from datalint.errors import UsageError
from datalint.finding import Family
from datalint.report import FORMATS
from datalint.rule.load import load_rule
from datalint.rule.testing import run_cases
from tests.conftest import ROOT
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
HAND_WRITTEN = [page for page in PAGES if "written by scripts/docs.py" not in page.read_text("utf-8")]
RULES = {path.stem for path in (ROOT / "rules").glob("*.yaml")}

CODE_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$|(?:(?<=\n\n)(?: {4}[^\n]*\n)+)", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SPAN = re.compile(r"`([^`\n]+)`")
COMMAND = re.compile(r"(?:^|[\s(`$])datalint((?: +(?!#|\|)[^\s`|;&)]+)+)")


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def verbs() -> dict[str, argparse.ArgumentParser]:
    for action in parser()._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    raise AssertionError("no verbs")


def options(verb: argparse.ArgumentParser) -> set[str]:
    return {option for action in verb._actions for option in action.option_strings}


@dataclass(frozen=True)
class Command:
    verb: str
    words: tuple[str, ...]


def code(text: str) -> Iterator[str]:
    """Indented and fenced blocks line by line, then code spans in the prose."""
    without = CODE_BLOCK.sub("\n", text)
    for match in CODE_BLOCK.finditer(text):
        yield from (match.group(2) if match.group(2) is not None else match.group(0)).splitlines()
    yield from SPAN.findall(without)


def commands(text: str) -> Iterator[Command]:
    for piece in code(text):
        for match in COMMAND.finditer(piece):
            words = match.group(1).split()
            if re.fullmatch(r"[a-z]+(-[a-z]+)*", words[0]):
                yield Command(words[0], tuple(words[1:]))


def test_commands_are_recognised() -> None:
    """The other tests are worth what this pattern sees."""
    block = "```console\n$ datalint rules\n```\n"
    text = f"say `datalint check x --staged`:\n\n    datalint facts   # why\n\n{block}"
    assert [command.verb for command in commands(text)] == ["facts", "rules", "check"]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_that_is_named_exists(page: Path) -> None:
    known = verbs()
    for command in commands(page.read_text("utf-8")):
        assert command.verb in known, f"datalint {command.verb}"
        for word in command.words:
            if re.match(r"--?[a-z]", word):
                option = word.partition("=")[0]
                assert option in options(known[command.verb]), f"datalint {command.verb} {option}"


def test_every_command_and_option_is_documented() -> None:
    usage = (ROOT / "docs/usage.md").read_text("utf-8")
    for name, verb in verbs().items():
        assert f"datalint {name}" in usage
        for option in options(verb) - {"-h", "--help"}:
            assert re.search(rf"{re.escape(option)}\b", usage), f"datalint {name} {option}"


def test_the_first_lines_of_usage_name_every_command() -> None:
    first = (ROOT / "docs/usage.md").read_text("utf-8").partition("\n## ")[0]
    assert {command.verb for command in commands(first)} == set(verbs())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_is_to_be_installed_comes_from_where_it_is(page: Path) -> None:
    """On PyPI one name is another project's, and the other one might become anybody's."""
    for line in page.read_text("utf-8").splitlines():
        for command in re.findall(r"pip install [^`]*", line):
            assert "git+" in command or "--editable" in command or page.name == "0005-name.md", line


@pytest.mark.parametrize("verb", sorted(verbs()))
def test_every_command_has_help(verb: str) -> None:
    run = subprocess.run([sys.executable, "-m", "datalint", verb, "--help"], capture_output=True, text=True, check=True)
    assert "exit codes:" in run.stdout


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_rule_that_is_named_exists(page: Path) -> None:
    text = page.read_text("utf-8")
    named = [word for command in commands(text) if command.verb == "explain" for word in command.words[:1]]
    named += re.findall(r"^\s*- (?:\{)?rule: ([\w/-]+)", text, re.MULTILINE)
    named += re.findall(r"rules\.md#([\w-]+)", text)
    unknown = {rule for rule in named if "/" not in rule and rule not in {"RULE", *RULES}}
    assert unknown == set()


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=name_of)
def test_kebab_case_words_in_code_are_rules_or_known_words(page: Path) -> None:
    known = {
        *RULES,
        *verbs(),
        *LAYOUTS,
        *(family.value for family in Family),
        *yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["inputs"],
        *yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))["outputs"],
        "datalint-vision",
        "datalint-rules",
        "pre-commit",
        "pillow-heif",
        "colab-free-t4",
        "site-imbalance",
        "tf-graph",
        "no-duplicates",
        "expired-ignore",
        "unused-ignore",
        "policy-changed",
    }
    spans = SPAN.findall(CODE_BLOCK.sub("\n", page.read_text("utf-8")))
    words = {span for span in spans if re.fullmatch(r"[a-z]+(-[a-z]+)+", span)}
    corpora = {span for span in words if page.name == "corpora.md"}
    assert words - known - corpora == set()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not link.startswith("http"):
            file, _, anchor = link.partition("#")
            target = (page.parent / file) if file else page
            assert target.exists(), link
            if anchor:
                assert re.search(rf"^#+ {re.escape(anchor)}$", target.read_text("utf-8"), re.MULTILINE), link


def yaml_blocks(marker: str) -> list[tuple[str, str]]:
    found = []
    for page in PAGES:
        for language, text in FENCED.findall(page.read_text("utf-8")):
            if language == "yaml" and text.startswith(marker):
                found.append((name_of(page), text))
    return found


@pytest.mark.parametrize(("page", "text"), yaml_blocks("# datalint.yaml"))
def test_every_configuration_that_is_shown_loads(page: str, text: str) -> None:
    document = read_document(lambda path: text.encode() if path == "datalint.yaml" else None)
    assert document is not None
    config.parse(document)


@pytest.mark.parametrize(("page", "text"), yaml_blocks("# .datalint/rules/"))
def test_every_rule_that_is_shown_passes_its_own_tests(page: str, text: str) -> None:
    file = text.splitlines()[0].removeprefix("# ")
    results = list(run_cases([load_rule(text, file, builtin=False)]))
    assert len(results) >= 2
    assert all(result.passed for result in results), results


def test_every_mistake_that_is_shown_is_answered_with_its_place() -> None:
    howto = (ROOT / "docs/rules-howto.md").read_text("utf-8")
    rows = re.findall(r"^\| ([^|`]+) \| `(.+)` \| `(.+)` \|$", howto, re.MULTILINE)
    assert len(rows) >= 20
    for mistake, _, said in rows:
        assert re.match(r"site-imbalance\.yaml:\d+:\d+: ", said), mistake


# `make check` asks the same, and CI runs that first.
@pytest.mark.exhaustive
def test_generated_pages_are_fresh() -> None:
    run = subprocess.run(
        [sys.executable, "scripts/docs.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


def test_the_changelog_knows_the_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert __version__ in re.findall(r"^## (\S+)", changelog, re.MULTILINE)


def test_the_hooks_name_commands_that_exist() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    for hook in hooks:
        program, *words = hook["entry"].split()
        assert program == "datalint"
        parser().parse_args(words)


def test_an_unknown_verb_is_wrong_usage() -> None:
    with pytest.raises(UsageError):
        parser().parse_args(["chekc"])


def test_the_readme_has_a_real_demo() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    demo = readme.partition("<!-- demo:start -->")[2].partition("<!-- demo:end -->")[0]
    assert "$ datalint check" in demo
    assert "UNTRAINABLE  flowers" in demo


def test_the_readme_says_what_an_estimate_says(tmp_path: Path) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    [(words, shown)] = re.findall(r"\$ datalint (estimate .*)\n```\n\n```text\n(.*?)```", readme, re.DOTALL)
    command = [sys.executable, "-m", "datalint", *words.split()]
    said = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line for line in shown.splitlines() if line and line.strip() != "..." and line not in said] == []


def test_the_rule_of_the_readme_is_run_where_its_configuration_is_there(tmp_path: Path) -> None:
    section = (ROOT / "README.md").read_text("utf-8").partition("### 3. ")[2].partition("### 4. ")[0]
    new, test, check = re.findall(r"\$ datalint (.*)", section)
    [settings] = re.findall(r"```yaml\n(.*?)```", section, re.DOTALL)
    picture(tmp_path / "images/cat/1.jpg", 1, size=16)
    picture(tmp_path / "images/dog/1.jpg", 2)

    def run(words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "datalint", *words.split()]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert (run(new).returncode, run(test).returncode) == (0, 0)
    assert "acme/min-resolution" not in run(check).stdout
    (tmp_path / "datalint.yaml").write_text(settings)
    assert "[acme/min-resolution] images/cat/1.jpg is 16 x 16 pixels" in run(check).stdout


def test_every_format_has_its_page() -> None:
    index = (ROOT / "docs/formats/README.md").read_text("utf-8")
    for name in LAYOUTS:
        assert f"| [`{name}`]({name}.md) |" in index
        assert (ROOT / "docs/formats" / f"{name}.md").is_file()
    assert set(PLAIN) <= set(re.findall(r"`([a-z-]+)`", index))


def test_every_report_format_is_told() -> None:
    page = (ROOT / "docs/reports.md").read_text("utf-8")
    usage = next(action.help for action in verbs()["check"]._actions if "--output" in action.option_strings) or ""
    for name in FORMATS:
        assert f"| `{name}` |" in page
        assert re.search(rf"\b{name}\b", usage), name


def test_the_catalogue_of_defects_names_rules_that_exist() -> None:
    told, _, _ = (ROOT / "docs/catalogue.md").read_text("utf-8").partition("## Not told")
    rows = [line for line in told.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) > 60
    for row in rows:
        named = re.findall(r"`([a-z0-9-]+)`", row.rsplit("|", 2)[1])
        assert named
        assert [name for name in named if not (ROOT / "rules" / f"{name}.yaml").is_file()] == []
