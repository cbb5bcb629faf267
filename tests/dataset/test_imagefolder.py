"""ImageFolder: what the tables say is what the real loaders do. Keras is asked; torchvision is quoted."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from importlib import import_module
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

from datalint import dataset
from datalint.dataset import layout
from datalint.errors import UsageError
from datalint.source.worktree import open_worktree
from tests.e2e.conftest import picture

if TYPE_CHECKING:
    from pathlib import Path

    from datalint.dataset import Dataset
    from datalint.tables import Data

    Build = Callable[[Path], None]

# ImageDataGenerator takes .tiff, and says so.
pytestmark = pytest.mark.filterwarnings('ignore:Using ".tiff" files:UserWarning')
RECIPES = {
    "keras": ("keras", "image_dataset_from_directory"),
    "generator": ("keras", "generator"),
    "torchvision": ("pytorch", "dataloader"),
}


def read(root: Path, loader: str = "keras", format: str | None = None) -> Dataset:  # noqa: A002
    framework, feeds = RECIPES[loader]
    return dataset.read(open_worktree(str(root)), root=".", format=format, framework=framework, loader=feeds)


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


def linked_subfolder(root: Path) -> None:
    files(root, "cat/1.jpg", "dog/1.jpg", "dog/own/2.jpg", "elsewhere/in/3.jpg")
    (root / "elsewhere").rename(root.parent / "elsewhere")
    (root / "cat/old").symlink_to(root.parent / "elsewhere")
    (root / "dog/own/other").symlink_to("../../cat")


def mac_archive(root: Path) -> None:
    files(root, "cat/1.jpg", "dog/1.jpg", "__MACOSX/cat/._1.jpg", "cat/__MACOSX/9.jpg")


def folders_like_files(root: Path) -> None:
    files(root, "cat/1.jpg", "dog/album.jpg/1.jpg", "dog/empty.png/x.txt.jpg")


def capitals(root: Path) -> None:
    files(root, "Cat/1.JPG", "Cat/2.Png", "cat/1.jPeG", "CAT/3.bmp")


SHAPES = [
    plain, nested, hidden_class, dot_files, other_suffixes, empty_class, odd_names, in_the_root, linked_class,
    linked_subfolder, mac_archive, folders_like_files, capitals,
]  # fmt: skip

Lists = tuple[list[str], dict[str, int]]


def keras_lists(root: Path) -> Lists:
    keras = pytest.importorskip("keras")
    loader = keras.utils.image_dataset_from_directory(str(root), shuffle=False, batch_size=1, verbose=False)
    lister = import_module("keras.src.utils.dataset_utils")
    formats = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
    paths, labels, _ = lister.index_directory(str(root), "inferred", formats, shuffle=False, verbose=False)
    assert set(paths) == set(loader.file_paths)
    return loader.class_names, {os.path.relpath(path, root): int(n) for path, n in zip(paths, labels, strict=True)}


def generator_lists(root: Path) -> Lists:
    pytest.importorskip("keras")
    image = import_module("keras.src.legacy.preprocessing.image")
    flow = image.ImageDataGenerator().flow_from_directory(str(root), shuffle=False)
    return list(flow.class_indices), {name: int(n) for name, n in zip(flow.filenames, flow.classes, strict=True)}


def torchvision_lists(root: Path) -> Lists:
    """What `find_classes` and `make_dataset` of torchvision.datasets.folder do."""
    endings = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
    classes = sorted(entry.name for entry in os.scandir(root) if entry.is_dir())
    return classes, {
        os.path.relpath(os.path.join(folder, name), root): index
        for index, label in enumerate(classes)
        for folder, _, names in os.walk(root / label, followlinks=True)
        for name in names
        if name.lower().endswith(endings)
    }


LOADERS: dict[str, Callable[[Path], Lists]] = {
    "keras": keras_lists,
    "generator": generator_lists,
    "torchvision": torchvision_lists,
}


def ours(found: Dataset, loader: str) -> tuple[list[str], dict[str, int], dict[str, int]]:
    """Classes in order, samples with their indices, and how many samples each class is said to have."""
    classes = [row for row in rows(found.classes, "name", "index", "n_samples", "loader") if row[3] == loader]
    assert [row[1] for row in classes] == list(range(len(classes)))
    samples = dict(rows(found.samples, "path", "label_index"))
    return [row[0] for row in classes], samples, {row[0]: row[2] for row in classes}


def agree(found: Dataset, loader: str, root: Path) -> None:
    classes, samples = LOADERS[loader](root)
    counts = Counter(classes[index] for index in samples.values())
    assert ours(found, loader) == (classes, samples, {name: counts[name] for name in classes})


@pytest.mark.tensorflow
@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("build", SHAPES, ids=lambda build: build.__name__)
def test_samples_and_classes_are_those_of_the_loader(tmp_path: Path, build: Build, loader: str) -> None:
    root = tmp_path / "root"
    build(root)
    agree(read(root, loader), loader, root)


def grow(root: Path, random: Random) -> None:
    """A tree of folders and files with the names that loaders disagree about, and links among them."""
    made = [root]
    for _ in range(random.randint(2, 14)):
        name = random.choice(["cat", "Cat", "dog", ".cache", "a b", "__MACOSX", "9", "10", "x.jpg", "é", ".Trashes"])
        folder = random.choice(made) / name
        if not folder.exists():
            folder.mkdir()
            made.append(folder)
    for _ in range(random.randint(3, 20)):
        name = random.choice(["1", "2", ".3", "._4", "B"])
        suffix = random.choice(["jpg", "JPG", "jpeg", "png", "gif", "webp", "tiff", "ppm", "txt", "DS_Store", "heic"])
        (random.choice(made) / f"{name}.{suffix}").write_bytes(b"x")
    for number in range(random.randint(0, 2)):
        (random.choice(made) / f"link{number}").symlink_to(root.parent / "elsewhere")


@pytest.mark.tensorflow
@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("seed", range(25))
def test_any_tree_is_listed_as_the_loader_lists_it(tmp_path: Path, seed: int, loader: str) -> None:
    root = tmp_path / "root"
    random = Random(seed)
    (tmp_path / "elsewhere/in").mkdir(parents=True)
    for name in ("1.jpg", "2.gif", "in/3.png"):
        (tmp_path / "elsewhere" / name).write_bytes(b"x")
    files(root, "owl/1.jpg")
    grow(root, random)
    agree(read(root, loader), loader, root)


@pytest.mark.tensorflow
@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize("seed", range(5))
def test_each_split_is_listed_as_the_loader_lists_its_folder(tmp_path: Path, seed: int, loader: str) -> None:
    random = Random(seed)
    (tmp_path / "elsewhere").mkdir()
    for split in ("train", "val"):
        files(tmp_path / split, "owl/1.jpg")
        grow(tmp_path / split, random)
    found = read(tmp_path, loader)
    for split in ("train", "val"):
        classes, samples = LOADERS[loader](tmp_path / split)
        listed = [row for row in rows(found.classes, "name", "split", "loader") if row[1:] == (split, loader)]
        assert [row[0] for row in listed] == classes
        assert {
            path: index for path, index, of in rows(found.samples, "path", "label_index", "split") if of == split
        } == {f"{split}/{path}": index for path, index in samples.items()}


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


def test_what_is_passed_over_says_why(tmp_path: Path) -> None:
    hidden_class(tmp_path)
    dot_files(tmp_path)
    other_suffixes(tmp_path)
    in_the_root(tmp_path)
    (tmp_path / "cat/old").symlink_to("../dog/deep")
    files(tmp_path, "dog/deep/1.jpg")
    (tmp_path / "cat/pointer.bin").write_bytes(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"
    )
    found = dict(rows(read(tmp_path).skipped, "path", "reason"))
    assert found == {
        ".trash/1.jpg": "hidden",
        ".trash/in/2.jpg": "hidden",
        "cat/old/1.jpg": "linked-folder",
        "cat/2.heic": "ignored-suffix",
        "cat/README": "documentation",
        "cat/notes.txt": "documentation",
        "cat/pointer.bin": "lfs-pointer",
        "dog/.DS_Store": "os-junk",
        "dog/2.webp": "ignored-suffix",
        "dog/3.tiff": "ignored-suffix",
        "dog/5.jpg.bak": "documentation",
        "stray.jpg": "outside-class",
    }


def test_splits_have_their_usual_names_and_indices_of_their_own(tmp_path: Path) -> None:
    files(tmp_path, "Train/cat/1.jpg", "Train/dog/1.jpg", "validation/dog/1.jpg", "extra/dog/1.jpg", "docs/img/1.jpg")
    found = read(tmp_path)
    assert rows(found.samples, "path", "split", "label", "label_index") == [
        ("Train/cat/1.jpg", "train", "cat", 0),
        ("Train/dog/1.jpg", "train", "dog", 1),
        ("extra/dog/1.jpg", "extra", "dog", 0),
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
    assert len(seen) == len(set(seen)) == 2 * len(layout.LOADERS) * len(folders)


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
        (("train/s1/1.jpg", "bus/s1/1.jpg", "car/s1/1.jpg"), set()),
        (("test/1.jpg", "dev/1.jpg", "prod/1.jpg"), set()),
        (("train/cat/1.jpg", "train/dog/1.jpg", "docs/img/1.jpg"), {"train"}),
        (("train/cat/1.jpg", "train/dog/1.jpg", "extra/dog/1.jpg"), {"train", "extra"}),
        (("training_set/cat/1.jpg", "test_set/cat/1.jpg"), {"train", "test"}),
        (("train2017/cat/1.jpg", "val2017/cat/1.jpg"), {"train", "val"}),
        (("seg_train/sea/1.jpg", "seg_test/sea/1.jpg", "seg_pred/1.jpg"), {"train", "test"}),
        (("k10-train/cat/1.jpg", "k10-val/cat/1.jpg"), {"train", "val"}),
        (("cat/train/1.jpg", "dog/train/1.jpg"), set()),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, tuple) else "",
)
def test_a_folder_is_a_split_by_its_name_unless_it_is_one_class_of_many(
    tmp_path: Path, paths: tuple[str, ...], splits: set[str]
) -> None:
    files(tmp_path, *paths)
    assert {split for role, split in rows(read(tmp_path).folders, "role", "split") if role == "split"} == splits


def test_splits_are_what_the_user_declares(tmp_path: Path) -> None:
    files(tmp_path, "A/cat/1.jpg", "A/dog/1.jpg", "B/cat/1.jpg", "train/cat/1.jpg")
    source = open_worktree(str(tmp_path))
    found = dataset.read(source, root=".", splits={"A": "train", "B": "val"})
    assert rows(found.samples, "path", "split", "label") == [
        ("A/cat/1.jpg", "train", "cat"),
        ("A/dog/1.jpg", "train", "dog"),
        ("B/cat/1.jpg", "val", "cat"),
    ]
    assert not found.assumptions
    with pytest.raises(UsageError, match=r"dataset\.splits\.val: no folder 'C'"):
        dataset.read(source, root=".", splits={"A": "train", "C": "val"})
    with pytest.raises(UsageError, match="one folder as a split, not two"):
        dataset.read(source, root=".", splits={"A": "train", "B": "train"})
    with pytest.raises(UsageError, match="'A/cat' lies in 'A', which is a split itself"):
        dataset.read(source, root=".", splits={"A": "train", "A/cat": "val"})


def test_a_split_by_a_name_that_is_not_the_usual_one_is_a_guess_that_is_said(tmp_path: Path) -> None:
    files(tmp_path, "train2017/cat/1.jpg", "validation/cat/1.jpg")
    assert read(tmp_path).assumptions == ("splits were guessed: train2017 as train; `dataset.splits` declares them",)


def test_splits_below_classes_are_named_and_read_as_the_class(tmp_path: Path) -> None:
    files(tmp_path, "cat/train/1.jpg", "cat/val2/1.jpg", "cat/odd/1.jpg")
    assert rows(read(tmp_path).folders, "path", "role", "named_split")[1:] == [
        ("cat", "class", None),
        ("cat/odd", "nested", None),
        ("cat/train", "nested", "train"),
        ("cat/val2", "nested", "val"),
    ]


def test_a_picture_without_a_suffix_is_not_documentation(tmp_path: Path) -> None:
    files(tmp_path, "cat/1.jpg", "dog/1.png")
    (tmp_path / "cat/2").write_bytes((tmp_path / "cat/1.jpg").read_bytes())
    (tmp_path / "dog/2").write_bytes((tmp_path / "dog/1.png").read_bytes())
    (tmp_path / "dog/README").write_text("pictures of dogs")
    assert dict(rows(read(tmp_path).skipped, "path", "reason")) == {
        "cat/2": "ignored-suffix", "dog/2": "ignored-suffix", "dog/README": "documentation"
    }  # fmt: skip


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
