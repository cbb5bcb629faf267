"""Names that mean a split, as people write them on folders and in columns."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# fastai's column `is_valid`, as pandas and JSON write it.
IS_VALID = {"False": "train", "false": "train", "0": "train", "True": "val", "true": "val", "1": "val"}
SPLITS = {
    "train": "train", "training": "train", "trn": "train",
    "val": "val", "valid": "val", "validation": "val", "validate": "val", "dev": "val", "eval": "val",
    "evaluation": "val",
    "test": "test", "testing": "test", "tst": "test", "holdout": "test",
}  # fmt: skip
# Words beside which `train` still means the split: train2017, training_set, train-images.
NEUTRAL = frozenset(
    {"data", "dataset", "files", "folder", "image", "images", "img", "imgs", "photos", "pics", "pictures", "samples",
     "set", "split"}
)  # fmt: skip
_GLUED = re.compile(rf"\b({'|'.join(sorted(SPLITS, key=len, reverse=True))})(set|data|images|imgs)\b")


def split_name(name: str) -> str:
    """The usual name of a split (`validation` is `val`), else the name as it stands."""
    return SPLITS.get(name.strip().lower(), name.strip())


def meaning(name: str) -> str | None:
    """Split that a folder's name means by itself: `train2017` and `training_set` do, `test_tube` does not."""
    found = _parts(name)
    return found[0] if found and not any(found[1]) else None


def meanings(names: Iterable[str]) -> dict[str, str]:
    """Name -> split for the folders of one place: `seg_train` beside `seg_test` is one, alone it is not."""
    found: dict[str, str] = {}
    alike: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for name in names:
        parts = _parts(name)
        if parts is None:
            continue
        if any(parts[1]):
            alike[parts[1]][name] = parts[0]
        else:
            found[name] = parts[0]
    for group in alike.values():
        if len(set(group.values())) > 1:
            found.update(group)
    return found


def _parts(name: str) -> tuple[str, tuple[str, str]] | None:
    """The split that one word of a name means, and the words before and after it that are not neutral."""
    words = _GLUED.sub(r"\1 \2", re.sub(r"[\W\d_]+", " ", name.lower())).split()
    places = [place for place, word in enumerate(words) if word in SPLITS]
    if len(places) != 1 or name.startswith("."):
        return None
    before, after = (
        " ".join(word for word in some if word not in NEUTRAL) for some in (words[: places[0]], words[places[0] + 1 :])
    )
    return SPLITS[words[places[0]]], (before, after)


def declared_folder(folder: str, declared: Mapping[str, str]) -> str | None:
    """The declared name that a folder below the root is, or lies in; the first of several."""
    return next((name for name in declared if f"{folder}/".startswith(f"{name.strip('/')}/")), None)
