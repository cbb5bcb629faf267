"""`datalint estimate --compile` with the real XLA, and what `check` and `estimate` then know without it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from datalint.cli import main
from tests.e2e.conftest import dataset
from tests.e2e.test_dry_run import keras_writes, memory

GPU = "targets: {gpu: {host_memory: 64 GiB, accelerator: T4, accelerator_memory: 15109 MiB}}\ntarget: gpu\n"
RECIPE = (
    "dataset: {path: images}\n" + GPU + "training:\n  image_size: SIZE\n  batch: 16\n  executor: xla\n  model: MODEL\n"
)
NET = """\
import keras
from keras import layers

def built(*more):
    image = layers.Input((64, 64, 3))
    rest = [layers.Conv2D(16, 3, activation="relu"), *more, layers.GlobalAveragePooling2D(), layers.Dense(5)]
    return keras.Sequential([image, *rest])

def build():
    return built()

def raising():
    return build().no_such_thing

def huge():
    return built(layers.Flatten(), layers.Reshape((1, 1, -1)), layers.Dense(2_000_000_000))

def refused():
    import jax

    class Unknown(layers.Layer):
        def call(self, tensor):
            @jax.custom_vjp
            def same(value):
                return jax.ffi.ffi_call("no_such_kernel", jax.ShapeDtypeStruct(value.shape, value.dtype))(value)

            same.defvjp(lambda value: (same(value), None), lambda _, gradient: (gradient,))
            return same(tensor)

        def compute_output_spec(self, tensor):
            return keras.KerasTensor(tensor.shape, tensor.dtype)

    return built(Unknown())
"""

xla = pytest.mark.skipif(find_spec("jax_cuda12_plugin") is None, reason="the xla extra is not installed")


def write(folder: Path, model: str, *, size: int = 64, more: str = "") -> None:
    (folder / "net.py").write_text(NET)
    (folder / "datalint.yaml").write_text(RECIPE.replace("SIZE", str(size)).replace("MODEL", model) + more)


def datalint(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "datalint", *words]
    known = {**os.environ, **environment}
    return subprocess.run(command, cwd=folder, env=known, check=False, capture_output=True, text=True)


def without_jax(folder: Path) -> str:
    """A PYTHONPATH under which nobody can import it."""
    (folder / "hidden" / "jax").mkdir(parents=True)
    (folder / "hidden" / "jax" / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'jax'\")\n")
    return os.pathsep.join([str(folder / "hidden"), *filter(None, [os.environ.get("PYTHONPATH")])])


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A dataset whose model only the compiler knows, and the compilation."""
    folder = tmp_path_factory.mktemp("compiled")
    dataset(folder / "images")
    write(folder, "net:build")
    return folder, datalint(folder, "estimate", "--compile", "-o", "json")


@pytest.fixture
def copied(compiled: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path) -> Path:
    """The same with its cache, to be spoiled."""
    folder = tmp_path / "copy"
    shutil.copytree(compiled[0], folder)
    return folder


@xla
@pytest.mark.xla
def test_a_function_is_compiled_for_the_card_of_the_target(
    compiled: tuple[Path, subprocess.CompletedProcess[str]],
) -> None:
    found = memory(compiled[1])
    assert found["total"]["formula"].startswith("tier 2, compiled for NVIDIA T4: ")
    trained = 4 * (3 * 3 * 3 * 16 + 16 + 16 * 5 + 5)
    assert found["weights"]["expected"] == trained
    # Two of Adam for each, the number of steps and the learning rate.
    assert found["optimizer"]["expected"] == 2 * trained + 8
    # Two batches of images are there, and what backward reads of the convolution: 62 x 62 x 16 floats or their signs.
    image, tensor = 64 * 64 * 3 * 4, 62 * 62 * 16 * 4
    assert 16 * (2 * image + tensor / 4) < found["activations"]["expected"] < 16 * (2 * image + 4 * tensor)


@xla
@pytest.mark.xla
def test_afterwards_everybody_uses_the_reading_and_nothing_is_compiled(
    compiled: tuple[Path, subprocess.CompletedProcess[str]], tmp_path: Path
) -> None:
    folder, first = compiled
    hidden = without_jax(tmp_path)
    for words in ((), ("--compile",)):
        run = datalint(folder, "estimate", "-o", "json", *words, PYTHONPATH=hidden)
        assert (run.returncode, run.stderr) == (0, "")
        assert json.loads(run.stdout) == json.loads(first.stdout)
    report = json.loads(datalint(folder, "check", "-o", "json", PYTHONPATH=hidden).stdout)
    assert (report["verdict"].startswith("TRAINABLE"), report["not_checked"]) == (True, [])
    # 8, 16 and 256 were compiled: only what lies outside would be compiled again.
    codes = {
        batch: datalint(folder, "estimate", "--compile", "--batch", batch, PYTHONPATH=hidden).returncode
        for batch in ("8", "100", "256", "7", "257")
    }
    assert codes == {"8": 0, "100": 0, "256": 0, "7": 2, "257": 2}


@xla
@pytest.mark.xla
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("accelerator: T4", "accelerator: L4"),
        ("accelerator: T4", "accelerator: NVIDIA RTX 3060"),
        ("executor: xla", "executor: tf-graph"),
        ("batch: 16", "batch: 16\n  optimizer: sgd"),
    ],
)
def test_a_reading_is_not_used_for_another_card_executor_or_step(copied: Path, old: str, new: str) -> None:
    assert memory(datalint(copied, "estimate", "-o", "json"))
    written = (copied / "datalint.yaml").read_text()
    assert old in written
    (copied / "datalint.yaml").write_text(written.replace(old, new))
    run = datalint(copied, "estimate", "-o", "json")
    assert memory(run) == {}
    assert "no reading of it holds" in json.loads(run.stdout)["unknown"]["accelerator_memory"]
    (copied / "datalint.yaml").write_text(written.replace("batch: 16", "batch: 24"))
    assert memory(datalint(copied, "estimate", "-o", "json"))["total"]["formula"].startswith("tier 2, ")


@xla
@pytest.mark.xla
def test_a_changed_file_or_another_compiler_makes_the_reading_stale(copied: Path) -> None:
    [file] = (copied / ".datalint_cache" / "dry_run").glob("*.json")
    (copied / "net.py").write_text(NET + "# changed\n")
    assert memory(datalint(copied, "estimate", "-o", "json")) == {}
    (copied / "net.py").write_text(NET)
    assert memory(datalint(copied, "estimate", "-o", "json"))
    # A reading of other versions, whole and signed: what another machine, with another JAX, would have kept.
    code = (
        "import dataclasses, sys; from datalint import readings; from datalint.readings import Kept\n"
        "kept = readings._read(sys.argv[1], 'function net:build')\n"
        "changed = dataclasses.replace(kept.reading, **{sys.argv[2]: '0.1'})\n"
        "readings.store(sys.argv[3], 'net:build', None, Kept(changed, kept.files))\n"
    )
    for name in ("jax", "compiler", "keras", "described"):
        before = file.read_text()
        subprocess.run([sys.executable, "-c", code, str(file), name, str(file.parent)], cwd=copied, check=True)
        assert file.read_text() != before
        assert memory(datalint(copied, "estimate", "-o", "json")) == {}, name
        file.write_text(before)


@xla
@pytest.mark.exhaustive
@pytest.mark.xla
def test_an_application_agrees_with_the_walk(here: Path) -> None:
    write(here, "VGG16", size=224, more="  optimizer: momentum\n")
    walked = memory(datalint(here, "estimate", "-o", "json"))
    assert walked["total"]["formula"].startswith("tier 0, layer walk: ")
    found = memory(datalint(here, "estimate", "-o", "json", "--compile"))
    assert found["total"]["formula"].startswith("tier 2, compiled for NVIDIA T4: ")
    assert found["weights"]["expected"] == walked["weights"]["expected"]
    assert found["optimizer"]["expected"] == walked["optimizer"]["expected"] + 8
    assert found["total"]["low"] < walked["total"]["expected"] < found["total"]["high"]


@xla
@pytest.mark.exhaustive
@pytest.mark.xla
def test_a_file_is_compiled_with_a_layer_that_the_walk_does_not_know(here: Path) -> None:
    keras_writes(here)
    write(here, "own.json", more="  precision: mixed_float16\n  optimizer: momentum\n  gradient_accumulation: 4\n")
    assert memory(datalint(here, "estimate", "-o", "json")) == {}
    found = memory(datalint(here, "estimate", "-o", "json", "--compile"))
    trained = 4 * (3 * 3 * 3 * 8 + 8 + 8 * 2 + 2)
    assert found["weights"]["expected"] == trained
    # Velocity and what is summed up; the loss scale and the counters are a few bytes more.
    assert 2 * trained < found["optimizer"]["expected"] < 2 * trained + 100
    assert "in mixed_float16" in found["activations"]["formula"]
    written = (here / "datalint.yaml").read_text()
    (here / "datalint.yaml").write_text(written.replace("  executor: xla\n", ""))
    run = datalint(here, "estimate", "-o", "json")
    assert "of tf-graph only a dry run tells" in json.loads(run.stdout)["unknown"]["accelerator_memory"]


@xla
@pytest.mark.xla
def test_what_the_compiler_refuses_is_unknown_with_its_reason(here: Path) -> None:
    write(here, "net:refused")
    run = datalint(here, "estimate", "--compile", "-o", "json")
    assert memory(run) == {}
    reason = json.loads(run.stdout)["unknown"]["accelerator_memory"]
    assert reason.startswith("model net:refused: not compiled for T4: the compiler refuses a batch of 8: ")
    assert "no_such_kernel" in reason
    assert not list(here.glob(".datalint_cache/dry_run/*"))


@xla
@pytest.mark.xla
@pytest.mark.parametrize(
    ("model", "code", "words"),
    [
        ("net:raising", 2, "net.py:13: AttributeError: 'Sequential' object has no attribute 'no_such_thing'"),
        ("net:huge", 3, "compilation of net:huge: out of memory"),
    ],
)
def test_what_cannot_be_built_is_an_error(here: Path, model: str, code: int, words: str) -> None:
    write(here, model)
    run = datalint(here, "estimate", "--compile")
    assert (run.returncode, run.stdout) == (code, "")
    assert words in run.stderr


@xla
@pytest.mark.xla
def test_a_compilation_that_takes_too_long_is_ended_with_its_process(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    write(here, "net:build")
    assert main(["estimate", "--compile", "--compile-timeout", "0.5"]) == 3
    assert subprocess.run(["pgrep", "-P", str(os.getpid()), "-f", "compile_step"], check=False).returncode == 1
    assert "compilation of net:build: not done after 0 s, while it was built" in capfd.readouterr().err


def test_a_machine_without_jax_is_told_what_to_install(here: Path) -> None:
    write(here, "net:build")
    run = datalint(here, "estimate", "--compile", PYTHONPATH=without_jax(here))
    assert (run.returncode, run.stdout) == (2, "")
    assert "--compile needs Keras, JAX and its CUDA plugin: No module named 'jax'" in run.stderr
    assert "install datalint-vision with its extra `xla`" in run.stderr


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("T4", "NVIDIA RTX 3060", "--compile: not compiled: no description of NVIDIA RTX 3060"),
        ("T4", "TPU v3 core", "--compile: not compiled: no description of TPU v3 core"),
        ("accelerator: T4, ", "", "--compile: not compiled: no description of the accelerator of gpu"),
        (", accelerator: T4, accelerator_memory: 15109 MiB", "", "--compile: the target gpu has no accelerator"),
        (
            "executor: xla",
            "executor: tf-graph",
            "--compile tells what XLA takes, and the recipe's executor is tf-graph",
        ),
        ("executor: xla", "framework: pytorch", "--compile measures Keras, and the recipe trains with PyTorch"),
        ("  model: ResNet50\n", "", "--compile measures a model: say `training.model` or --model"),
    ],
)
def test_what_cannot_be_compiled_says_why(here: Path, old: str, new: str, words: str) -> None:
    write(here, "ResNet50")
    written = (here / "datalint.yaml").read_text()
    assert old in written
    (here / "datalint.yaml").write_text(written.replace(old, new))
    run = datalint(here, "estimate", "--compile")
    assert (run.returncode, run.stdout) == (2, "")
    assert words in run.stderr
