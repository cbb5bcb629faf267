"""What the name of a shard says: its set, its number, of how many, and whether it is one at all."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass

_NUMBERED = re.compile(
    r"^(?P<before>.*?)[-_.]?(?P<number>\d{1,9})[-_]of[-_](?P<total>\d{1,9})(?P<after>\..*)?$", re.IGNORECASE
)
_SUFFIXES = (".tfrecord", ".tfrecords", ".tfrec", ".tfr", ".record", ".records")
_PACKED = (".gz", ".gzip", ".zz", ".zlib")
# Indices that DALI and the `tfrecord` package keep beside a shard, descriptions, and scripts that make shards.
_NOT_SHARDS = (
    ".idx", ".index", ".idxs", ".txt", ".json", ".yaml", ".yml", ".csv", ".tsv", ".md", ".py", ".ipynb", ".sh", ".log",
    ".pbtxt", ".crc", ".md5", ".sha256", ".zip", ".tar", ".parquet", ".pdf", ".html",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Name:
    """`train-00003-of-00010.tfrecord` is number 3 of 10 of the set `train`; without numbers only the set is known."""

    series: str
    """With the folder it lies in."""
    number: int | None = None
    total: int | None = None


def parse(path: str) -> Name:
    """Of a path relative to the dataset's root."""
    folder, name = posixpath.split(path)
    match = _NUMBERED.match(name)
    stem = _bare(match["before"] if match else name)
    series = posixpath.join(folder, stem or name)
    if match is None:
        return Name(series)
    return Name(series, int(match["number"]), int(match["total"]))


def certain(path: str) -> bool:
    """Whether the name alone says that it is a shard."""
    name = posixpath.basename(path).lower()
    if "tfrec" not in name or name.startswith(".") or name.endswith(_NOT_SHARDS):
        return False
    match = _NUMBERED.match(name)
    return ".tfrec" in name or (match is not None and "tfrec" in match["before"])


def possible(path: str) -> bool:
    """Whether it may be one: `train-00000-of-01024`, `coco_val.record`, `my_tfrecords`. Its first bytes tell."""
    name = posixpath.basename(path).lower()
    if name.startswith(".") or name.endswith(_NOT_SHARDS):
        return False
    # Most names are dismissed without the pattern: a folder may hold millions.
    match = _NUMBERED.match(name) if "-of-" in name.replace("_", "-") else None
    if match is not None:
        return match["after"] is None or match["after"] in (*_PACKED, *_SUFFIXES) or match["before"].endswith(_SUFFIXES)
    return "tfrec" in name or _unpacked(name).endswith(_SUFFIXES)


def _unpacked(name: str) -> str:
    packed = next((suffix for suffix in _PACKED if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(packed)]


def _bare(name: str) -> str:
    """Without the suffixes of shards."""
    name = _unpacked(name)
    suffix = next((suffix for suffix in _SUFFIXES if name.lower().endswith(suffix)), "")
    return name[: len(name) - len(suffix)]
