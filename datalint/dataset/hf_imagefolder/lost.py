"""What `datasets.load_dataset` refuses in such a folder, and what it leaves out without a word (versions 3.6 and 5.2).

Each was seen with the library itself; tests/dataset/test_hf_imagefolder.py holds the folders.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from datalint.dataset import hf_splits, layout
from datalint.dataset.hf_imagefolder.metadata import NAMES, image_columns

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from datalint.dataset.hf_imagefolder.metadata import Metadata

    Problem = tuple[str, str, str]

REFUSED, LOST = "metadata-refused", "metadata-lost"
"""Kinds of problems: the library raises; it goes on without labels or images."""
_URL = re.compile(r"://")
_NEAR = frozenset({*NAMES, "metadata.tsv", "metadata.ndjson", "metadata.xlsx"})


def of_names(files: Sequence[str]) -> Iterator[Problem]:
    """Kind, path and words for files that are called almost like metadata, in folders that have none."""
    homes = {path.rpartition("/")[0] for path in files if path.rpartition("/")[2] in NAMES}
    for path in files:
        home, _, name = path.rpartition("/")
        if name not in NAMES and name.lower() in _NEAR and home not in homes:
            yield LOST, path, "only metadata.csv, metadata.jsonl and metadata.parquet are read: its rows are left out"


def of_columns(found: Sequence[Metadata], split_of: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Kind, path and words for metadata whose columns or suffixes do not go together."""
    read = [each for each in found if each.name in split_of]
    for each in read:
        beside = [other for other in read if set(split_of[other.name]) & set(split_of[each.name])]
        if not each.images and not each.bad:
            known = ", ".join(each.header[:12]) or "nothing"
            words = f"no column file_name, *_file_name or file_names among {known}"
            alone = not any(other.images for other in beside)
            yield (REFUSED, each.name, words) if alone else (LOST, each.name, f"{words}: its rows have no image")
        elif not each.bad and not image_columns(each.to_pandas):
            # It reads with pandas' defaults (folder_based_builder.py: `pd.read_csv(file, chunksize=...)`).
            known = ", ".join(map(repr, each.to_pandas[:12]))
            words = f"pandas parts columns at commas alone, and no column is file_name: it reads {known}"
            yield REFUSED, each.name, words
        elif not each.bad and not any(other.rows for other in beside):
            yield REFUSED, each.name, "it has a header and no row"
    suffixes = sorted({each.suffix for each in read})
    if len(suffixes) > 1:
        other = next(each for each in read if each.suffix != read[0].suffix)
        yield REFUSED, other.name, f"{read[0].name} ends otherwise, and all metadata files must end alike"
        return
    # Within one split, columns that a file lacks are None, and those that only it has are left out.
    first: dict[str, Metadata] = {}
    for each in read:
        for split in split_of[each.name]:
            first.setdefault(split, each)
    firsts = [first[split] for split in hf_splits.ordered(first)]
    for other in firsts[1:]:
        if set(firsts[0].header) != set(other.header):
            differ = ", ".join(sorted(set(firsts[0].header) ^ set(other.header))[:8])
            words = f"splits must have the same columns, and only one of this and {firsts[0].name} has {differ}"
            yield REFUSED, other.name, words


def of_splits(
    found: Sequence[Metadata], images: Collection[str], split_of: Mapping[str, Sequence[str]]
) -> Iterator[Problem]:
    """Kind, path and words for splits that have no metadata, and metadata that lies in no split."""
    with_images = {split for path in images for split in split_of.get(path, ())}
    with_metadata = {split for each in found for split in split_of.get(each.name, ())}
    for each in found:
        if each.name not in split_of:
            splits = ", ".join(hf_splits.ordered(with_images))
            yield LOST, each.name, f"it lies in none of the splits ({splits}), so that it is never read"
    met = False
    for split in hf_splits.ordered(with_images | with_metadata):
        if split in with_metadata:
            met = True
        elif met:
            folder = _home(images, split, split_of)
            yield (
                REFUSED,
                folder,
                f'the split {split} has images and no metadata: Instruction "{split}" corresponds to no data!',
            )
        elif with_metadata:
            folder = _home(images, split, split_of)
            yield LOST, folder, f"the split {split} has no metadata: every label of it is None"


def _home(images: Collection[str], split: str, split_of: Mapping[str, Sequence[str]]) -> str:
    """The folder that all images of a split lie in."""
    folders = [path.rpartition("/")[0] for path in images if split in split_of.get(path, ())]
    return os.path.commonpath(folders) if folders else ""


def of_folders(images: Collection[str], split_of: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    """Kind, path and words for folders that are no split where others are."""
    folders: dict[str, int] = {}
    for path in images:
        if path not in split_of and not any(part.startswith((".", "__")) for part in path.split("/")):
            top = path.rpartition("/")[0]
            folders[top] = folders.get(top, 0) + 1
    for folder, n in sorted(folders.items()):
        words = "1 image lies in no split and is" if n == 1 else f"{n:,} images lie in no split and are"
        yield LOST, folder, f"{words} never read"


def refused(written: str) -> str | None:
    """Words for a path that the library refuses (its guard against CWE-22), which stops the whole load."""
    if _URL.search(written):
        return "is a URL, and a file_name must be a relative path"
    path = os.path.normpath(written).replace("\\", "/")
    if path.startswith("/"):
        return "is an absolute path, and a file_name must be relative to its metadata file"
    if path == ".." or path.startswith("../"):
        return "leads out of the folder of its metadata file"
    return None


def is_image(path: str) -> bool:
    """By the suffixes that both the library and the other loaders take for images."""
    return layout.suffix(path) in layout.KERAS | layout.TORCHVISION | {".jfif", ".jpe", ".jp2", ".tga", ".ico", ".psd"}
