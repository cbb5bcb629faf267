"""Workers, replicas and shuffle buffers at the command line: what stops training blocks, what fits is silent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from datalint.cli import main

if TYPE_CHECKING:
    from pathlib import Path


def configure(here: Path, training: str, machine: str = "host_memory: 16 GiB, shm: 64 MiB, cores: 2") -> None:
    text = f"dataset: {{path: images}}\ntraining: {{{training}}}\ntargets: {{box: {{{machine}}}}}\ntarget: box\n"
    (here / "datalint.yaml").write_text(text)


def found(capsys: pytest.CaptureFixture[str], rule: str) -> list[dict[str, Any]]:
    main(["check", "-o", "json"])
    return [finding for finding in json.loads(capsys.readouterr().out)["findings"] if finding["rule"] == rule]


def estimate(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["estimate", *words]) == 0
    return capsys.readouterr().out


# 24 training images of 600 x 600 floats: 4.1 MiB each.
@pytest.mark.parametrize(
    ("change", "severities"),
    [
        ("batch: 3, workers: 2", ["warning"]),
        ("batch: 3, workers: 1", []),
        ("batch: 16, workers: 1", ["error"]),
        ("batch: 16", []),
    ],
)
def test_workers_need_shared_memory(
    here: Path, capsys: pytest.CaptureFixture[str], change: str, severities: list[str]
) -> None:
    configure(here, f"framework: pytorch, image_size: 600, {change}")
    findings = found(capsys, "shared-memory")
    assert [finding["severity"] for finding in findings] == severities
    for finding in findings:
        assert "64.0 MiB on the target" in finding["message"]
        assert "--shm-size" in finding["remedy"]


def test_estimate_prints_shared_memory_and_every_worker(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(here, "framework: pytorch, image_size: 600, batch: 2, workers: 2")
    out = estimate(capsys)
    assert "fits: shm 41.2 MiB (8.2 MiB to 49.5 MiB) of 64.0 MiB usable" in out
    assert "(2 workers x 2 batches + 1) of 2 x 4,320,000 B" in out
    assert "fits: host memory" in out
    assert "worker copies" in out
    assert "prefetch_factor 2" in out
    assert "AUTOTUNE" not in out
    configure(here, "framework: pytorch")
    out = estimate(capsys)
    assert "not needed: shm (a DataLoader without workers loads in its own process)" in out
    assert "workers 0" in out


def test_a_dataloader_on_the_command_line_is_pytorch(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = estimate(capsys, "--samples", "5", "--height", "64", "--width", "64", "--loader", "dataloader")
    assert "PyTorch, imported" in out
    assert "unknown: host_memory" not in out


def test_fewer_workers_are_proposed_where_they_fit(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(here, "framework: pytorch, image_size: 1000, batch: 8, workers: 8", "host_memory: 4100 MiB")
    assert "4 workers instead of 8: " in estimate(capsys)


def test_a_tf_data_pipeline_needs_no_shared_memory(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = estimate(capsys, "images")
    assert "not needed: shm (tf.data decodes in threads of one process)" in out
    assert "unknown: shm" not in out


def test_copies_of_a_long_list_of_samples(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = "framework: pytorch, image_size: 64, workers: 8"
    configure(here, recipe, "host_memory: 387 kB")
    assert [finding["severity"] for finding in found(capsys, "worker-copies")] == ["warning"]
    configure(here, recipe, "host_memory: 389 kB")
    assert found(capsys, "worker-copies") == []


def test_a_buffer_that_fills_slowly(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    configure(here, "loader: files, image_size: 64, shuffle_buffer: 1000")
    assert found(capsys, "shuffle-fill") == []
    text = (here / "datalint.yaml").read_text()
    (here / "datalint.yaml").write_text(text + "rules: {settings: {shuffle-fill: {seconds: 0.0001}}}\n")
    [finding] = found(capsys, "shuffle-fill")
    assert (finding["severity"], finding["family"]) == ("warning", "starved")
    assert "24 images decoded" in finding["message"]
    assert "before the first step" in estimate(capsys)


@pytest.mark.parametrize(
    ("change", "rule", "severities"),
    [
        ("batch: 3, replicas: 2", "uneven-replica-batch", ["error", "warning"]),
        ("batch: 8, replicas: 2", "uneven-replica-batch", []),
        ("batch: 23, replicas: 23, batch_norm: true", "empty-replica-batch", ["error"]),
        ("batch: 23, replicas: 23, batch_norm: false", "empty-replica-batch", []),
        ("batch: 23, replicas: 23, drop_remainder: true", "empty-replica-batch", []),
        ("batch: 16, replicas: 4", "empty-replica-batch", []),
        ("batch: 3", "uneven-replica-batch", []),
    ],
)
def test_replicas_share_batches(
    here: Path, capsys: pytest.CaptureFixture[str], change: str, rule: str, severities: list[str]
) -> None:
    """24 training and 8 validation images."""
    configure(here, change)
    assert [finding["severity"] for finding in found(capsys, rule)] == severities


@pytest.mark.parametrize(
    ("training", "place", "word"),
    [
        ("workers: 2", "2:21", "tf.data pipeline decodes in threads"),
        ("loader: array, workers: 1", "2:36", "feeds from one array"),
        ("framework: pytorch, prefetch_factor: 2", "2:49", "without `workers`"),
        ("framework: pytorch, workers: 0, prefetch_factor: 2", "2:61", "without `workers`"),
        ("loader: sequence, workers: 2, prefetch_factor: 2", "2:59", "DataLoader of PyTorch"),
        ("replicas: 0", "2:22", ""),
        ("workers: -1", "2:21", ""),
        ("framework: pytorch, workers: 1, prefetch_factor: 0", "2:61", ""),
    ],
)
def test_recipes_that_cannot_be_are_refused_at_their_place(
    here: Path, capsys: pytest.CaptureFixture[str], training: str, place: str, word: str
) -> None:
    configure(here, training)
    assert main(["check"]) == 2
    error = capsys.readouterr().err
    assert f"datalint.yaml:{place}:" in error
    assert word in error
