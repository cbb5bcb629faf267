"""`datalint estimate`, and `datalint check` where the recipe does not fit: the real commands on a real dataset."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from datalint.target import lookup
from tests.e2e.conftest import say

if TYPE_CHECKING:
    from pathlib import Path

GIB = 2**30
SMALL = "targets: {small: {host_memory: 2 GiB, cores: 2}}\ntarget: small\n"


def estimate(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code, out, _ = say(capsys, "estimate", *words, "-o", "json")
    assert code == 0
    document: dict[str, Any] = json.loads(out)
    return document


def total(document: dict[str, Any], resource: str = "host_memory") -> dict[str, Any]:
    [row] = [row for row in document["footprint"] if (row["resource"], row["stage"]) == (resource, "total")]
    return dict(row)


FLAGS = ("--samples", "87000", "--height", "227", "--width", "227", "--channels", "3", "--dtype", "uint8")


def test_flags_alone_are_enough(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The array of the best-known question about it: 12.5 GiB."""
    document = estimate(capsys, *FLAGS, "--loader", "array", "--target", "colab-free-t4")
    stages = {row["stage"]: row for row in document["footprint"]}
    assert stages["array"]["expected"] == 87000 * 227 * 227 * 3
    assert total(document)["fit"] == "will not fit"
    assert total(document)["available"] == pytest.approx((12.7 - 0.9) * GIB)
    assert 0 < total(document)["largest_n_samples"] < 87000
    assert any("tf.data" in change["what"] for change in document["changes"])
    assert document["assumed"]["array_build"] == "list"


def test_everything_that_was_assumed_is_said_and_nothing_that_was_not(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "datalint.yaml").write_text("training: {batch: 8, image_size: 64, shuffle_buffer: 10}\n" + SMALL)
    assumed = estimate(capsys, "images", "--loader", "files")["assumed"]
    assert assumed["prefetch"] == "AUTOTUNE"
    assert assumed["shuffle_stage"] == "decoded"
    assert assumed["input_channels"] == 3
    assert not {"batch", "input_height", "input_width", "loader", "shuffle_buffer", "array_build"} & set(assumed)


def test_a_dataset_is_measured_and_may_grow(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    now = estimate(capsys, "images", "--loader", "array")
    assert (now["images"]["train"], now["images"]["val"], now["images"]["decoded_max"]) == (24, 8, 64 * 64 * 3)
    grown = estimate(capsys, "images", "--loader", "array", "--grow", "1000x")
    assert (grown["images"]["train"], grown["images"]["val"]) == (24_000, 8_000)
    arrays = [{row["stage"]: row for row in document["footprint"]}["array"]["expected"] for document in (now, grown)]
    assert arrays[1] == pytest.approx(1000 * arrays[0])


@pytest.mark.parametrize("name", ["colab-cpu", "colab-free-t4", "kaggle-t4x2", "a100-80"])
def test_the_smallest_machine_has_no_less_of_an_accelerator(
    name: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = estimate(capsys, *FLAGS, "--loader", "files", "--target", name)
    asked, found = lookup(name), lookup(document["smallest_target"])
    for key in ("accelerators", "accelerator_memory"):
        assert (getattr(found, key) or 0) >= (getattr(asked, key) or 0)
    assert (found.host_memory or 0) <= 170 * GIB


def test_the_text_says_verdict_arithmetic_and_way_out(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "datalint.yaml").write_text(SMALL)
    code, out, _ = say(capsys, "estimate", *FLAGS, "--loader", "files", "--batch", "4096")
    lines = out.splitlines()
    assert code == 0
    assert lines[0].startswith("87,000 training images through files on small (configuration)")
    assert lines[1].startswith("will not fit: host memory ")
    assert lines[1].endswith("of 2.0 GiB usable")
    assert "largest batch: " in lines[2]
    assert any(line.startswith("  prefetch ") and "batches of 4096 x 154,587 B" in line for line in lines)
    assert "what would fit" in lines
    assert any(line.startswith("unknown: accelerator_memory") for line in lines)
    assert lines[-1].startswith("assumed: ")


def test_what_is_not_predicted_is_said(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "datalint.yaml").write_text("training: {framework: pytorch, loader: files}\n")
    document = estimate(capsys, "images")
    assert document["footprint"] == []
    assert document["unknown"]["host_memory"] == "framework pytorch: its host memory is not predicted"


def test_a_machine_without_known_memory_is_unknown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing may be called fitting on a machine that nobody knows."""
    from datalint.footprint.estimate import Estimate

    assert Estimate("host_memory", "total", 1, 1, 1, "").fit == "unknown"


@pytest.mark.parametrize("loader", ["array", "image_dataset_from_directory", "dataloader"])
def test_the_largest_numbers_are_numbers_of_json(here: Path, capsys: pytest.CaptureFixture[str], loader: str) -> None:
    most = 18 * "9"
    words = ("--samples", most, "--grow", "1000000", "--height", most, "--width", most, "--batch", most)
    code, out, _ = say(capsys, "estimate", *words, "--loader", loader, "-o", "json")
    assert code == 0
    json.loads(out, parse_constant=pytest.fail)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--samples", "5", "images"), "--samples describes a dataset that is not there"),
        (("--samples", "5", "--staged"), "a dataset that is not there: it excludes --staged"),
        (("--samples", "5", "--workers", "8"), "those of a DataLoader are `training.workers` in datalint.yaml"),
        (("--samples", "0"), "'0' is not a whole number of at least 1"),
        (("--samples", "5", "--dtype", "float8"), "--dtype: 'float8' is none of uint8, float16"),
        (("images", "--grow", "0x"), "'0x' is not a factor above 0"),
        (("--samples", "5", "--grow", "1e300"), "'1e300' is not a factor above 0, such as 2x, and at most a million"),
        (("--samples", "1" + 400 * "0"), "a number of 401 digits is larger than anything that is counted"),
        (("--samples", "1" + 5000 * "0"), "a number of 5,001 digits is larger than anything that is counted"),
        (("--samples", "5", "--dry-run-timeout", "1e300"), "'1e300' is not a number of seconds above 0"),
        (("images", "--target", "colab-free-t5"), "unknown target 'colab-free-t5'"),
        (("nowhere",), "no such file or folder: nowhere"),
    ],
)
def test_wrong_words_are_refused(
    here: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], message: str
) -> None:
    code, out, error = say(capsys, "estimate", *words)
    assert (code, out) == (2, "")
    assert message in error


@pytest.mark.parametrize(
    ("training", "words", "message"),
    [
        (
            "loader: files\n  image_size: original",
            ("--loader", "image_dataset_from_directory"),
            "yaml:3:15: --loader image_dataset_from_directory: training.image_size: image_dataset_from_directory"
            " resizes all images: say their size, or say `loader: files` where they are kept",
        ),
        (
            "array_build: list\n  loader: array",
            ("--loader", "files"),
            "yaml:2:16: --loader files: training.array_build",
        ),
        ("loader: array\n  array_scale: divide", ("--batch", "3", "--dtype", "uint8"), "3:16: --dtype uint8: "),
        ("loader: files\n  shuffle_buffer: 9", ("--loader", "array"), "3:19: --loader array: "),
    ],
)
@pytest.mark.parametrize("command", ["estimate", "rehearse"])
def test_an_option_that_does_not_go_with_the_configuration_is_refused_at_its_place(
    here: Path, capsys: pytest.CaptureFixture[str], command: str, training: str, words: tuple[str, ...], message: str
) -> None:
    (here / "datalint.yaml").write_text(f"training:\n  {training}\n")
    code, out, error = say(capsys, command, *words)
    assert (code, out) == (2, "")
    assert message in error


def test_original_sizes_need_a_dataset(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "datalint.yaml").write_text("training: {loader: files, image_size: original}\n")
    code, _, error = say(capsys, "estimate", "--samples", "5")
    assert (code, "--height and --width" in error) == (2, True)


@pytest.mark.parametrize(("cache", "code", "rule"), [("memory", 1, ["memory-cache"]), ("disk", 0, [])])
def test_check_blocks_what_would_be_killed(
    here: Path, capsys: pytest.CaptureFixture[str], cache: str, code: int, rule: list[str]
) -> None:
    """32 images of 4000 x 4000 floats: 5.7 GiB when they are cached."""
    (here / "datalint.yaml").write_text(
        f"dataset: {{path: images}}\ntraining: {{loader: files, image_size: 4000, batch: 1, prefetch: 1, "
        f"parallel_calls: 1, cache: {cache}}}\ntargets: {{small: {{host_memory: 4 GiB}}}}\ntarget: small\n"
    )
    exit_code, out, _ = say(capsys, "check", "--ignore", "rare-class", "-o", "json")
    document = json.loads(out)
    assert exit_code == code
    assert [finding["rule"] for finding in document["findings"] if finding["family"] == "killed"] == rule


def test_a_recipe_costs_no_import_of_tensorflow(here: Path) -> None:
    (here / "datalint.yaml").write_text("dataset: {path: images}\ntraining: {loader: array}\n")
    code = (
        "import sys; from datalint.cli import main; main(['check', '-o', 'json']); main(['estimate']); "
        "print([name for name in ('tensorflow', 'keras', 'torch', 'numpy', 'duckdb') if name in sys.modules])"
    )
    first, again = (
        subprocess.run([sys.executable, "-c", code], cwd=here, capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    assert first.stdout.splitlines()[-1] == "['numpy']", "pictures that were never compared"
    assert again.stdout.splitlines()[-1] == "[]"


def test_the_local_machine_is_timed_on_the_dataset_itself(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = estimate(capsys, "images")
    epoch = total(document, "input_time")
    assert epoch["unit"] == "seconds"
    assert epoch["high"] == pytest.approx(1.45 * epoch["expected"])
    assert "as timed here" in document["assumed"]["speed of the CPU"]
    elsewhere = estimate(capsys, "images", "--target", "colab-cpu")
    assert total(elsewhere, "input_time")["high"] == pytest.approx(2 * total(elsewhere, "input_time")["expected"])
    assert elsewhere["assumed"]["speed of the CPU"] == "that of the machine of the constants"


def test_a_job_that_ends_too_late_blocks(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe = "training: {step_seconds: 0.5, epochs: 2000, time_limit: 10 min}\n"
    (here / "datalint.yaml").write_text(recipe)
    code, out, _ = say(capsys, "check", "images", "-o", "json")
    late = [item for item in json.loads(out)["findings"] if item["rule"] == "time-limit"]
    assert (code, [item["severity"] for item in late]) == (1, ["error"])
    assert "training takes 16.7 min" in late[0]["message"]
    (here / "datalint.yaml").write_text(recipe.replace("10 min", "1d"))
    code, out, _ = say(capsys, "check", "images", "-o", "json")
    assert (code, [item for item in json.loads(out)["findings"] if item["rule"] == "time-limit"]) == (0, [])
    code, out, _ = say(capsys, "estimate", "images")
    assert "fits: job time 16.7 min (16.7 min to 16.7 min), time limit 24.0 h" in out
    assert "less than the 500 ms of the model's steps" in out


@pytest.mark.parametrize("limit", ["12 hours", "h", "0", "-3", "99999999999999999999 d"])
def test_a_time_limit_that_is_none_is_refused_at_its_place(
    here: Path, capsys: pytest.CaptureFixture[str], limit: str
) -> None:
    (here / "datalint.yaml").write_text(f"training:\n  time_limit: {limit}\n")
    code, _, error = say(capsys, "check", "images")
    assert code == 2
    assert error.startswith("datalint: datalint.yaml:2:15: training.time_limit: ")


def test_where_no_batch_fits_it_is_said_in_words(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = say(capsys, "estimate", *FLAGS, "--loader", "array", "--target", "colab-free-t4")
    assert "largest batch: none" in out
