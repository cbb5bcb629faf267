"""`datalint rehearse`: the real command, real TensorFlow, real pictures, and processes that are really killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import CLEAN_ENVIRONMENT, Repository, dataset, picture
from tests.facts.pictures import chunk, header, png, rows
from tests.facts.test_pillow import animation

MIB = 2**20
COMMAND = [sys.executable, "-m", "datalint", "rehearse"]


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """24 pictures that train and 8 that validate."""
    dataset(tmp_path / "images")
    configured(tmp_path, "{image_size: 64, batch: 8}")
    return tmp_path


@pytest.fixture
def tensorflow() -> None:
    """It is never imported here: only the child of the command does."""
    if find_spec("tensorflow") is None:
        pytest.skip("could not import 'tensorflow'")


def configured(folder: Path, training: str) -> None:
    (folder / "datalint.yaml").write_text(f"dataset: {{path: images}}\ntraining: {training}\n")


def rehearse(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *words], cwd=folder, check=False, capture_output=True, text=True, env=CLEAN_ENVIRONMENT
    )


def rehearsed(folder: Path, *words: str, code: int = 0) -> dict[str, Any]:
    run = rehearse(folder, "-o", "json", *words)
    assert run.returncode == code, run.stdout + run.stderr
    document: dict[str, Any] = json.loads(run.stdout)
    assert document["schema"] == "datalint/rehearsal-v1"
    return document


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
@pytest.mark.parametrize(
    "training",
    [
        "{image_size: 64, batch: 8}",
        "{image_size: 64, batch: 8, validation_split: 0.25, cache: memory, drop_remainder: true}",
        "{loader: files, image_size: 64, batch: 8, shuffle_buffer: 10, cache: disk, prefetch: 2}",
        "{loader: tfrecord, image_size: 64, batch: 8, shuffle_buffer: 10, dtype: uint8}",
        "{loader: files, image_size: original, batch: 8, shuffle_buffer: 2, shuffle_stage: batched}",
        "{loader: array, image_size: 64, batch: 8, array_split: copied, array_scale: divide_uint8, dtype: float64}",
        "{loader: array, image_size: 64, batch: 8, validation_split: 0.25, channels: 1, dtype: uint8}",
        "{loader: from_tensor_slices, image_size: 64, batch: 8, shuffle_buffer: 10, array_build: preallocated}",
        "{loader: sequence, image_size: 64, batch: 8, array_build: list_freed, array_scale: cast_and_divide}",
    ],
)
def test_every_recipe_that_is_predicted_is_run(here: Path, training: str) -> None:
    configured(here, training)
    document = rehearsed(here)
    assert (document["slice"]["images"]["train"], document["slice"]["images"]["val"]) == (24, 8)
    assert (document["refused"], document["ended"], document["unknown"]) == ({"samples": 0, "listed": []}, [], None)
    memory = document["memory"]
    assert memory["inside"], memory
    # A process with TensorFlow in it, in bytes.
    assert 200 * MIB < memory["base"] < memory["peak"] < 2000 * MIB
    assert document["rate"]["images"] >= 16
    assert 0 < document["rate"]["cpu_per_image"] < 1
    assert {row["stage"] for row in document["predicted"]} >= {"framework", "total"}
    assert document["versions"].keys() == {"tensorflow", "keras"}


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_a_sample_that_tensorflow_refuses_is_named_and_the_others_are_run(here: Path) -> None:
    bad = [here / "images/train/cat/0003.jpg", here / "images/train/dog/0007.jpg", here / "images/val/dog/0001.jpg"]
    whole = bad[0].read_bytes()
    bad[0].write_bytes(whole[: len(whole) // 2])
    bad[1].write_text("<!DOCTYPE html><title>404</title>")
    bad[2].write_bytes(b"")
    document = rehearsed(here, code=1)
    assert document["refused"]["samples"] == 3
    assert {item["path"]: "InvalidArgumentError" in item["error"] for item in document["refused"]["listed"]} == {
        str(path.relative_to(here)): True for path in bad
    }
    assert document["refused"]["listed"][0]["path"] == "images/train/cat/0003.jpg"
    assert (document["slice"]["images"]["train"], document["slice"]["images"]["val"]) == (22, 7)
    assert document["memory"]["peak"] > document["memory"]["base"]
    run = rehearse(here)
    assert run.returncode == 1
    assert "TensorFlow refused 3 of 32 samples; the first:\n  error images/train/cat/0003.jpg: Inv" in run.stdout
    assert "\nhost memory, 29 samples " in run.stdout


@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_data_of_which_nothing_is_sound_is_refused_and_not_unknown(here: Path) -> None:
    for path in sorted((here / "images").rglob("*.jpg")):
        path.write_bytes(path.read_bytes()[:200])
    document = rehearsed(here, code=1)
    assert document["refused"]["samples"] == document["slice"]["tried"] == 32
    assert document["memory"] is None


@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_a_link_to_nothing_is_refused_as_keras_would_list_it(here: Path) -> None:
    (here / "images/train/cat/z.jpg").symlink_to("/nowhere")
    (here / "images/train/cat/z.txt").symlink_to("/nowhere")
    document = rehearsed(here, code=1)
    assert (document["slice"]["tried"], document["refused"]["samples"]) == (33, 1)
    assert document["refused"]["listed"][0]["path"] == "images/train/cat/z.jpg"


@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_a_recipe_without_a_step_is_not_run(here: Path) -> None:
    configured(here, "{loader: files, image_size: 64, batch: 25, drop_remainder: true}")
    run = rehearse(here)
    assert run.returncode == 3
    assert "24 training images fill no batch of 25, and `drop_remainder` drops it" in run.stdout + run.stderr


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
@pytest.mark.skipif(sys.platform != "linux", reason="what it writes beyond its memory is noticed by glibc")
def test_a_sample_that_ends_tensorflow_itself_is_named_too(here: Path) -> None:
    (here / "images/train/cat/0003.png").write_bytes(animation("WEBP"))
    configured(here, "{loader: files, image_size: 64, batch: 8, channels: original}")
    document = rehearsed(here, code=1)
    [refused] = document["refused"]["listed"]
    assert refused["path"] == "images/train/cat/0003.png"
    assert "it ends the whole process: killed by SIG" in refused["error"]
    assert (document["slice"]["tried"], document["slice"]["images"]["train"], document["ended"]) == (33, 24, [])


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
def test_a_name_that_stops_keras_is_refused(here: Path) -> None:
    """The loader's links have names of their own, but the user's run has not."""
    picture(here / "images/train/cat/more.jpg", 77).rename(
        os.fsdecode(os.fsencode(here) + b"/images/train/cat/\xff.jpg")
    )
    assert "UnicodeDecodeError" in rehearsed(here, code=1)["refused"]["listed"][0]["error"]
    assert rehearsed(here, "--loader", "files")["refused"]["samples"] == 0


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_a_bomb_is_not_set_off(here: Path) -> None:
    """TensorFlow would ask for 1.2 GB before it found that next to nothing is in the file."""
    (here / "images/train/cat/0003.png").write_bytes(png(header(20_000, 20_000, 1, 0), rows(1, 125), chunk(b"IEND")))
    document = rehearsed(here)
    assert (document["slice"]["samples"], document["slice"]["of"], document["refused"]["samples"]) == (32, 33, 0)
    assert document["notes"] == ["files that are not rehearsed: 1 (larger than datalint decodes)"]


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_an_array_is_decoded_by_pillow(here: Path) -> None:
    """It takes what TensorFlow refuses, and the other way round: what counts is who decodes."""
    from PIL import Image

    Image.open(here / "images/train/cat/0003.jpg").save(here / "picture.tif")
    (here / "picture.tif").replace(here / "images/train/cat/0003.jpg")
    assert rehearsed(here, "--loader", "array")["refused"]["samples"] == 0
    assert rehearsed(here, "--loader", "files", code=1)["refused"]["samples"] == 1


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_a_slice_has_its_size_and_all_of_the_dataset_is_scaled_from_it(here: Path) -> None:
    """Enough bytes that they tell something: 32 pictures of 600 x 600 in an array."""
    configured(here, "{loader: array, image_size: 600, batch: 8}")
    document = rehearsed(here, "--slice", "16")
    assert (document["slice"]["samples"], document["slice"]["of"]) == (16, 32)
    assert (document["slice"]["images"]["train"], document["slice"]["images"]["val"]) == (12, 4)
    assert document["memory"]["factor"] == pytest.approx(1, abs=0.5)
    rows = {row["stage"]: row for row in document["scaled"]}
    total = next(row for row in document["predicted"] if row["stage"] == "total")
    memory = document["memory"]
    assert rows["beyond"]["expected"] == memory["data_measured"] - memory["data_predicted"]
    assert rows["framework"]["expected"] == memory["base"]
    assert rows["total"]["low"] <= total["low"]
    assert rows["total"]["high"] >= total["high"]
    text = rehearse(here, "--slice", "16").stdout
    assert "memory scaled from 16 of 32 samples: the prediction, with the framework as measured and with " in text
    assert "and with -" not in text


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_the_index_is_rehearsed_as_it_is(repository: Repository) -> None:
    (repository.folder / "images/train/cat/0000.jpg").write_bytes(b"broken, and not staged")
    assert rehearsed(repository.folder, "--staged")["refused"]["samples"] == 0
    assert rehearsed(repository.folder, code=1)["refused"]["listed"][0]["path"] == "images/train/cat/0000.jpg"


def written(kind: str, module: str = "keras.layers", **config: Any) -> dict[str, Any]:
    """A part of a model, as `model.to_json()` writes it."""
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


LAYERS = [
    written("InputLayer", batch_shape=[None, 64, 64, 3], dtype="float32", name="i"),
    written("Flatten", name="f"),
    written("Dense", units=3, name="d"),
]
MODEL = json.dumps(written("Sequential", "keras", name="p", layers=LAYERS))


@pytest.mark.exhaustive
@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_the_declared_model_makes_some_steps(here: Path) -> None:
    (here / "own.json").write_text(MODEL)
    configured(here, "{image_size: 64, batch: 8, model: own.json, optimizer: momentum}")
    model = rehearsed(here)["model"]
    assert (model["name"], model["steps"], model["why"]) == ("own.json", 3, "")
    assert model["peak"] > 200 * MIB
    (here / "own.json").write_text(MODEL.replace("keras.layers", "elsewhere"))
    assert "could not" in rehearsed(here)["model"]["why"].lower()
    configured(here, "{image_size: 96, batch: 8, model: own.json}")
    run = rehearse(here)
    assert run.returncode == 0
    assert "model own.json was not trained: it takes 64 x 64 x 3 and the recipe feeds 96 x 96 x 3" in run.stdout


@pytest.mark.parametrize(
    ("training", "reason"),
    [
        ("{loader: generator}", "loader generator"),
        ("{framework: pytorch}", "framework pytorch"),
        ("{loader: sequence}", "loader sequence"),
        ("{loader: array, image_size: 100000}", "are free here"),
    ],
)
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_what_is_not_run_is_said_with_its_reason(here: Path, training: str, reason: str) -> None:
    configured(here, training)
    run = rehearse(here)
    assert run.returncode == 3
    assert run.stdout.startswith("unknown: not rehearsed (")
    assert reason in run.stdout.splitlines()[0]
    document = rehearsed(here, code=3)
    assert reason in document["unknown"]
    assert (document["memory"], document["rate"], document["scaled"]) == (None, None, [])


@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_the_time_limit_is_a_result(here: Path) -> None:
    run = rehearse(here, "--time-limit", "0.3")
    assert run.returncode == 3
    assert "unfinished: the time limit ended it after 0 of 32 samples" in run.stdout


def test_without_tensorflow_the_extra_is_named(here: Path) -> None:
    code = "import sys; sys.modules['tensorflow'] = None; from datalint.cli import main; sys.exit(main(['rehearse']))"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=here, check=False, capture_output=True, text=True, env=CLEAN_ENVIRONMENT
    )
    assert (run.returncode, run.stdout) == (2, "")
    assert "TensorFlow, which is not installed here" in run.stderr
    assert "datalint-vision[tensorflow]" in run.stderr


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.usefixtures("tensorflow")
def test_the_command_itself_never_imports_tensorflow(here: Path) -> None:
    code = (
        "import sys; from datalint.cli import main; code = main(['rehearse', '-o', 'json']); "
        "print(code, [name for name in ('tensorflow', 'keras') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=here, check=True, capture_output=True, text=True, env=CLEAN_ENVIRONMENT
    )
    assert run.stdout.splitlines()[-1] == "0 []"


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
class TestKilled:
    """The command's children are found in /proc: one that asks for single samples, then one that runs the recipe."""

    @pytest.mark.slow
    @pytest.mark.tensorflow
    @pytest.mark.usefixtures("tensorflow")
    @pytest.mark.parametrize("nth", [1, 2])
    def test_a_killed_process_is_a_result(self, here: Path, nth: int) -> None:
        with started(here) as run:
            os.kill(child(run, nth), signal.SIGKILL)
            out, error = run.communicate(timeout=120)
        assert (run.returncode, error) == (1, "")
        assert "\nkilled by SIGKILL " in f"\n{out}"
        if nth == 2:
            assert "killed by SIGKILL before the first image: not as predicted (" in out

    @pytest.mark.slow
    @pytest.mark.tensorflow
    @pytest.mark.usefixtures("tensorflow")
    def test_it_is_said_how_far_the_killed_process_was(self, here: Path) -> None:
        configured(here, "{loader: array, image_size: 700, dtype: uint8, batch: 8}")
        with started(here, "-o", "json") as run:
            process = child(run, 2)
            while resident(process) < 700 * MIB:
                assert run.poll() is None, run.communicate()
                time.sleep(0.01)
            os.kill(process, signal.SIGKILL)
            out, _ = run.communicate(timeout=120)
        assert run.returncode == 1
        [end] = json.loads(out)["ended"]
        assert end["how"] == "killed"
        assert re.match(r"killed by SIGKILL after \d+ images were loaded: not as predicted \(", end["words"])
        assert " were seen, " in end["words"]

    @pytest.mark.tensorflow
    @pytest.mark.usefixtures("tensorflow")
    def test_ctrl_c_ends_both_processes(self, here: Path) -> None:
        with started(here) as run:
            process = child(run, 1)
            run.send_signal(signal.SIGINT)
            out, error = run.communicate(timeout=60)
        assert (run.returncode, out, error) == (130, "", "datalint: interrupted\n")
        assert gone(process)

    @pytest.mark.tensorflow
    @pytest.mark.usefixtures("tensorflow")
    def test_a_child_does_not_outlive_a_parent_that_is_killed(self, here: Path) -> None:
        with started(here) as run:
            process = child(run, 1)
            run.kill()
            run.communicate()
        assert gone(process)


def started(folder: Path, *words: str) -> subprocess.Popen[str]:
    for number in range(300):
        picture(folder / "images/train/cat" / f"more-{number}.jpg", number + 1000)
    return subprocess.Popen(
        [*COMMAND, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=CLEAN_ENVIRONMENT
    )


def child(run: subprocess.Popen[str], nth: int) -> int:
    """Process id of the nth process that rehearses, as soon as it is there."""
    seen: list[int] = []
    until = time.monotonic() + 120
    while time.monotonic() < until:
        for number in _children(run.pid):
            if number not in seen and "datalint.integrations.rehearsal" in _command(number):
                seen.append(number)
        if len(seen) >= nth:
            return seen[nth - 1]
        assert run.poll() is None, run.communicate()
        time.sleep(0.01)
    raise AssertionError("no process came")


def _children(process: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        try:
            found += [int(word) for word in task.read_text().split()]
        except OSError:
            continue
    return found


def _command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def resident(process: int) -> int:
    """Bytes; 0 for a process that is gone."""
    try:
        status = Path(f"/proc/{process}/status").read_text()
    except OSError:
        return 0
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def gone(process: int) -> bool:
    """Within a minute; a zombie that nobody waits for is gone."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            if ") Z " in Path(f"/proc/{process}/stat").read_text():
                return True
        except OSError:
            return True
        time.sleep(0.1)
    return False
