"""CRC32C as TFRecord masks it (tensorflow/core/lib/hash/crc32c.h)."""

from __future__ import annotations

import google_crc32c

from datalint.errors import UnfinishedError

if google_crc32c.implementation != "c":
    # In Python it would take a minute per gigabyte, twenty times all the rest.
    raise UnfinishedError("google-crc32c has no C library here, so no TFRecord can be checked: reinstall it as a wheel")

value = google_crc32c.value


def masked(data: bytes) -> int:
    """CRC of bytes that may hold CRCs themselves."""
    crc: int = value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
