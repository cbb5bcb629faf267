"""What `datalint estimate` calls unknown is listed as not checked by `datalint check` where a rule would judge it."""

from __future__ import annotations

import itertools
import json
from typing import TYPE_CHECKING

import pytest

from datalint.config import Recipe
from datalint.footprint.recipe import LOADERS, WORKED, contradiction
from datalint.unjudged import NAMES
from tests.e2e.conftest import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MACHINE = (
    "targets: {here: {host_memory: 64 GiB, cores: 4, shm: 8 GiB, disk: 100 GiB, accelerator_memory: 16 GiB}}\n"
    "target: here\n"
)
TIMED = {"step_seconds": 0.1, "epochs": 2, "time_limit": 36000}


def configured(here: Path, training: dict[str, object], *, machine: str = MACHINE, rules: str = "{}") -> None:
    text = f"dataset: {{path: images}}\ntraining: {json.dumps(training)}\n{machine}rules: {rules}\n"
    (here / "datalint.yaml").write_text(text)


def reports(
    here: Path, capsys: pytest.CaptureFixture[str], training: dict[str, object], **more: str
) -> tuple[dict[str, str], dict[str, str], str]:
    """What estimate does not know and what check did not check, both by their name, and check's verdict."""
    configured(here, training, **more)
    code, out, error = say(capsys, "estimate", "images", "-o", "json")
    assert (code, error) == (0, "")
    unknown = json.loads(out)["unknown"]
    _, out, _ = say(capsys, "check", "-o", "json")
    document = json.loads(out)
    return unknown, {item["what"]: item["reason"] for item in document["not_checked"]}, document["verdict"]


def recipes() -> Iterator[dict[str, object]]:
    """Every loader under both frameworks, plain and with all that asks for a resource."""
    wide: dict[str, object] = {"shuffle_buffer": 9, "cache": "disk", "workers": 2, "replicas": 2, **TIMED}
    for loader, framework in itertools.product(LOADERS, ("keras", "pytorch")):
        if contradiction(Recipe(loader=loader, framework=framework)) is not None:
            continue
        yield {"loader": loader, "framework": framework}
        added: dict[str, object] = dict(TIMED)
        for key, value in wide.items():
            if contradiction(Recipe(**{"loader": loader, "framework": framework, **added, key: value})) is None:  # type: ignore[arg-type]
                added[key] = value
        yield {"loader": loader, "framework": framework, **added}


@pytest.mark.parametrize("training", list(recipes()), ids=str)
def test_no_loader_is_silently_clean(
    here: Path, capsys: pytest.CaptureFixture[str], training: dict[str, object]
) -> None:
    unknown, listed, verdict = reports(here, capsys, training)
    asked = {"host_memory", "shm", "disk", "shuffle_fill"}
    asked |= {"input_time", "job_time"} if "time_limit" in training else set()
    asked -= {"input_time"} if training.get("cache") else set()
    assert listed == {NAMES[name]: reason for name, reason in unknown.items() if name in asked}
    if listed:
        assert verdict in ("UNDECIDED", "UNTRAINABLE")
    if training["loader"] in WORKED[:2]:
        assert "host memory" in listed


def test_the_text_names_it_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configured(here, {"loader": "generator"})
    code, out, _ = say(capsys, "check", "-o", "text")
    assert code == 0
    assert out.startswith("UNDECIDED")
    assert "\nnot checked\n  host memory: loader generator: its host memory is not predicted\n" in out


@pytest.mark.parametrize(
    ("rules", "listed"),
    [
        ("{}", {"host memory", "job time", "filling the shuffle buffer", "accelerator memory of VGG16"}),
        ("{ignore: [memory, workers]}", {"job time", "filling the shuffle buffer"}),
        ("{select: [time-limit]}", {"job time"}),
        ("{select: [shuffle-fill, memory-cache]}", {"host memory", "filling the shuffle buffer"}),
        ("{select: [tiny-image]}", set()),
    ],
)
def test_only_what_a_selected_rule_would_have_judged_is_listed(
    here: Path, capsys: pytest.CaptureFixture[str], rules: str, listed: set[str]
) -> None:
    # The top of VGG16 goes with 224 x 224 alone, and the recipe feeds 256 x 256.
    training: dict[str, object] = {"loader": "generator", "shuffle_buffer": 9, "time_limit": 60, "model": "VGG16"}
    assert set(reports(here, capsys, training, rules=rules)[1]) == listed


def test_a_rule_of_ones_own_over_the_footprint_is_not_silent_either(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "ours").mkdir()
    (here / "ours" / "any.yaml").write_text(
        "id: acme/any\ntitle: t\nseverity: info\nfamily: killed\ndocs: d\nmessage: '{resource}'\nkey: [resource]\n"
        "sql: select resource from footprint where expected > 1e15\n"
        "tests:\n  - {name: a, given: {footprint: [{resource: a, expected: 2.0e+15}]}, expect: [{resource: a}]}\n"
        "  - {name: b, given: {footprint: []}, expect: []}\n"
    )
    training: dict[str, object] = {"loader": "generator"}
    listed = reports(here, capsys, training, rules="{select: [acme/], paths: [ours]}")[1]
    assert set(listed) == {"host memory"}


@pytest.mark.parametrize(
    ("target", "note"),
    [
        ("{accelerator_memory: 8 GiB}", "host memory was not judged: nobody knows the host memory of the target here"),
        ("{host_memory: 8 GiB}", "shared memory was not judged: nobody knows the size of /dev/shm of the target here"),
    ],
)
def test_of_what_the_target_does_not_say_a_note_is_made(
    here: Path, capsys: pytest.CaptureFixture[str], target: str, note: str
) -> None:
    configured(here, {"loader": "dataloader", "workers": 2}, machine=f"targets: {{here: {target}}}\ntarget: here\n")
    code, out, _ = say(capsys, "check", "-o", "json")
    assert code == 0
    assert note in json.loads(out)["notes"]
    configured(
        here,
        {"loader": "dataloader", "workers": 2},
        machine=f"targets: {{here: {target}}}\ntarget: here\n",
        rules="{select: [tiny-image]}",
    )
    _, out, _ = say(capsys, "check", "-o", "json")
    assert note not in json.loads(out)["notes"]


def test_images_that_nobody_fetched_leave_the_memory_open(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for path in (here / "images").rglob("*.jpg"):
        path.write_text(
            "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + f"\nsize {len(path.name)}\n"
        )
    listed = reports(here, capsys, {})[1]
    assert listed["host memory"] == "the size of no image is known"
