"""Which split `datasets.load_dataset` puts a file of a folder in (datasets/data_files.py, versions 3.6 and 5.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from datalint.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

KEYWORDS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""Split -> words that mean it, in the order in which the library asks; in lower case only."""
_SEPARATOR = r"[-._ 0-9]"
_WORDS = {split: "|".join(words) for split, words in KEYWORDS.items()}
_FOLDER = {split: re.compile(rf"(?:.*{_SEPARATOR})?(?:{words})(?:{_SEPARATOR}.*)?") for split, words in _WORDS.items()}
_FILE = {split: re.compile(rf"(?:.*{_SEPARATOR})?(?:{words}){_SEPARATOR}.*") for split, words in _WORDS.items()}
SHARD = re.compile(r"(?P<series>.+)-(?P<number>[0-9]{5})-of-(?P<shards>[0-9]{5})(?P<rest>.*\..*)")
"""`train-00000-of-00005.parquet`, and what may follow the count."""
_NOT_DATA = frozenset(
    {"README.md", "config.json", "dataset_info.json", "dataset_infos.json", "dummy_data.zip", "dataset_dict.json"}
)


def splits_of(files: Iterable[str]) -> Mapping[str, Sequence[str]]:
    """Path -> its splits, mostly one; a file that is not in the answer is never read.

    Shards in `data/` count first, then names of folders, then those of files; the first that says anything decides.
    """
    files = [path for path in files if _seen(path)]
    for asked in (_of_shard, _of_folders, _of_file):
        found = {path: splits for path in files if (splits := asked(path))}
        if found:
            return found
    return dict.fromkeys(files, ("train",))


def ordered(splits: Iterable[str]) -> list[str]:
    """As the library goes through them: the usual ones, then the others by name."""
    usual = list(KEYWORDS)
    return sorted(set(splits), key=lambda split: (usual.index(split) if split in usual else len(usual), split))


def named(files: Iterable[str]) -> bool:
    """Whether anything is named after a split; else all is `train`."""
    seen = [path for path in files if _seen(path)]
    return any(asked(path) for asked in (_of_shard, _of_folders, _of_file) for path in seen)


def refuse_column(split_of: Mapping[str, Sequence[str]], columns: Mapping[str, str]) -> None:
    """UsageError for a declared column of splits where names of files or folders are the splits."""
    found = ordered({split for splits in split_of.values() for split in splits})
    if "split" in columns and len(found) > 1:
        raise UsageError(
            f"dataset.columns.split is not used: names of files or folders are the splits ({', '.join(found)})",
            hint="leave the key out: dataset.splits says what each is",
            keys=("dataset", "columns", "split"),
        )


def _seen(path: str) -> bool:
    *folders, name = path.split("/")
    hidden = name.startswith(".") or any(folder.startswith((".", "__")) for folder in folders)
    return not hidden and name not in _NOT_DATA


def _of_shard(path: str) -> Sequence[str]:
    folder, _, name = path.rpartition("/")
    found = SHARD.fullmatch(name) if folder == "data" else None
    return (found["series"],) if found else ()


def _of_folders(path: str) -> Sequence[str]:
    return _matching(_FOLDER, path.split("/")[:-1])


def _of_file(path: str) -> Sequence[str]:
    return _matching(_FILE, [path.rpartition("/")[2]])


def _matching(patterns: Mapping[str, re.Pattern[str]], names: Sequence[str]) -> Sequence[str]:
    return tuple(split for split, pattern in patterns.items() if any(map(pattern.fullmatch, names)))
