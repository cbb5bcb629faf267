"""Damage as it happens to files, seeded: each kind takes whole bytes and gives damaged ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

    Damage = Callable[[bytes, np.random.Generator], bytes]


def truncated(data: bytes, rng: np.random.Generator) -> bytes:
    """A download that stopped, anywhere between the first bytes and the last."""
    return data[: int(rng.integers(4, len(data)))]


def tail_lost(data: bytes, rng: np.random.Generator) -> bytes:
    """The last few bytes are missing."""
    return data[: -int(rng.integers(1, 64))]


def zero_tail(data: bytes, rng: np.random.Generator) -> bytes:
    """Space was reserved and never written."""
    at = int(rng.integers(64, len(data) - 64))
    return data[:at] + bytes(len(data) - at)


def hole_4096(data: bytes, rng: np.random.Generator) -> bytes:
    """A page that never reached the disk."""
    return _hole(data, rng, 4096)


def hole_512(data: bytes, rng: np.random.Generator) -> bytes:
    """A sector that never reached the disk."""
    return _hole(data, rng, 512)


def _hole(data: bytes, rng: np.random.Generator, size: int) -> bytes:
    at = int(rng.integers(0, len(data) - size))
    return data[:at] + bytes(size) + data[at + size :]


def flipped_16(data: bytes, rng: np.random.Generator) -> bytes:
    """16 bits flipped, each anywhere."""
    return _flipped(data, rng, 16)


def flipped_1(data: bytes, rng: np.random.Generator) -> bytes:
    """One bit flipped."""
    return _flipped(data, rng, 1)


def _flipped(data: bytes, rng: np.random.Generator, bits: int) -> bytes:
    out = bytearray(data)
    for at in rng.choice(len(data) * 8, bits, replace=False):
        out[at // 8] ^= 1 << int(at % 8)
    return bytes(out)


def random_bytes(data: bytes, rng: np.random.Generator) -> bytes:
    """Eight bytes overwritten."""
    at = int(rng.integers(0, len(data) - 8))
    return data[:at] + rng.bytes(8) + data[at + 8 :]


def header_flipped(data: bytes, rng: np.random.Generator) -> bytes:
    """One bit of the first 512 bytes flipped."""
    return _flipped(data[:512], rng, 1) + data[512:]


def header_zeroed(data: bytes, rng: np.random.Generator) -> bytes:
    """Up to 64 zeros in the first 512 bytes."""
    at, size = int(rng.integers(0, 448)), int(rng.integers(4, 64))
    return data[:at] + bytes(size) + data[at + size :]


def line_ends_grown(data: bytes, rng: np.random.Generator) -> bytes:
    """LF became CR LF: a checkout of a file that git took for text."""
    return data.replace(b"\n", b"\r\n")


def line_ends_shrunk(data: bytes, rng: np.random.Generator) -> bytes:
    """CR LF became LF: a commit of a file that git took for text."""
    return data.replace(b"\r\n", b"\n")


def as_text(data: bytes, rng: np.random.Generator) -> bytes:
    """Read as UTF-8 and written again; what is no UTF-8 became a replacement character."""
    return data.decode("utf-8", "replace").encode()


def byte_lost(data: bytes, rng: np.random.Generator) -> bytes:
    """One byte is missing."""
    at = int(rng.integers(0, len(data)))
    return data[:at] + data[at + 1 :]


def byte_added(data: bytes, rng: np.random.Generator) -> bytes:
    """One byte too many."""
    at = int(rng.integers(1, len(data)))
    return data[:at] + rng.bytes(1) + data[at:]


def blocks_swapped(data: bytes, rng: np.random.Generator) -> bytes:
    """Two sectors changed places."""
    one, other = sorted(int(at) * 512 for at in rng.choice(len(data) // 512, 2, replace=False))
    return (
        data[:one] + data[other : other + 512] + data[one + 512 : other] + data[one : one + 512] + data[other + 512 :]
    )


def tail_of_another(data: bytes, rng: np.random.Generator) -> bytes:
    """The second half is noise, as after a wrong resume of a download."""
    at = int(rng.integers(len(data) // 4, len(data) - 64))
    return data[:at] + rng.bytes(len(data) - at)


def trailing(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes after the end; harmless."""
    more = (bytes(100), rng.bytes(777), b"\n", data[: len(data) // 2])
    return data + more[int(rng.integers(len(more)))]


PLAN: dict[Damage, int] = {
    truncated: 6,
    tail_lost: 2,
    zero_tail: 5,
    hole_4096: 6,
    hole_512: 8,
    flipped_16: 8,
    flipped_1: 2,
    random_bytes: 3,
    header_flipped: 4,
    header_zeroed: 3,
    line_ends_grown: 1,
    line_ends_shrunk: 1,
    as_text: 1,
    byte_lost: 2,
    byte_added: 2,
    blocks_swapped: 2,
    tail_of_another: 2,
    trailing: 3,
}
"""How many of each kind a file gets."""


def damaged(data: bytes, rng: np.random.Generator) -> Iterator[tuple[str, bytes]]:
    """Name and bytes; what the damage happened to leave as it was is left out."""
    for damage, times in PLAN.items():
        for _ in range(times):
            made = damage(data, rng)
            if made != data:
                yield damage.__name__, made
