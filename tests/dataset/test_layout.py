"""Names of files and folders, as loaders and people understand them."""

from __future__ import annotations

from importlib import import_module

import pytest

from datalint.dataset import layout, splits

NAMES = [
    "1.jpg", "1.JPG", "1.JpEg", "a.b.png", "1.gif", "1.bmp", "1.jpg.bak", "1.jpg ", "jpg", "1jpg", "1.", ".jpg", ".PNG",
    "..jpg", ".hidden.jpg", "._1.jpg", "README", ".gitignore", "1.tiff", "1.webp", "",
]  # fmt: skip


@pytest.mark.tensorflow
@pytest.mark.parametrize("name", NAMES)
def test_keras_takes_a_file_by_the_suffix_that_we_see(name: str) -> None:
    pytest.importorskip("keras")
    taken = import_module("keras.src.utils.image_dataset_utils").ALLOWLIST_FORMATS
    assert (layout.suffix(name) in layout.KERAS) == name.lower().endswith(taken)


@pytest.mark.parametrize(
    ("path", "suffix"),
    [("a.jpg/1", ""), ("a.b/1.PNG", ".png"), (".cache/.jpg", ".jpg"), (".x/.profile", ""), ("cat/1.tar.gz", ".gz")],
)
def test_the_suffix_is_that_of_the_file_and_never_of_a_folder(path: str, suffix: str) -> None:
    assert layout.suffix(path) == suffix


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("train", "train"), ("Training", "train"), ("validation", "val"), ("VALID", "val"), (" dev ", "val"),
        ("holdout", "test"), ("extra", "extra"), ("Fold 1", "Fold 1"), (" extra ", "extra"), ("trains", "trains"),
    ],
)  # fmt: skip
def test_a_split_has_its_usual_name_whatever_people_write(name: str, usual: str) -> None:
    assert splits.split_name(name) == usual


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("cat/.DS_Store", "os-junk"),
        ("cat/THUMBS.DB", "os-junk"),
        ("cat/Icon\r", "os-junk"),
        ("__MACOSX/cat/1.xyz", "os-junk"),
        ("__macosx", "documentation"),
        ("cat/._1.txt", "appledouble"),
        ("__MACOSX/._1.txt", "os-junk"),
        ("cat/1.HEIC", "ignored-suffix"),
        ("cat/.hidden.heic", "ignored-suffix"),
        ("cat/1.npy", "ignored-suffix"),
        ("features.npy", "documentation"),
        ("originals.tar.gz", "documentation"),
        ("cat/.gitkeep", "hidden"),
        (".config/readme.txt", "documentation"),
    ],
)
def test_a_file_that_no_loader_takes_says_why(path: str, reason: str) -> None:
    assert layout.skip_reason(path, in_class=path.startswith("cat/")) == reason
