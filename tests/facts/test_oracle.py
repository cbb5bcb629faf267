"""Thousands of damaged files: our three verdicts against TensorFlow's own decoders and Pillow's."""

from __future__ import annotations

import io
import os
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from datalint.facts.extract import extract
from tests.conftest import ROOT
from tests.facts.damage import PLAN, damaged
from tests.facts.originals import originals, real

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from datalint.facts.model import Facts

    Pixels = np.ndarray[Any, np.dtype[np.int16]]

# JPEG and PNG carry enough redundancy to show damage; GIF some; BMP and WebP none (docs/decoding.md).
REDUNDANT = {"jpeg", "png"}
HARMLESS = {"whole", "trailing"}
KNOWN = {"gif_bit_rot": "a GIF with broken LZW data is called refused; giflib takes about one in ten"}
"""Every way in which the TensorFlow column is known to differ; docs/decoding.md explains each under this name."""


@dataclass(frozen=True)
class File:
    kind: str
    """Of the damage; "whole" where there is none."""
    name: str
    data: bytes
    format: str
    """Of the original."""
    facts: Facts
    pillow: bool
    """Whether Pillow decodes it."""
    harmed: bool
    """Pillow refuses it or gives another picture: the damage is not in its metadata alone."""

    @property
    def found(self) -> bool:
        return self.facts.status != "ok"


@dataclass(frozen=True)
class Judged(File):
    shapes: dict[int, tuple[int, ...] | None]
    """What TensorFlow gives by the channels that it is asked for (0: those of the file); None where it refuses."""
    wrong: float
    """Share of the pixels that TensorFlow gives otherwise than for the original; 1 where the size differs."""

    @property
    def tensorflow(self) -> bool:
        return self.shapes[3] is not None

    @property
    def predicted(self) -> dict[int, bool | None]:
        """Of each number of channels, whether our columns say that TensorFlow takes the file."""
        given = self.facts.tensorflow_channels
        return {
            0: None if given is None else given > 0,
            1: self.facts.tensorflow_1,
            3: self.facts.tensorflow,
            4: self.facts.tensorflow_4,
        }


def shown(data: bytes) -> tuple[tuple[int, int], bytes] | None:
    """What PyTorch's loaders get from Pillow; None where it refuses."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                picture = image.convert("RGB")
        except Exception:
            return None
    return picture.size, picture.tobytes()


def difference(one: Pixels, other: Pixels) -> float:
    if one.shape != other.shape:
        return 1.0
    return float((np.abs(one - other).max(axis=-1) > 16).mean())


@pytest.fixture(scope="module", params=["made", pytest.param("real", marks=pytest.mark.corpus)])
def sources(request: pytest.FixtureRequest) -> dict[str, bytes]:
    return originals() if request.param == "made" else real(request.getfixturevalue("corpora"))


@pytest.fixture(scope="module")
def files(sources: dict[str, bytes]) -> list[File]:
    return [file for seed, (name, data) in enumerate(sources.items()) for file in damage_to(name, data, seed)]


def damage_to(name: str, original: bytes, seed: int) -> Iterator[File]:
    before, picture = extract(original), shown(original)
    if picture is None:
        # Some of the real files are broken on purpose.
        assert before.status != "ok"
        return
    for kind, data in [("whole", original), *damaged(original, np.random.default_rng(seed))]:
        now = shown(data)
        yield File(kind, name, data, str(before.format), extract(data), now is not None, now != picture)


@pytest.fixture(scope="module")
def judged(files: list[File]) -> list[Judged]:
    """The files with what tf.io.decode_image makes of them when it is called as image_dataset_from_directory does, for
    each of its color_modes, and for no number of channels at all.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = pytest.importorskip("tensorflow")

    def decoded(data: bytes, channels: int) -> Pixels | None:
        try:
            image = tensorflow.io.decode_image(data, channels=channels, expand_animations=False)
        except tensorflow.errors.OpError:
            return None
        pixels: Pixels = image.numpy().astype(np.int16)
        return pixels

    whole: Pixels | None = None
    result = []
    for file in files:
        # Nobody should decode what claims to be that large.
        if file.facts.status != "oversized":
            given = {channels: decoded(file.data, channels) for channels in (0, 1, 3, 4)}
            now = given[3]
            whole = now if file.kind == "whole" else whole
            wrong = 0.0 if now is None else 1.0 if whole is None else difference(now, whole)
            shapes = {channels: None if pixels is None else pixels.shape for channels, pixels in given.items()}
            result.append(Judged(**vars(file), shapes=shapes, wrong=wrong))
    return result


def share(files: Iterable[File]) -> float:
    """Of those that the strict verdict finds."""
    found = [file.found for file in files]
    assert len(found) >= 25, "too few to speak of a share"
    return sum(found) / len(found)


def test_there_are_enough_of_them(files: list[File]) -> None:
    assert sum(file.kind not in HARMLESS for file in files) >= 2000
    assert {file.kind for file in files} == {damage.__name__ for damage in PLAN} | {"whole"}


def known(file: Judged) -> str | None:
    if file.format == "gif" and file.facts.status == "damaged" and file.tensorflow:
        return "gif_bit_rot"
    return None


@pytest.mark.tensorflow
@pytest.mark.parametrize("channels", [0, 1, 3, 4])
def test_the_tensorflow_columns_are_what_tensorflow_says(judged: list[Judged], channels: int) -> None:
    differ = [file for file in judged if file.predicted[channels] is not (file.shapes[channels] is not None)]
    assert [(file.kind, file.name, file.facts) for file in differ if known(file) is None] == []
    assert len(differ) / len(judged) <= 0.005


@pytest.mark.tensorflow
def test_the_shape_is_what_tensorflow_gives(judged: list[Judged]) -> None:
    def shape(facts: Facts) -> tuple[int | None, ...]:
        return facts.tensorflow_height, facts.tensorflow_width, facts.tensorflow_channels

    # Of what Pillow cannot open the size is not known.
    taken = [file for file in judged if file.shapes[0] is not None and file.predicted[0] and file.pillow]
    assert len(taken) >= 500
    assert [(file.kind, file.name, file.facts) for file in taken if shape(file.facts) != file.shapes[0]] == []


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_difference_is_documented(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "decoding.md").read_text("utf-8")


def test_the_pillow_column_is_what_pillow_says(files: list[File]) -> None:
    assert [(file.kind, file.name) for file in files if file.facts.pillow != file.pillow] == []


@pytest.mark.parametrize("kind", ["truncated", "tail_lost"])
def test_every_truncation_is_found(files: list[File], kind: str) -> None:
    assert share(file for file in files if file.kind == kind) == 1.0


@pytest.mark.parametrize(
    ("kind", "least"),
    [("zero_tail", 1.0), ("hole_4096", 1.0), ("hole_512", 0.85), ("flipped_16", 0.85), ("line_ends_grown", 1.0)],
)
def test_damage_to_the_picture_is_found(files: list[File], kind: str, least: float) -> None:
    chosen = [file for file in files if file.kind == kind and file.format in REDUNDANT and file.harmed]
    assert share(chosen) >= least, [file.name for file in chosen if not file.found]


@pytest.mark.tensorflow
def test_jpegs_that_tensorflow_loads_with_wrong_pixels_are_found(judged: list[Judged]) -> None:
    silent = [file for file in judged if file.format == "jpeg" and file.tensorflow and file.wrong >= 0.01]
    assert share(silent) >= 0.85


def test_whole_files_and_bytes_after_the_end_raise_no_alarm(files: list[File]) -> None:
    harmless = [file for file in files if file.kind in HARMLESS]
    assert share(harmless) == 0.0
    told = [file.facts.trailing_bytes for file in harmless if file.format in REDUNDANT and file.kind == "trailing"]
    assert all(told)
