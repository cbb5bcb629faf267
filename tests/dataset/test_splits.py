"""Names that mean a split, as published datasets write them, and words that only look like one."""

from __future__ import annotations

import pytest

from datalint.dataset.splits import meaning, meanings


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("train", "train"), ("Training Set", "train"), ("training_set", "train"), ("train2017", "train"),
        ("trainset", "train"), ("images_train", "train"), ("train-data", "train"), ("TrainImages", "train"),
        ("val2017", "val"), ("valid", "val"), ("validation_images", "val"), ("dev", "val"),
        ("test_set", "test"), ("test1", "test"), ("testset", "test"),
        ("test_tube", None), ("train_station", None), ("bullet train", None), ("trains", None), ("trainval", None),
        ("train_val", None), ("val_test", None), (".train", None), ("value", None), ("contest", None), ("2017", None),
        ("", None), ("images", None),
    ],
)  # fmt: skip
def test_a_folder_means_a_split_by_itself_only_with_words_that_add_nothing(name: str, split: str | None) -> None:
    assert meaning(name) == split


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["seg_train", "seg_test", "seg_pred"], {"seg_train": "train", "seg_test": "test"}),
        (["k10-train", "k10-val"], {"k10-train": "train", "k10-val": "val"}),
        (["cars_train", "cars_test"], {"cars_train": "train", "cars_test": "test"}),
        (["seg_train", "bus"], {}),
        (["bullet_train", "steam_train"], {}),
        (["test_tube", "train_station"], {}),
        (["left_train", "right_test"], {}),
        (["train", "extra_test"], {"train": "train"}),
    ],
)
def test_other_words_mean_splits_where_they_come_in_pairs(names: list[str], found: dict[str, str]) -> None:
    assert meanings(names) == found
