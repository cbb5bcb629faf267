"""A remembered verdict counts only while nothing that it was read from has changed, wherever that lies."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import CONFIG, Repository

if TYPE_CHECKING:
    from pathlib import Path


def beside_a_manifest(folder: Path) -> Path:
    """data/labels.csv names images in data/i, and nothing but the manifest is the dataset's path."""
    (folder / "data").mkdir()
    shutil.move(folder / "images", folder / "data/i")
    lines = ["path,label,split"]
    for path in sorted((folder / "data/i").rglob("*.jpg")):
        _, split, label, name = path.relative_to(folder / "data").parts
        lines.append(f"i/{split}/{label}/{name},{label},{split}")
    (folder / "data/labels.csv").write_text("\n".join(lines) + "\n")
    (folder / "datalint.yaml").write_text(CONFIG.replace("path: images", "path: data/labels.csv"))
    return folder / "data/i/train/cat/0000.jpg"


def behind_a_link(folder: Path) -> Path:
    """images/train/cat is a link to store/cat."""
    (folder / "store").mkdir()
    shutil.move(folder / "images/train/cat", folder / "store/cat")
    (folder / "images/train/cat").symlink_to("../../store/cat")
    return folder / "store/cat/0000.jpg"


def where_a_description_leads(folder: Path) -> Path:
    """data/data.yaml names folders of images beside its own."""
    for image in sorted((folder / "images").rglob("*.jpg")):
        label = folder / "labels" / image.relative_to(folder / "images").with_suffix(".txt")
        label.parent.mkdir(parents=True, exist_ok=True)
        label.write_text("0 0.5 0.5 0.2 0.2\n")
    (folder / "data").mkdir()
    (folder / "data/data.yaml").write_text("train: ../images/train\nval: ../images/val\nnames: [cat]\n")
    (folder / "datalint.yaml").write_text(CONFIG.replace("path: images", "path: data/data.yaml"))
    return folder / "images/train/cat/0000.jpg"


@pytest.mark.parametrize("layout", [beside_a_manifest, behind_a_link, where_a_description_leads])
def test_an_image_outside_the_dataset_s_path_is_judged_again(repository: Repository, layout: object) -> None:
    image: Path = layout(repository.folder)  # type: ignore[operator]
    sound = image.read_bytes()
    repository.git("add", "-A")
    repository.commit()
    assert repository.datalint("check", "--staged").returncode == 0
    (repository.folder / "notes.txt").write_text("unrelated")
    repository.git("add", "-A")
    repository.commit()
    assert repository.datalint("check", "--staged").returncode == 0
    image.write_bytes(sound[:300])
    repository.git("add", "-A")
    refused = repository.datalint("check", "--staged")
    assert (refused.returncode, "truncated-image" in refused.stdout) == (1, True)
    image.write_bytes(sound)
    repository.git("add", "-A")
    assert repository.datalint("check", "--staged").returncode == 0
