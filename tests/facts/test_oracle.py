"""Thousands of damaged files: our three verdicts against TensorFlow's own decoders and Pillow's."""

from __future__ import annotations

import io
import os
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from datalint.facts.extract import extract
from tests.conftest import ROOT
from tests.facts.damage import damaged
from tests.facts.originals import originals, real

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from datalint.facts.model import Facts

# JPEG and PNG carry enough redundancy to show damage; GIF some; BMP and lossy WebP none (docs/decoding.md).
REDUNDANT = {"jpeg", "png"}
KNOWN = {
    "gif_bit_rot": "a GIF with broken LZW data is called refused; giflib takes about one in ten",
    "jpeg_second_warning": "a JPEG with broken data before a premature end is called taken; TensorFlow refuses it",
}
"""Every way in which the TensorFlow column is known to differ; docs/decoding.md explains each under this name."""


@dataclass(frozen=True)
class Mutant:
    kind: str
    name: str
    format: str
    """Of the original."""
    facts: Facts
    pillow: bool
    tensorflow: bool
    wrong: float
    """Share of the pixels that TensorFlow gives otherwise than for the original; 1 where the size differs."""

    @property
    def found(self) -> bool:
        return self.facts.status != "ok"

    @property
    def harmed(self) -> bool:
        """The damage lies in the picture, not in its metadata."""
        return self.tensorflow is False or self.wrong > 0


@pytest.fixture(scope="module")
def decode() -> Callable[[bytes], np.ndarray[Any, Any] | None]:
    """tf.io.decode_image as image_dataset_from_directory calls it; None where it refuses."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    tensorflow = pytest.importorskip("tensorflow")

    def decoded(data: bytes) -> np.ndarray[Any, Any] | None:
        try:
            image = tensorflow.io.decode_image(data, channels=3, expand_animations=False)
        except tensorflow.errors.OpError:
            return None
        pixels: np.ndarray[Any, Any] = image.numpy().astype(np.int16)
        return pixels

    return decoded


def pillow_takes(data: bytes) -> bool:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(io.BytesIO(data)) as image:
                image.convert("RGB")
        except Exception:
            return False
    return True


def difference(one: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> float:
    if one.shape != other.shape:
        return 1.0
    return float((np.abs(one - other).max(axis=-1) > 16).mean())


@pytest.fixture(scope="module", params=["made", "real"])
def sources(request: pytest.FixtureRequest) -> dict[str, bytes]:
    return originals() if request.param == "made" else real(request.getfixturevalue("corpora"))


@pytest.fixture(scope="module")
def mutants(sources: dict[str, bytes], decode: Callable[[bytes], np.ndarray[Any, Any] | None]) -> list[Mutant]:
    return list(mutated(sources, decode))


def mutated(sources: dict[str, bytes], decode: Callable[[bytes], np.ndarray[Any, Any] | None]) -> Iterator[Mutant]:
    for seed, (name, data) in enumerate(sources.items()):
        whole, before = decode(data), extract(data)
        if whole is None or before.status != "ok":
            # Some of the real files are broken on purpose.
            assert whole is None
            assert before.status != "ok"
            continue
        for kind, bytes_ in damaged(data, np.random.default_rng(seed)):
            facts = extract(bytes_)
            if facts.status == "oversized":
                # Nobody should decode what claims to be that large.
                continue
            seen = decode(bytes_)
            yield Mutant(
                kind=kind,
                name=name,
                format=str(before.format),
                facts=facts,
                pillow=pillow_takes(bytes_),
                tensorflow=seen is not None,
                wrong=0.0 if seen is None else difference(seen, whole),
            )


def share(mutants: list[Mutant]) -> float:
    """Of those that the strict verdict finds."""
    assert len(mutants) >= 25, "too few to speak of a share"
    return sum(mutant.found for mutant in mutants) / len(mutants)


def test_there_are_enough_of_them(mutants: list[Mutant]) -> None:
    assert len(mutants) >= 2000
    assert len({mutant.kind for mutant in mutants}) == 18


def test_the_originals_are_called_whole(sources: dict[str, bytes]) -> None:
    called = Counter(extract(data).status for data in sources.values() if pillow_takes(data))
    assert set(called) == {"ok"}


def known(mutant: Mutant) -> str | None:
    if mutant.format == "gif" and mutant.facts.status == "damaged" and mutant.tensorflow:
        return "gif_bit_rot"
    if mutant.format == "jpeg" and mutant.facts.status == "damaged" and not mutant.tensorflow and mutant.pillow:
        return "jpeg_second_warning"
    return None


def test_the_tensorflow_column_is_what_tensorflow_says(mutants: list[Mutant]) -> None:
    differ = [mutant for mutant in mutants if mutant.facts.tensorflow != mutant.tensorflow]
    unexplained = [(mutant.kind, mutant.name, mutant.facts) for mutant in differ if known(mutant) is None]
    assert unexplained == []
    assert len(differ) / len(mutants) <= 0.005


@pytest.mark.parametrize("name", KNOWN)
def test_every_known_difference_is_documented(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "decoding.md").read_text("utf-8")


def test_the_pillow_column_is_what_pillow_says(mutants: list[Mutant]) -> None:
    differ = [(mutant.kind, mutant.name) for mutant in mutants if mutant.facts.pillow != mutant.pillow]
    assert differ == []


@pytest.mark.parametrize("kind", ["truncated", "tail_lost"])
def test_every_truncation_is_found(mutants: list[Mutant], kind: str) -> None:
    assert share([mutant for mutant in mutants if mutant.kind == kind]) == 1.0


@pytest.mark.parametrize(
    ("kind", "least"),
    [("zero_tail", 1.0), ("hole_4096", 1.0), ("hole_512", 0.85), ("flipped_16", 0.85), ("line_ends_grown", 1.0)],
)
def test_damage_to_the_picture_is_found(mutants: list[Mutant], kind: str, least: float) -> None:
    chosen = [mutant for mutant in mutants if mutant.kind == kind and mutant.format in REDUNDANT and mutant.harmed]
    assert share(chosen) >= least, [mutant.name for mutant in chosen if not mutant.found]


def test_jpegs_that_tensorflow_loads_with_wrong_pixels_are_found(mutants: list[Mutant]) -> None:
    silent = [mutant for mutant in mutants if mutant.format == "jpeg" and mutant.tensorflow and mutant.wrong >= 0.01]
    assert share(silent) >= 0.85


def test_bytes_after_the_end_are_no_damage(mutants: list[Mutant]) -> None:
    appended = [mutant for mutant in mutants if mutant.kind == "trailing"]
    assert share(appended) == 0.0
    told = [mutant.facts.trailing_bytes for mutant in appended if mutant.format in REDUNDANT]
    assert all(told)
