"""What is known of one file's bytes: the content-derived columns of the table `files`."""

from __future__ import annotations

from dataclasses import dataclass, fields

# Part of the cache key: raise it whenever the same bytes could give another fact.
EXTRACTOR = "6"
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
    trailing_bytes: int | None = None
    brightness: float | None = None
    contrast: float | None = None
    sharpness: float | None = None
    entropy: float | None = None
    phash: int | None = None

    def blame(self, status: str, cause: str, detail: str) -> None:
        """Record the first thing that is wrong; what comes later is its consequence."""
        if self.status == "ok":
            self.status, self.cause, self.detail = status, cause, detail

    def size(self, width: int, height: int, channels: int, bit_depth: int) -> None:
        """Dimensions in pixels and what follows from them."""
        self.width, self.height, self.channels, self.bit_depth = width, height, channels, bit_depth
        self.megapixels = width * height / 1e6
        self.decoded_bytes = min(width * height * channels * max(1, bit_depth // 8), _LARGEST)


FIELDS = tuple(field.name for field in fields(Facts))


def failure(status: str, cause: str, detail: str) -> Facts:
    """Facts of a file whose bytes nobody could judge."""
    return Facts(status=status, cause=cause, detail=detail)
