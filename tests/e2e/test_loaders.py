"""What stops Keras' own loaders is an error of the real command, and what does not stop them is none."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.e2e.conftest import CLEAN_ENVIRONMENT

COLOR_MODES = {1: "grayscale", 3: "rgb", 4: "rgba"}


@pytest.fixture(scope="module")
def keras() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    pytest.importorskip("tensorflow")
    return pytest.importorskip("keras")


def judged(folder: Path, rule: str, training: str = "{}") -> list[dict[str, Any]]:
    """Findings of one rule about `images`."""
    (folder / "datalint.yaml").write_text(f"dataset: {{path: images}}\ntraining: {training}\n")
    command = [sys.executable, "-m", "datalint", "check", "--select", rule, "-o", "json"]
    process = subprocess.run(command, cwd=folder, check=False, capture_output=True, env=CLEAN_ENVIRONMENT)
    findings: list[dict[str, Any]] = json.loads(process.stdout)["findings"]
    return findings


def loads(keras: Any, folder: Path, color_mode: str = "rgb") -> bool:
    """Whether image_dataset_from_directory comes to the end of an epoch."""
    import tensorflow

    try:
        batches = keras.utils.image_dataset_from_directory(
            folder / "images", color_mode=color_mode, image_size=(8, 8), verbose=False
        )
        for _ in batches:
            pass
    except (ValueError, tensorflow.errors.InvalidArgumentError):
        return False
    return True


def colourful(mode: str = "RGB") -> Image.Image:
    image = Image.new("RGB", (16, 16), (200, 30, 30))
    image.paste((30, 30, 200), (0, 0, 8, 16))
    return image.convert(mode)


@pytest.mark.tensorflow
@pytest.mark.parametrize("channels", COLOR_MODES)
@pytest.mark.parametrize(
    ("name", "mode"), [("a.jpg", "RGB"), ("a.jpg", "CMYK"), ("a.png", "P"), ("a.gif", "P"), ("a.bmp", "RGB")]
)
def test_a_format_is_judged_for_the_channels_that_are_loaded(
    keras: Any, tmp_path: Path, name: str, mode: str, channels: int
) -> None:
    for label in ("cat", "dog"):
        (tmp_path / "images" / label).mkdir(parents=True)
        colourful(mode).save(tmp_path / "images" / label / name)
    findings = judged(tmp_path, "unsupported-by-tensorflow", f"{{channels: {channels}}}")
    assert (findings == []) is loads(keras, tmp_path, COLOR_MODES[channels])
    assert {finding["severity"] for finding in findings} <= {"error"}


@pytest.mark.tensorflow
@pytest.mark.parametrize(
    ("place", "stops"),
    [
        (b"cat/\xff.png", True),
        (b"cat/\xff/a.png", True),
        (b"\xff/a.png", True),
        (b"cat/\xff.txt", False),
        (b"cat/\xff", False),
        (b"cat/\\xff.png", False),
        ("cat/\u00ff.png".encode(), False),
    ],
)
def test_a_path_that_is_not_utf8_is_an_error_where_it_stops_keras(
    keras: Any, tmp_path: Path, place: bytes, *, stops: bool
) -> None:
    for label in ("cat", "dog"):
        (tmp_path / "images" / label).mkdir(parents=True)
        colourful().save(tmp_path / "images" / label / "plain.png")
    path = Path(os.fsdecode(os.fsencode(tmp_path / "images") + b"/" + place))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((tmp_path / "images/cat/plain.png").read_bytes())
    assert loads(keras, tmp_path) is not stops
    assert [finding["severity"] for finding in judged(tmp_path, "path-not-utf8")] == ["error"] * stops
    generator = judged(tmp_path, "path-not-utf8", "{loader: generator}")
    assert [finding["severity"] for finding in generator] == ["warning"] * stops
