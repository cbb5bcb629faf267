"""`datalint estimate --dry-run` with the real TensorFlow, and what `check` and `estimate` then know without it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from datalint import readings
from datalint.cli import main
from datalint.footprint.dry_run import Reading
from datalint.footprint.model import load
from datalint.footprint.peaks import Asked, Peak
from datalint.readings import Kept
from datalint.versions import installed
from tests.e2e.conftest import CONFIG, Repository, dataset

MIB = 2**20
GPU = "targets: {gpu: {host_memory: 64 GiB, accelerator: T4, accelerator_memory: 15109 MiB}}\ntarget: gpu\n"
RECIPE = (
    "dataset: {path: images}\n"
    + GPU
    + "training:\n  image_size: SIZE\n  batch: 16\n  executor: tf-graph\n  model: MODEL\n"
)
NET = """\
import keras
from keras import layers
import numbers_of_net

class Twice(layers.Layer):
    def call(self, tensor):
        from only_when_called import POWER
        print("what a model prints is no answer")
        assert POWER == 2
        return tensor + keras.ops.square(tensor)

def build():
    image = layers.Input((64, 64, 3))
    x = Twice()(layers.Conv2D(numbers_of_net.FILTERS, 3, activation="relu")(image))
    return keras.Model(image, layers.Dense(5, activation="softmax")(layers.GlobalAveragePooling2D()(x)))

def compiled():
    model = build()
    model.compile(keras.optimizers.SGD(momentum=0.9), "mse")
    return model

def listing():
    import os
    assert os.listdir(os.path.join(os.path.dirname(__file__), "images"))
    return build()

def raising():
    return build().no_such_thing

def nothing():
    pass

def two():
    images = [layers.Input((64, 64, 3)), layers.Input((64, 64, 3))]
    return keras.Model(images, layers.Dense(2)(layers.Flatten()(layers.Add()(images))))

def huge():
    return keras.Sequential([layers.Input((64, 64, 3)), layers.Flatten(), layers.Dense(100_000_000)])

def killed():
    import os
    os.kill(os.getpid(), 9)

def endless():
    import time
    time.sleep(600)
"""

tensorflow = pytest.mark.skipif(find_spec("tensorflow") is None, reason="the tensorflow extra is not installed")


def write(folder: Path, model: str, *, size: int = 64, more: str = "") -> None:
    (folder / "net.py").write_text(NET)
    (folder / "numbers_of_net.py").write_text("FILTERS = 16\n")
    (folder / "only_when_called.py").write_text("POWER = 2\n")
    (folder / "datalint.yaml").write_text(RECIPE.replace("SIZE", str(size)).replace("MODEL", model) + more)


def datalint(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "datalint", *words]
    return subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)


def memory(run: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    """Rows of the accelerator's memory by stage; empty where nothing is predicted."""
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)["footprint"]
    return {row["stage"]: row for row in found if row["resource"] == "accelerator_memory"}


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A dataset whose model only a dry run knows, and the dry run."""
    folder = tmp_path_factory.mktemp("measured")
    dataset(folder / "images")
    write(folder, "net:build")
    return folder, datalint(folder, "estimate", "--dry-run", "-o", "json")


@pytest.fixture
def copied(measured: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path) -> Path:
    """The same with its cache, to be spoiled."""
    folder = tmp_path / "copy"
    shutil.copytree(measured[0], folder)
    return folder


@tensorflow
@pytest.mark.tensorflow
def test_a_function_is_measured_and_its_steps_are_bounds(
    measured: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    found = memory(measured[1])
    assert found["total"]["formula"].startswith("tier 1, dry run: ")
    assert found["weights"]["expected"] == 4 * (3 * 3 * 3 * 16 + 16 + 16 * 5 + 5)
    # The gradients of Twice, of the ReLU and of the pooling read tensors of 62 x 62 x 16 floats.
    tensor = 16 * 62 * 62 * 16 * 4
    assert 2 * tensor < found["activations"]["expected"] < 20 * tensor
    assert json.loads(measured[1].stdout)["assumed"]["optimizer"] == "adam"


@tensorflow
@pytest.mark.tensorflow
def test_afterwards_everybody_uses_the_reading_without_tensorflow(
    measured: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    folder, first = measured
    code = (
        "import sys; from datalint.cli import main; main(['estimate', '-o', 'json']); main(['check', '-o', 'json=r']); "
        "print([name for name in sys.modules if name.split('.')[0] in ('tensorflow', 'keras', 'net')])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True)
    text, _, names = run.stdout.strip().rpartition("\n")
    assert names == "[]"
    assert json.loads(text)["footprint"] == json.loads(first.stdout)["footprint"]
    report = json.loads((folder / "r").read_text())
    assert (report["verdict"].startswith("TRAINABLE"), report["not_checked"]) == (True, [])


@tensorflow
@pytest.mark.tensorflow
@pytest.mark.parametrize("name", ["net.py", "numbers_of_net.py", "only_when_called.py"])
def test_a_changed_file_behind_the_function_makes_the_reading_stale(copied: Path, name: str) -> None:
    assert memory(datalint(copied, "estimate", "-o", "json"))
    before = (copied / name).read_text()
    (copied / name).write_text(f"{before}# changed\n")
    run = datalint(copied, "estimate", "-o", "json")
    assert memory(run) == {}
    assert "measured only by `datalint estimate --dry-run`" in json.loads(run.stdout)["unknown"]["accelerator_memory"]
    report = json.loads(datalint(copied, "check", "-o", "json").stdout)
    assert [item["what"] for item in report["not_checked"]] == ["accelerator memory of net:build"]
    (copied / name).write_text(before)
    assert memory(datalint(copied, "estimate", "-o", "json"))


@tensorflow
@pytest.mark.tensorflow
def test_a_reading_is_not_used_for_other_steps_or_without_the_cache(copied: Path) -> None:
    written = (copied / "datalint.yaml").read_text()
    for other in ("  optimizer: sgd\n", "  precision: mixed_float16\n", "  gradient_accumulation: 2\n"):
        (copied / "datalint.yaml").write_text(written + other)
        assert memory(datalint(copied, "estimate", "-o", "json")) == {}
    (copied / "datalint.yaml").write_text(written + "  optimizer: adam\n  precision: float32\n")
    assert memory(datalint(copied, "estimate", "-o", "json"))["total"]["formula"].startswith("tier 1")
    assert memory(datalint(copied, "estimate", "-o", "json", "--no-cache")) == {}


@tensorflow
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: "[]",
        lambda text: "{" * 100_000,
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"weights": ', '"weights": 9'),
        lambda text: text.replace('"schema": 1', '"schema": 2'),
        lambda text: text.replace('"digest": "', '"digest": "0'),
        lambda text: text.replace('"keras": "', '"keras": "0.'),
    ],
)
def test_a_spoiled_reading_is_no_figure_and_no_crash(copied: Path, spoil: Any) -> None:
    [file] = (copied / ".datalint_cache" / "dry_run").glob("*.json")
    changed = spoil(file.read_text())
    assert changed != file.read_text()
    file.write_text(changed)
    assert memory(datalint(copied, "estimate", "-o", "json")) == {}
    assert datalint(copied, "check").returncode == 0


@tensorflow
@pytest.mark.tensorflow
def test_an_application_is_measured_at_the_size_of_the_recipe(here: Path) -> None:
    write(here, "MobileNet", size=64)
    walked = memory(datalint(here, "estimate", "-o", "json"))
    assert walked["total"]["formula"].startswith("tier 0, layer walk: ")
    found = memory(datalint(here, "estimate", "-o", "json", "--dry-run"))
    assert found["total"]["formula"].startswith("tier 1, dry run: ")
    assert found["weights"]["expected"] == walked["weights"]["expected"] == 4 * 4_253_864
    # Two variables more: the number of steps, and the learning rate.
    assert found["optimizer"]["expected"] == walked["optimizer"]["expected"] + 12
    assert found["total"]["low"] < walked["total"]["expected"] < found["total"]["high"]
    assert memory(datalint(here, "estimate", "-o", "json")) == found


FILES = """\
import keras
from keras import layers

def net(*more):
    image = layers.Input((64, 64, 3))
    rest = [layers.Conv2D(8, 3), *more, layers.GlobalAveragePooling2D(), layers.Dense(2)]
    return keras.Sequential([image, *rest])

open("own.json", "w").write(net(layers.UnitNormalization()).to_json())
open("lambda.json", "w").write(net(layers.Lambda(lambda tensor: tensor)).to_json())
saved = net()
saved.compile(keras.optimizers.SGD(momentum=0.9), "mse")
saved.save("own.keras")
"""


def keras_writes(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", FILES], cwd=folder, capture_output=True, check=True)


@tensorflow
@pytest.mark.tensorflow
def test_a_file_is_measured_with_a_layer_that_the_walk_does_not_know(here: Path) -> None:
    keras_writes(here)
    write(here, "own.json", more="  precision: mixed_float16\n  optimizer: momentum\n  gradient_accumulation: 4\n")
    run = datalint(here, "estimate", "-o", "json")
    assert "layer class UnitNormalization is not known" in json.loads(run.stdout)["unknown"]["accelerator_memory"]
    found = memory(datalint(here, "estimate", "-o", "json", "--dry-run"))
    trained = 4 * (3 * 3 * 3 * 8 + 8 + 8 * 2 + 2)
    assert found["weights"]["expected"] == trained
    # Velocity and what is summed up; the loss scale and the counters are a few bytes more.
    assert 2 * trained < found["optimizer"]["expected"] < 2 * trained + 100
    assert "in mixed_float16" in found["activations"]["formula"]
    (here / "own.json").write_text((here / "own.json").read_text().replace('"filters": 8', '"filters": 9'))
    assert memory(datalint(here, "estimate", "-o", "json")) == {}


@tensorflow
@pytest.mark.exhaustive
@pytest.mark.tensorflow
def test_a_saved_model_is_measured_and_code_in_a_file_is_refused(here: Path) -> None:
    keras_writes(here)
    write(here, "own.keras")
    walked = memory(datalint(here, "estimate", "-o", "json"))
    found = memory(datalint(here, "estimate", "-o", "json", "--dry-run"))
    assert found["optimizer"]["formula"] == "the variables of momentum, as built"
    assert found["weights"]["expected"] == walked["weights"]["expected"] == 4 * (3 * 3 * 3 * 8 + 8 + 8 * 2 + 2)
    assert found["total"]["formula"].startswith("tier 1, dry run: ")
    write(here, "lambda.json")
    run = datalint(here, "estimate", "--dry-run")
    assert (run.returncode, run.stdout) == (2, "")
    assert "training.model: lambda.json: Keras does not build it: " in run.stderr
    assert "deserialization of" in run.stderr


@tensorflow
@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("model", "code", "words"),
    [
        ("net:raising", 2, "net.py:28: AttributeError: 'Functional' object has no attribute 'no_such_thing'"),
        pytest.param("net:nothing", 2, "it returned no Keras model but NoneType", marks=pytest.mark.exhaustive),
        pytest.param("net:two", 2, "it has 2 inputs, and the recipe feeds one image", marks=pytest.mark.exhaustive),
        pytest.param(
            "net:absent", 2, "AttributeError: module 'net' has no attribute 'absent'", marks=pytest.mark.exhaustive
        ),
        ("nowhere:build", 2, "ModuleNotFoundError: No module named 'nowhere'"),
        pytest.param(
            "net:huge",
            3,
            "net:huge: out of memory allocating tensor with shape[12288,100000000] (while it was built)",
            marks=pytest.mark.exhaustive,
        ),
        ("net:killed", 3, "dry run of net:killed: killed by SIGKILL, while it was built"),
    ],
)
def test_what_cannot_be_measured_is_an_error_and_never_the_walk(here: Path, model: str, code: int, words: str) -> None:
    write(here, model)
    run = datalint(here, "estimate", "--dry-run")
    assert (run.returncode, run.stdout) == (code, "")
    assert words in run.stderr
    if code == 2:
        assert run.stderr.startswith(f"datalint: datalint.yaml:8:10: training.model: {model}: ")
    assert not list(here.glob(".datalint_cache/dry_run/*"))


@tensorflow
@pytest.mark.tensorflow
def test_a_size_that_the_function_does_not_take_is_told(here: Path) -> None:
    write(here, "net:build", size=96)
    run = datalint(here, "estimate", "--dry-run")
    assert run.returncode == 2
    assert "it takes 64 x 64 x 3 and the recipe feeds 96 x 96 x 3: say `image_size`" in run.stderr


@tensorflow
@pytest.mark.tensorflow
def test_a_compiled_model_keeps_its_optimizer(here: Path) -> None:
    write(here, "net:compiled")
    run = datalint(here, "estimate", "--dry-run", "-o", "json")
    assert memory(run)["optimizer"]["formula"] == "the variables of momentum, as built"
    assert json.loads(run.stdout)["assumed"]["optimizer"] == "momentum"


@tensorflow
@pytest.mark.tensorflow
@pytest.mark.parametrize("model", ["net:listing", "elsewhere:build"])
def test_what_nobody_can_watch_is_not_remembered(
    here: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory, model: str
) -> None:
    write(here, model)
    other = tmp_path_factory.mktemp("elsewhere")
    (other / "elsewhere.py").write_text("from net import build\n")
    monkeypatch.setenv("PYTHONPATH", str(other))
    run = datalint(here, "estimate", "--dry-run", "-o", "json")
    assert memory(run)["total"]["formula"].startswith("tier 1, dry run: ")
    assert f"the dry run of {model} is not remembered: it lists a folder" in run.stderr
    assert memory(datalint(here, "estimate", "-o", "json")) == {}


def test_a_dry_run_that_takes_too_long_is_ended_with_its_process(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write(here, "net:endless")
    assert main(["estimate", "--dry-run", "--dry-run-timeout", "3"]) == 3
    assert subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "train_step"], check=False).returncode == 1
    assert "dry run of net:endless: not done after 3 s" in capfd.readouterr().err


def test_a_machine_without_tensorflow_is_told_so(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "hidden" / "tensorflow").mkdir(parents=True)
    absent = "raise ModuleNotFoundError(\"No module named 'tensorflow'\")\n"
    (here / "hidden" / "tensorflow" / "__init__.py").write_text(absent)
    monkeypatch.setenv("PYTHONPATH", str(here / "hidden"))
    write(here, "ResNet50", size=224)
    run = datalint(here, "estimate", "--dry-run")
    assert (run.returncode, run.stdout) == (2, "")
    assert "--dry-run needs TensorFlow: No module named 'tensorflow'" in run.stderr
    assert "extra `tensorflow`" in run.stderr


@pytest.mark.parametrize(
    ("model", "words", "message"),
    [
        ("net:build", ("--staged",), "leave --staged and --tree out"),
        ("null", (), "--dry-run measures a model"),
        ("ResNet50\n  framework: pytorch", (), "the recipe trains with PyTorch"),
        ("ResNet50", ("--target", "colab-cpu"), "the target colab-cpu has no accelerator"),
        ("VGG16", (), "the top of VGG16 goes with 224 x 224 x 3 alone"),
    ],
)
def test_a_dry_run_that_makes_no_sense_is_refused(
    repository: Repository, model: str, words: tuple[str, ...], message: str
) -> None:
    write(repository.folder, model)
    text = (repository.folder / "datalint.yaml").read_text()
    if "pytorch" in model:
        text = text.replace("  executor: tf-graph\n", "")
    (repository.folder / "datalint.yaml").write_text(text.replace("  model: null\n", ""))
    repository.git("add", "-A")
    run = repository.datalint("estimate", "--dry-run", *words)
    assert (run.returncode, run.stdout) == (2, "")
    assert message in run.stderr


def test_without_the_flag_no_code_of_the_user_runs(here: Path) -> None:
    write(here, "net:build")
    (here / "net.py").write_text("open('ran', 'w')\n")
    run = datalint(here, "estimate", "-o", "json")
    assert "measured only by `datalint estimate --dry-run`" in json.loads(run.stdout)["unknown"]["accelerator_memory"]
    assert json.loads(datalint(here, "check", "-o", "json").stdout)["verdict"] == "UNDECIDED"
    assert not (here / "ran").exists()


def huge() -> Reading:
    """Of a step that no card of 15 GiB runs, under the versions that are installed here."""
    found = {name: version or "1" for name, version in installed().items()}
    return Reading(
        asked=Asked((224, 224, 3), "float32", "adam", accumulates=False),
        shape=(224, 224, 3),
        precision="float32",
        optimizer="adam",
        peaks=(Peak(2, 40_000 * MIB), Peak(4, 50_000 * MIB), Peak(8, 60_000 * MIB)),
        weights=MIB,
        slots=MIB,
        parameters=1,
        workspace=0.0,
        keras=found["keras"],
        tensorflow=found["tensorflow"],
    )


def judged(repository: Repository) -> tuple[int, bool]:
    run = repository.datalint("check", "--staged")
    return run.returncode, "memory-accelerator" in run.stdout


def test_a_remembered_verdict_is_judged_again_after_a_dry_run(repository: Repository) -> None:
    said = CONFIG.replace("{batch: 4}", "{batch: 4, image_size: 224, model: ResNet50, executor: tf-graph}")
    (repository.folder / "datalint.yaml").write_text(said + GPU)
    repository.git("add", "-A")
    assert judged(repository) == (0, False)
    cache = repository.folder / ".datalint_cache"
    readings.store(str(cache / readings.FOLDER), "ResNet50", load.application("ResNet50"), Kept(huge()))
    assert judged(repository) == (1, True)
    # A cache that came with a commit decides nothing.
    (cache / ".gitignore").unlink()
    repository.git("add", "-A")
    assert judged(repository) == (0, False)


def test_in_the_index_the_staged_code_counts(repository: Repository) -> None:
    said = CONFIG.replace("{batch: 4}", "{batch: 4, image_size: 224, model: 'net:build', executor: tf-graph}")
    (repository.folder / "datalint.yaml").write_text(said + GPU)
    (repository.folder / "net.py").write_text("one\n")
    repository.git("add", "-A")
    asked = replace(huge(), asked=Asked((224, 224, 3), None, None, accumulates=False))
    files = {"net.py": hashlib.sha256(b"one\n").hexdigest()}
    folder = str(repository.folder / ".datalint_cache" / readings.FOLDER)
    readings.store(folder, "net:build", None, Kept(asked, files))
    (repository.folder / "net.py").write_text("another\n")
    assert [judged(repository), judged(repository)] == [(1, True), (1, True)]
    repository.git("add", "-A")
    assert [judged(repository), judged(repository)] == [(0, False), (0, False)]


@pytest.mark.parametrize("name", ["keras", "tensorflow"])
def test_another_version_than_the_installed_one_is_stale(here: Path, name: str) -> None:
    if installed()[name] is None:
        pytest.skip(f"{name} is not installed: there is no other version")
    write(here, "ResNet50", size=224)
    folder = str(here / ".datalint_cache" / readings.FOLDER)
    readings.store(folder, "ResNet50", load.application("ResNet50"), Kept(huge()))
    assert memory(datalint(here, "estimate", "-o", "json"))["total"]["formula"].startswith("tier 1")
    changed = replace(huge(), keras="0.1") if name == "keras" else replace(huge(), tensorflow="0.1")
    readings.store(folder, "ResNet50", load.application("ResNet50"), Kept(changed))
    assert memory(datalint(here, "estimate", "-o", "json"))["total"]["formula"].startswith("tier 0")
