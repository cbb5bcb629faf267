"""The GitHub action: its scripts run here as the runner would run them; its text is held against two linters."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest
import yaml

from datalint.cli import parser
from tests.conftest import ROOT
from tests.e2e.conftest import CLEAN_ENVIRONMENT, CONFIG, say

if TYPE_CHECKING:
    from tests.e2e.conftest import Repository

ACTION = ROOT / "action.yml"
EXAMPLES = sorted((ROOT / "examples/ci").glob("*.yml"))
EXPRESSION = re.compile(r"\$\{\{\s*([\w.-]+)\s*\}\}")


def action() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(ACTION.read_text("utf-8"))
    return loaded


@dataclass(frozen=True)
class Step:
    code: int
    log: str
    outputs: dict[str, str]
    summary: str


def run_check(workspace: Path, runner: Path, *, step: str = "check", **inputs: str) -> Step:
    """One step, as https://docs.github.com/en/actions/reference/workflows-and-actions describes them."""
    document = action()
    (asked,) = [item for item in document["runs"]["steps"] if item.get("id") == step]
    assert asked["shell"] == "bash"
    values = {f"inputs.{name}": str(item["default"]) for name, item in document["inputs"].items()}
    values |= {f"inputs.{name}": value for name, value in inputs.items()}
    # The step before installs datalint: here it is installed.
    values |= {
        "steps.install.outputs.datalint": str(Path(sys.executable).parent / "datalint"),
        "github.workspace": str(workspace),
    }
    runner.mkdir(exist_ok=True)
    script, output, summary = (runner / name for name in ("script.sh", "output", "summary"))
    script.write_text(asked["run"])
    for file in (output, summary):
        file.write_text("")
    run = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
        cwd=workspace,
        env={
            **CLEAN_ENVIRONMENT,
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(workspace),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(runner),
            **{key: EXPRESSION.sub(lambda match: values[match[1]], value) for key, value in asked["env"].items()},
        },
        capture_output=True,
        text=True,
        check=False,
    )
    outputs = dict(line.split("=", 1) for line in output.read_text().splitlines())
    return Step(run.returncode, run.stdout + run.stderr, outputs, summary.read_text("utf-8"))


def test_the_action_ends_as_the_check_does_and_leaves_a_summary_and_sarif(
    repository: Repository, tmp_path: Path
) -> None:
    step = run_check(repository.folder, tmp_path / "runner")
    assert (step.code, step.outputs["exit-code"]) == (0, "0"), step.log
    assert step.summary.startswith("## datalint: TRAINABLE\n")
    assert json.loads(Path(step.outputs["sarif"]).read_text())["runs"][0]["results"] == []
    assert (repository.folder / ".datalint_cache").is_dir(), "what the cache step keeps"

    image = repository.folder / "images/train/cat/0000.jpg"
    image.write_bytes(image.read_bytes()[:300])
    step = run_check(repository.folder, tmp_path / "runner")
    assert (step.code, step.outputs["exit-code"]) == (1, "1")
    assert step.summary.startswith("## datalint: UNTRAINABLE\n")
    (run,) = json.loads(Path(step.outputs["sarif"]).read_text())["runs"]
    uris = [item["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for item in run["results"]]
    assert uris == ["images/train/cat/0000.jpg"]
    (rule,) = run["tool"]["driver"]["rules"]
    assert rule["help"]["markdown"].count("\n") > 2, "the rule's page comes with it"
    assert "UNTRAINABLE  images" in step.log
    assert "\n::error file=images/train/cat/0000.jpg,line=1,title=datalint%3A truncated-image::" in step.log

    step = run_check(repository.folder, tmp_path / "runner", **{"fail-on": "never"})
    assert (step.code, step.outputs["exit-code"]) == (0, "0")


def weaken(repository: Repository) -> None:
    """A branch `topic` that brings a broken image and turns off the rule about it; `origin/main` is the base."""
    repository.git("update-ref", "refs/remotes/origin/main", "main")
    repository.git("switch", "-qc", "topic")
    image = repository.folder / "images/train/cat/0000.jpg"
    image.write_bytes(image.read_bytes()[:300])
    (repository.folder / "datalint.yaml").write_text(CONFIG.replace("rare-class", "truncated-image: off, rare-class"))
    repository.git("commit", "-qam", "weaker")


def test_a_pull_request_does_not_get_past_the_policy_of_its_base(repository: Repository, tmp_path: Path) -> None:
    weaken(repository)
    assert run_check(repository.folder, tmp_path / "runner").code == 0
    step = run_check(repository.folder, tmp_path / "runner", **{"policy-from": "origin/main", "since": "origin/main"})
    assert (step.code, step.outputs["exit-code"]) == (1, "1"), step.log
    assert "images/train/cat/0000.jpg" in step.log
    assert "datalint.yaml differs from origin/main, which counts" in step.summary
    cache = repository.folder / ".datalint_cache/facts.sqlite"
    before = cache.stat().st_size
    step = run_check(repository.folder, tmp_path / "runner", step="prune", **{"cache-size": "30kB"})
    assert (step.code, "  0 facts about images" in step.log, cache.stat().st_size < before) == (0, True, True), step.log
    step = run_check(repository.folder, tmp_path / "runner", step="prune", **{"cache-size": "$(exit 9)"})
    assert (step.code, "not a size: '$(exit 9)'" in step.log) == (0, True), step.log


def test_the_job_of_gitlab_judges_a_merge_request_by_its_base(repository: Repository, tmp_path: Path) -> None:
    weaken(repository)
    (tmp_path / "clone").mkdir()
    repository.git("clone", "-q", str(repository.folder), str(tmp_path / "clone"))
    job = yaml.safe_load((ROOT / "examples/ci/gitlab.yml").read_text("utf-8"))["datalint"]
    install, judge = job["script"]
    assert install.startswith("python -m pip install ")
    found = {}
    for branch in ("main", ""):
        run = subprocess.run(
            ["bash", "-eo", "pipefail", "-c", judge],
            cwd=tmp_path / "clone",
            env={
                **CLEAN_ENVIRONMENT,
                "PATH": f"{Path(sys.executable).parent}:{CLEAN_ENVIRONMENT['PATH']}",
                "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": branch,
                "DATALINT_CACHE_DIR": str(tmp_path / "clone/.datalint_cache"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        quality = json.loads((tmp_path / "clone" / job["artifacts"]["reports"]["codequality"]).read_text())
        assert (tmp_path / "clone" / job["artifacts"]["reports"]["junit"]).exists()
        found[branch] = (run.returncode, sorted(item["check_name"] for item in quality))
    assert found == {"main": (1, ["policy-changed", "truncated-image"]), "": (0, [])}


def test_an_input_is_a_word_and_never_a_part_of_the_script(repository: Repository, tmp_path: Path) -> None:
    hostile = '$(touch pwned)`touch pwned`"; touch pwned; echo "'
    step = run_check(repository.folder, tmp_path / "runner", path=hostile, config="")
    assert step.code not in (0, 1)
    assert step.outputs == {"exit-code": str(step.code)}
    assert step.summary == (f"datalint came to no verdict (exit code {step.code}): the log of this step says why.\n")
    annotation = f"::error title=datalint::datalint came to no verdict (exit code {step.code}): the log of this step"
    assert [line for line in step.log.splitlines() if line.startswith(annotation)]
    assert not (repository.folder / "pwned").exists()
    step = run_check(repository.folder, tmp_path / "runner", path="--version")
    assert step.code not in (0, 1), "a path that looks like an option is a path"


def test_in_github_actions_a_run_without_output_shows_text_and_annotations(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    image = here / "images/train/cat/0000.jpg"
    image.write_bytes(image.read_bytes()[:300])
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    code, told, _ = say(capsys, "check", "images")
    assert (code, told.partition(" ")[0]) == (1, "UNTRAINABLE")
    assert "\n::error file=images/train/cat/0000.jpg," in told
    _, told, _ = say(capsys, "check", "images", "-o", "concise")
    assert "::error" not in told, "what was asked for is what is written"
    monkeypatch.delenv("GITHUB_ACTIONS")
    assert "::error" not in say(capsys, "check", "images")[1]


def test_scripts_hold_no_expression_and_every_input_is_used() -> None:
    steps = action()["runs"]["steps"]
    assert [step["name"] for step in steps if "${{" in step.get("run", "")] == []
    rest = ACTION.read_text("utf-8").partition("\nruns:")[2]
    assert [name for name in action()["inputs"] if f"inputs.{name}" not in rest] == []


def test_the_action_and_the_examples_name_options_that_exist() -> None:
    text = "\n".join(path.read_text("utf-8") for path in (ACTION, *EXAMPLES))
    named = set(re.findall(r"\"(--[a-z-]+)=", text))
    assert {"--config", "--since", "--policy-from"} <= named
    verbs = parser()._subparsers._group_actions[0].choices  # type: ignore[union-attr]
    known = {
        option
        for verb in ("check", "cache")
        for item in verbs[verb]._actions  # type: ignore[index]
        for option in item.option_strings
    }
    assert named <= known


@pytest.mark.parametrize("path", [ACTION, *EXAMPLES], ids=lambda path: path.name)
def test_every_action_that_is_used_is_pinned_to_a_commit(path: Path) -> None:
    used = re.findall(r"uses: (\S+)(.*)", path.read_text("utf-8"))
    for name, remark in used:
        assert re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)
        assert re.match(r"  # v\d+\.\d+\.\d+$", remark) or name.endswith("@" + 40 * "0")


@pytest.mark.skipif(shutil.which("zizmor", path=str(Path(sys.executable).parent)) is None, reason="zizmor is absent")
def test_zizmor_finds_nothing(tmp_path: Path) -> None:
    def audit(*paths: Path) -> subprocess.CompletedProcess[str]:
        command = [str(Path(sys.executable).parent / "zizmor"), "--offline", "--no-progress", "--persona=auditor"]
        return subprocess.run([*command, *map(str, paths)], capture_output=True, text=True, check=False)

    clean = audit(ACTION, ROOT / "examples/ci/github.yml")
    assert clean.returncode == 0, clean.stdout + clean.stderr
    (tmp_path / "action.yml").write_text(ACTION.read_text("utf-8").replace('"$ACTION"', "${{ inputs.path }}"))
    assert "template-injection" in audit(tmp_path / "action.yml").stdout


@pytest.mark.skipif(find_spec("check_jsonschema") is None, reason="the schemas come with check-jsonschema")
@pytest.mark.parametrize(
    ("path", "schema"), [("action.yml", "github-actions"), ("examples/ci/github.yml", "github-workflows")]
)
def test_the_action_and_the_workflow_obey_their_schema(path: str, schema: str) -> None:
    vendored = files("check_jsonschema") / f"builtin_schemas/vendor/{schema}.json"
    # YAML 1.1 reads the key `on` as a truth.
    document = {
        ("on" if key is True else key): value for key, value in yaml.safe_load((ROOT / path).read_text()).items()
    }
    validator = jsonschema.Draft7Validator(json.loads(vendored.read_text("utf-8")))
    assert [error.message for error in validator.iter_errors(document)] == []
    key = "runs" if "runs" in document else "jobs"
    assert list(validator.iter_errors({name: value for name, value in document.items() if name != key}))
