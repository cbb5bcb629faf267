"""Records of a shard one by one, with their CRCs checked; what is wrong is kept, and reading goes on if it can."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.dataset.tfrecord.checksum import masked, value
from datalint.dataset.tfrecord.index import Damage
from datalint.dataset.tfrecord.stream import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.dataset.tfrecord.stream import Stream

FOOTER = 4
LARGEST = (1 << 31) - 1
"""No message of protocol buffers is longer: such a record is passed over."""
_MOST = 100
_WHOLE = 16 << 10
"""Up to here a record is read together with the header of the next, and cut out of that."""


@dataclass(slots=True)
class Frames:
    """Iterates over number, offset of the data and data of the sound records; then the rest is known."""

    stream: Stream
    damage: list[Damage] = field(default_factory=list)
    damaged: int = 0
    """Records with a wrong data CRC."""
    count: int = 0
    """Records, sound or not, whose whole length is there."""

    def __iter__(self) -> Iterator[tuple[int, int, bytes]]:
        read, unpack = self.stream.read, HEADER.unpack_from
        offset = 0
        head = read(12)
        while len(head) == 12:
            length, crc = unpack(head)
            if masked(head[:8]) != crc:
                self._blame("bad-length-crc", offset, f"the CRC of its length does not match ({length:,} bytes)")
                return
            if length > LARGEST:
                if not self._passed(offset, length):
                    return
                rest = read(12)
            elif length < _WHOLE:
                body = read(length + 16)
                data, rest = body[:length], body[length:]
                if len(rest) < FOOTER:
                    self._short(offset, length, len(body))
                    return
            else:
                data, rest = read(length), read(16)
                if len(rest) < FOOTER:
                    self._short(offset, length, len(data) + len(rest))
                    return
            if length <= LARGEST:
                # checksum.masked, written out: it is asked for every record.
                crc = value(data)
                crc = (crc >> 15 | crc << 17) + 0xA282EAD8 & 0xFFFFFFFF
                if crc == int.from_bytes(rest[:FOOTER], "little"):
                    yield self.count, offset + 12, data
                else:
                    self.damaged += 1
                    self._blame("bad-data-crc", offset, f"the CRC of its {length:,} bytes does not match")
                head = rest[FOOTER:]
            else:
                head = rest
            offset += length + 16
            self.count += 1
        self._end(offset, len(head))

    def _passed(self, offset: int, length: int) -> bool:
        if self.stream.skip(length + FOOTER):
            self._blame("too-large", offset, f"it has {length:,} bytes, more than any Example may have ({LARGEST:,})")
            return True
        self._blame("truncated", offset, f"it states {length:,} bytes, and the shard ends before")
        return False

    def _short(self, offset: int, length: int, there: int) -> None:
        if self.stream.fault is not None:
            self._blame("not-decompressed", offset, f"it cannot be decompressed: {self.stream.fault}")
        else:
            self._blame("truncated", offset, f"it has {length + FOOTER:,} bytes, and {there:,} of them are there")

    def _end(self, offset: int, left: int) -> None:
        if self.stream.fault is not None:
            self._blame("not-decompressed", offset, f"it cannot be decompressed: {self.stream.fault}")
        elif left:
            # Of a compressed shard TensorFlow takes that for the end.
            cause = "truncated-header" if self.stream.packed else "truncated"
            self._blame(cause, offset, f"{left} of the 12 bytes of its header are there")
        elif self.stream.cut:
            self._blame("no-end-marker", offset, "the compressed stream ends before its end marker")

    def _blame(self, cause: str, offset: int, detail: str) -> None:
        # A shard of noise must not fill the memory; the first ones are told, and what ends the shard.
        if len(self.damage) < _MOST or cause != "bad-data-crc":
            self.damage.append(Damage(cause, self.count, offset, detail))
