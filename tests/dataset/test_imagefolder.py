"""ImageFolder: what the tables say is what the real loaders do. Keras is asked; torchvision is quoted."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from datalint import dataset
from datalint.errors import UsageError
from datalint.source.worktree import open_worktree
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from datalint.dataset import Dataset
    from datalint.tables import Data

    Build = Callable[[Path], None]


def read(root: Path, framework: str | None = "keras", format: str | None = None) -> Dataset:  # noqa: A002
    return dataset.read(
        open_worktree(str(root)), root=".", format=format, framework=framework, columns={}, files_root=None
    )


def rows(data: Data, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(data.columns[name] for name in names), strict=True))


def files(root: Path, *paths: str) -> None:
    for number, path in enumerate(paths):
        picture(root / path, number, size=8)


def plain(root: Path) -> None:
    files(root, "cat/1.jpg", "cat/2.PNG", "dog/1.jpeg", "dog/2.bmp", "owl/1.JPG")


def nested(root: Path) -> None:
    files(root, "cat/a/1.jpg", "cat/a/deep/2.jpg", "cat/3.jpg", "dog/.ipynb_checkpoints/1-checkpoint.jpg", "dog/1.jpg")


def hidden_class(root: Path) -> None:
    files(root, ".trash/1.jpg", ".trash/in/2.jpg", "cat/1.jpg", "dog/1.jpg")


def dot_files(root: Path) -> None:
    files(root, "cat/1.jpg", "dog/1.jpg")
    (root / "cat/.jpg").write_bytes((root / "cat/1.jpg").read_bytes())
    (root / "dog/._1.jpg").write_bytes(b"\0\5\x16\7")
    (root / "dog/.DS_Store").write_bytes(b"x")


def other_suffixes(root: Path) -> None:
    files(root, "cat/1.jpg", "dog/1.jpg", "dog/2.webp", "dog/3.tiff", "dog/4.gif")
    for name in ("cat/notes.txt", "cat/2.heic", "cat/README", "dog/5.jpg.bak"):
        (root / name).write_bytes(b"x")


def empty_class(root: Path) -> None:
    files(root, "cat/1.jpg", "dog/1.jpg")
    (root / "owl").mkdir()
    (root / "zoo/inner").mkdir(parents=True)


def odd_names(root: Path) -> None:
    files(root, "10/1.jpg", "9/1.jpg", "Ä b/1.jpg", "a'\"\n/1.jpg", "Zoo/1.jpg")


def in_the_root(root: Path) -> None:
    files(root, "stray.jpg", "cat/1.jpg", "dog/1.jpg")


def vehicles(root: Path) -> None:
    """A class whose name usually means a split."""
    files(root, "bus/1.jpg", "car/1.jpg", "train/1.jpg", "train/.ipynb_checkpoints/1-checkpoint.jpg")


def linked_class(root: Path) -> None:
    files(root, "cat/1.jpg", "elsewhere/1.jpg")
    (root / "elsewhere").rename(root.parent / "elsewhere")
    (root / "dog").symlink_to(root.parent / "elsewhere")
    (root / "cat/2.jpg").symlink_to("1.jpg")


SHAPES = [
    plain, nested, hidden_class, dot_files, other_suffixes, empty_class, odd_names, in_the_root, vehicles, linked_class,
]  # fmt: skip


@pytest.mark.tensorflow
@pytest.mark.parametrize("build", SHAPES, ids=lambda build: build.__name__)
def test_samples_and_classes_are_those_of_keras(tmp_path: Path, build: Build) -> None:
    keras = pytest.importorskip("keras")
    root = tmp_path / "root"
    build(root)
    loader = keras.utils.image_dataset_from_directory(str(root), shuffle=False, batch_size=1, verbose=False)
    found = read(root)
    assert [name for name, loader in rows(found.classes, "name", "loader") if loader == "keras"] == loader.class_names
    assert {str(root / str(path)) for path in found.samples.columns["path"]} == set(loader.file_paths)
    numbers = dict(zip(loader.file_paths, keras_labels(root), strict=True))
    assert {str(root / path): index for path, index in rows(found.samples, "path", "label_index")} == numbers


def keras_labels(root: Path) -> list[int]:
    """The index of each file, in the loader's order, from Keras' own lister."""
    lister = import_module("keras.src.utils.dataset_utils")
    formats = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
    _, labels, _ = lister.index_directory(str(root), "inferred", formats, shuffle=False, verbose=False)
    return [int(label) for label in labels]


@pytest.mark.tensorflow
def test_a_folder_without_classes_is_read_as_keras_does_without_labels(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    files(tmp_path, "1.jpg", "2.png", ".hidden/3.jpg")
    loader = keras.utils.image_dataset_from_directory(
        str(tmp_path), labels=None, shuffle=False, batch_size=1, verbose=False
    )
    found = read(tmp_path)
    assert {str(tmp_path / str(path)) for path in found.samples.columns["path"]} == set(loader.file_paths)
    assert set(found.samples.columns["label"]) == {None}
    assert found.assumptions


def test_torchvision_takes_hidden_folders_for_classes_and_other_suffixes(tmp_path: Path) -> None:
    """find_classes takes every directory; IMG_EXTENSIONS has WebP and TIFF and no GIF."""
    hidden_class(tmp_path)
    other_suffixes(tmp_path)
    found = read(tmp_path, "pytorch")
    torchvision = [
        row[:3] for row in rows(found.classes, "name", "index", "n_samples", "loader") if row[3] == "torchvision"
    ]
    assert torchvision == [(".trash", 0, 2), ("cat", 1, 1), ("dog", 2, 3)]
    assert set(found.samples.columns["path"]) == {
        ".trash/1.jpg", ".trash/in/2.jpg", "cat/1.jpg", "dog/1.jpg", "dog/2.webp", "dog/3.tiff",
    }  # fmt: skip
    assert ("dog/4.gif", "ignored-suffix") in rows(found.skipped, "path", "reason")


def test_without_a_framework_a_sample_is_what_any_loader_reads(tmp_path: Path) -> None:
    other_suffixes(tmp_path)
    assert len(read(tmp_path, None).files) == 5


def test_what_is_passed_over_says_why(tmp_path: Path) -> None:
    hidden_class(tmp_path)
    dot_files(tmp_path)
    other_suffixes(tmp_path)
    in_the_root(tmp_path)
    files(tmp_path, "__MACOSX/cat/1.jpg", "cat/__MACOSX/9.jpg")
    (tmp_path / "cat/pointer.bin").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
    )
    found = dict(rows(read(tmp_path).skipped, "path", "reason"))
    assert found == {
        ".trash/1.jpg": "hidden",
        ".trash/in/2.jpg": "hidden",
        "__MACOSX/cat/1.jpg": "os-junk",
        "cat/2.heic": "ignored-suffix",
        "cat/README": "documentation",
        "cat/__MACOSX/9.jpg": "os-junk",
        "cat/notes.txt": "documentation",
        "cat/pointer.bin": "lfs-pointer",
        "dog/.DS_Store": "os-junk",
        "dog/2.webp": "ignored-suffix",
        "dog/3.tiff": "ignored-suffix",
        "dog/5.jpg.bak": "documentation",
        "stray.jpg": "outside-class",
    }


def test_splits_have_their_usual_names_and_indices_of_their_own(tmp_path: Path) -> None:
    files(tmp_path, "Train/cat/1.jpg", "Train/dog/1.jpg", "validation/dog/1.jpg", "extra/owl/1.jpg")
    found = read(tmp_path)
    assert rows(found.samples, "path", "split", "label", "label_index") == [
        ("Train/cat/1.jpg", "train", "cat", 0),
        ("Train/dog/1.jpg", "train", "dog", 1),
        ("extra/owl/1.jpg", "extra", "owl", 0),
        ("validation/dog/1.jpg", "val", "dog", 0),
    ]
    assert {row for row in rows(found.folders, "path", "role", "split") if row[1] == "split"} == {
        ("Train", "split", "train"),
        ("extra", "split", "extra"),
        ("validation", "split", "val"),
    }


@pytest.mark.parametrize(
    ("folders", "splits"),
    [
        (("train", "val", "dev"), {"train": "train", "val": "val", "dev": "dev"}),
        (("train", "valid", "validation"), {"train": "train", "valid": "val", "validation": "validation"}),
        (("Test", "test", "train"), {"Test": "Test", "test": "test", "train": "train"}),
    ],
)
def test_two_folders_are_never_one_split(tmp_path: Path, folders: tuple[str, ...], splits: dict[str, str]) -> None:
    for folder in folders:
        files(tmp_path, f"{folder}/cat/1.jpg", f"{folder}/dog/1.jpg")
    found = read(tmp_path)
    assert {path.split("/")[0]: split for path, split in rows(found.samples, "path", "split")} == splits
    seen = rows(found.classes, "loader", "split", "index")
    assert len(seen) == len(set(seen)) == 2 * 2 * 3


@pytest.mark.parametrize(
    ("paths", "splits"),
    [
        (("train/1.jpg", "test/1.jpg"), {"train", "test"}),
        (("train/1.jpg", "test/1.jpg", "bus/1.jpg"), {"train", "test"}),
        (("train/cat/1.jpg", "raw/1.jpg"), {"train"}),
        (("train/cat/1.jpg", "test/1.jpg"), {"train", "test"}),
        (("train/1.jpg",), {"train"}),
        (("train/1.jpg", ".cache/1.jpg"), {"train"}),
        (("train/cat/1.jpg", "__MACOSX/train/cat/1.jpg"), {"train"}),
        (("bus/1.jpg", "train/1.jpg"), set()),
        (("cat/train/1.jpg", "dog/train/1.jpg"), set()),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
def test_a_folder_is_a_split_by_its_name_unless_it_is_one_class_of_many(
    tmp_path: Path, paths: tuple[str, ...], splits: set[str]
) -> None:
    files(tmp_path, *paths)
    assert {split for role, split in rows(read(tmp_path).folders, "role", "split") if role == "split"} == splits


def test_splits_of_images_without_class_folders_are_read_without_labels(tmp_path: Path) -> None:
    files(tmp_path, "train/1.jpg", "train/.ipynb_checkpoints/1-checkpoint.jpg", "test/1.jpg")
    found = read(tmp_path)
    assert set(rows(found.samples, "split", "label")) == {("train", None), ("test", None)}
    assert not found.skipped.columns["path"]


def test_every_folder_has_its_role_and_counts(tmp_path: Path) -> None:
    nested(tmp_path)
    assert rows(read(tmp_path).folders, "path", "role", "label", "hidden", "n_files", "n_images") == [
        (".", "root", None, False, 0, 5),
        ("cat", "class", "cat", False, 1, 3),
        ("cat/a", "nested", "cat", False, 1, 2),
        ("cat/a/deep", "nested", "cat", False, 1, 1),
        ("dog", "class", "dog", False, 1, 2),
        ("dog/.ipynb_checkpoints", "nested", "dog", True, 1, 1),
    ]


def test_what_cannot_be_listed_is_a_problem(tmp_path: Path) -> None:
    files(tmp_path, "cat/1.jpg", "dog/1.jpg")
    (tmp_path / "cat/gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "cat/up").symlink_to("..")
    os.mkfifo(tmp_path / "dog/pipe.jpg")
    assert set(rows(read(tmp_path).problems, "kind", "path")) == {
        ("broken-link", "cat/gone.jpg"),
        ("link-loop", "cat/up"),
        ("not-a-file", "dog/pipe.jpg"),
    }


def test_undecodable_names_are_shown_and_kept_apart(tmp_path: Path) -> None:
    files(tmp_path, "cat/1.jpg")
    for name in (b"caf\xe9.jpg", b"caf\xe8.jpg"):
        with open(os.path.join(os.fsencode(tmp_path), b"cat", name), "wb") as file:
            file.write(b"x")
    assert read(tmp_path).samples.columns["path"] == ["cat/1.jpg", "cat/caf\\xe8.jpg", "cat/caf\\xe9.jpg"]


def test_the_format_may_be_said(tmp_path: Path) -> None:
    files(tmp_path, "cat/1.jpg", "dog/1.jpg")
    (tmp_path / "labels.csv").write_text("path,label\ncat/1.jpg,feline\n")
    assert read(tmp_path, format="imagefolder").n_classes == 2
    with pytest.raises(UsageError, match="imagefolder"):
        read(tmp_path, format="imagefolders")
