"""What is known of one file's bytes: the content-derived columns of the table `files`."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

# Part of the cache key: raise it whenever the same bytes could give another fact.
EXTRACTOR = "10"
MASKS = "masks, "
"""How the version of facts that know the values of masks begins."""
PLANES = "planes 4, "
"""How the version of facts begins that hold small pictures to compare, and nothing else."""
_LARGEST = (1 << 63) - 1
"""What a BIGINT column holds: a hostile header multiplies to more."""


@dataclass(slots=True)
class Facts:
    """One value per column; None where it is not known. Units and meanings stand in datalint/tables.py."""

    status: str = "ok"
    cause: str | None = None
    detail: str | None = None
    format: str | None = None
    width: int | None = None
    height: int | None = None
    channels: int | None = None
    mode: str | None = None
    bit_depth: int | None = None
    frames: int | None = None
    orientation: int | None = None
    megapixels: float | None = None
    decoded_bytes: int | None = None
    progressive: bool | None = None
    pillow: bool | None = None
    tensorflow: bool | None = None
    tensorflow_1: bool | None = None
    tensorflow_4: bool | None = None
    tensorflow_channels: int | None = None
    tensorflow_width: int | None = None
    tensorflow_height: int | None = None
    misread: str | None = None
    trailing_bytes: int | None = None
    metadata_bytes: int | None = None
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None
    entropy: float | None = None
    colour_entropy: float | None = None
    phash: int | None = None
    mask_values: str | None = None
    mask_n_values: int | None = None
    mask_min: int | None = None
    mask_max: int | None = None
    plane: bytes | None = None
    fine_plane: bytes | None = None

    def blame(self, status: str, cause: str, detail: str) -> None:
        """Record the first thing that is wrong; what comes later is its consequence."""
        if self.status == "ok":
            self.status, self.cause, self.detail = status, cause, detail

    def size(self, width: int, height: int, channels: int, bit_depth: int) -> None:
        """Dimensions in pixels and what follows from them."""
        self.width, self.height, self.channels, self.bit_depth = width, height, channels, bit_depth
        self.megapixels = width * height / 1e6
        self.decoded_bytes = min(width * height * channels * max(1, bit_depth // 8), _LARGEST)

    def tensorflow_takes(
        self, channels: int, *, asked: Collection[int] = (1, 3, 4), width: int | None = None, height: int | None = None
    ) -> None:
        """TensorFlow decodes it: into `channels` where no number is asked for, else into any of `asked`."""
        self.tensorflow, self.tensorflow_1, self.tensorflow_4 = (number in asked for number in (3, 1, 4))
        self.tensorflow_channels = channels
        self.tensorflow_width = self.width if width is None else width
        self.tensorflow_height = self.height if height is None else height

    def tensorflow_refuses(self) -> None:
        """It raises, whatever is asked for."""
        self.tensorflow = self.tensorflow_1 = self.tensorflow_4 = False
        self.tensorflow_channels = 0
        self.tensorflow_width = self.tensorflow_height = self.misread = None

    def tensorflow_unknown(self) -> None:
        """Nobody asked it."""
        self.tensorflow_refuses()
        self.tensorflow = self.tensorflow_1 = self.tensorflow_4 = self.tensorflow_channels = None


FIELDS = tuple(field.name for field in fields(Facts))


def failure(status: str, cause: str, detail: str) -> Facts:
    """Facts of a file whose bytes nobody could judge."""
    return Facts(status=status, cause=cause, detail=detail)
