"""What the bench of the footprint says of its runs, and which it leaves out."""

from __future__ import annotations

from argparse import Namespace
from dataclasses import replace
from typing import TYPE_CHECKING

from bench.footprint import Job, Log, measured, often, reading
from datalint.footprint.images import Images
from datalint.footprint.recipe import Recipe

if TYPE_CHECKING:
    from pathlib import Path

RECIPE = Recipe(loader="files", input_height=96, input_width=96, batch=8, prefetch=2, parallel_calls=2)
IMAGES = Images(train=100, encoded_mean=1e4, decoded_mean=1e5, decoded_max=1e5, measured=100)
JOB = Job("seed 1: jpeg", RECIPE, IMAGES, folder="/gone")
"""Its folder does not exist: whoever runs it fails."""
OTHER = Job("seed 2: jpeg", replace(RECIPE, batch=16), IMAGES, folder="/gone")
PREDICTED = reading(JOB, [1]).predicted.expected


def test_a_run_in_the_log_is_not_run_again(tmp_path: Path) -> None:
    path = tmp_path / "runs.jsonl"
    for size in (3, 1, 2):
        Log(path).add(JOB, size)
    elsewhere = replace(JOB, folder="/somewhere else")
    [found] = measured([elsewhere], Log(path), Namespace(runs=3, parallel=1, repeat_beyond=0))
    assert (found.runs, found.measured) == ((3, 1, 2), 2)
    [first] = measured([elsewhere], Log(path), Namespace(runs=1, parallel=1, repeat_beyond=0))
    assert first.runs == (3,)
    assert Log(path).runs(OTHER) == []


def test_only_what_is_off_is_repeated_and_the_table_says_so() -> None:
    log = Log(None)
    log.add(JOB, round(PREDICTED / 1.05))
    for size in (1.07, 1.02, 1.01):
        log.add(OTHER, round(reading(OTHER, [1]).predicted.expected / size))
    arguments = Namespace(runs=3, parallel=1, repeat_beyond=6)
    readings = measured([JOB, OTHER], log, arguments)
    assert [len(found.runs) for found in readings] == [1, 3]
    said = often(readings, arguments)
    assert said.startswith("one run each, and for the 1 off by more than 6 % the median of 3 (the first runs alone: 2 ")
    assert "worst 7.00%" in said


def test_a_median_says_what_the_first_runs_alone_say() -> None:
    log = Log(None)
    for size in (1.5, 1.0, 1.01):
        log.add(JOB, round(PREDICTED / size))
    arguments = Namespace(runs=3, parallel=1, repeat_beyond=0)
    assert "worst 50.00%" in often(measured([JOB], log, arguments), arguments)
