"""A remembered verdict counts only while nothing that it was read from has changed, wherever that lies."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import memory_cgroup
from tests.e2e.conftest import CLEAN_ENVIRONMENT, CONFIG, Repository

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


def where_shapes_lead(folder: Path) -> Path:
    """data/SPLIT/N.json of LabelMe, each of which names an image outside of data."""
    for image in sorted((folder / "images").rglob("*.jpg")):
        _, split, label, name = image.relative_to(folder).parts
        shape: dict[str, object] = {
            "label": label,
            "points": [[1, 1], [20, 20]],
            "shape_type": "rectangle",
            "group_id": None,
            "flags": {},
        }
        shapes: dict[str, object] = {
            "version": "5.0.1", "flags": {}, "shapes": [shape], "imageData": None, "imageHeight": 64, "imageWidth": 64,
            "imagePath": f"../../{image.relative_to(folder)}",
        }  # fmt: skip
        place = folder / "data" / split / f"{label}-{name}.json"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(shapes))
    (folder / "datalint.yaml").write_text(CONFIG.replace("path: images", "path: data"))
    return folder / "images/train/cat/0000.jpg"


def where_one_json_leads(folder: Path) -> Path:
    """COCO whose dataset is one JSON file, with the images beside it."""
    images = sorted((folder / "images/train").rglob("*.jpg"))
    coco = {
        "images": [
            {"id": number, "file_name": image.relative_to(folder).as_posix(), "width": 64, "height": 64}
            for number, image in enumerate(images)
        ],
        "annotations": [
            {"id": number, "image_id": number, "category_id": 1, "bbox": [1, 1, 20, 20], "area": 400, "iscrowd": 0}
            for number in range(len(images))
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (folder / "instances_train.json").write_text(json.dumps(coco))
    (folder / "datalint.yaml").write_text(CONFIG.replace("path: images", "path: instances_train.json"))
    return folder / "images/train/cat/0000.jpg"


@pytest.mark.parametrize(
    "layout",
    [beside_a_manifest, behind_a_link, where_a_description_leads, where_shapes_lead, where_one_json_leads],
)
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


@pytest.mark.parametrize("by", ["option", "environment"])
def test_a_configuration_of_another_name_is_read_again(repository: Repository, by: str) -> None:
    config = repository.folder / "conf/lint.yaml"
    config.parent.mkdir()
    image = repository.folder / "images/train/cat/0000.jpg"
    image.write_bytes(image.read_bytes()[:300])
    config.write_text("dataset: {path: ../images}\nrules: {ignore: [truncated-image]}\n")
    words = ("check", "--staged", *(("--config", "conf/lint.yaml") if by == "option" else ()))
    environment = {"DATALINT_CONFIG": "conf/lint.yaml"} if by == "environment" else {}
    repository.git("add", "-A")
    assert repository.datalint(*words, ok=False, **environment).returncode == 0
    config.write_text("dataset: {path: ../images}\n")
    repository.git("add", "-A")
    refused = repository.datalint(*words, ok=False, **environment)
    assert (refused.returncode, "truncated-image" in refused.stdout) == (1, True)


def test_a_configuration_that_the_environment_names_has_a_verdict_of_its_own(repository: Repository) -> None:
    image = repository.folder / "images/train/cat/0000.jpg"
    shutil.copytree(repository.folder / "images", repository.folder / "more")
    (repository.folder / "more/train/cat/0000.jpg").write_bytes(image.read_bytes()[:300])
    (repository.folder / "more.yaml").write_text(CONFIG.replace("path: images", "path: more"))
    repository.git("add", "-A")
    repository.commit()
    assert repository.datalint("check", "--staged").returncode == 0
    assert repository.datalint("check", "--staged", DATALINT_CONFIG="more.yaml").returncode == 1
    told = repository.datalint("check", "--staged", "--since", "HEAD", DATALINT_CONFIG="more.yaml")
    assert (told.returncode, "0 new since HEAD" in told.stdout) == (0, True), "both sides are of that dataset"
    same = repository.datalint("diff", "HEAD", "HEAD", DATALINT_CONFIG="more.yaml")
    assert same.returncode == 0, same.stdout


def test_a_branch_that_is_another_name_of_a_branch_is_followed_to_its_commit(repository: Repository) -> None:
    """HEAD and the branch stay what they are, and the index too, while the commit that they lead to is another one."""
    repository.git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
    repository.git("symbolic-ref", "HEAD", "refs/heads/alias")
    repository.git("rm", "-rq", "images/train/dog", "images/val/dog")
    words = ("check", "--staged", "--select", "removed-class")
    repository.commit("gone")
    assert repository.datalint(*words).returncode == 0
    repository.git("reset", "-q", "--soft", "HEAD~1")
    refused = repository.datalint(*words)
    assert (refused.returncode, "class 'dog' is gone" in refused.stdout) == (1, True)


def test_another_limit_of_the_machine_is_judged_again(repository: Repository) -> None:
    """A job of Slurm (sbatch) has what it asked for, and the machine is `local` all the same."""
    recipe = "{batch: 4, shuffle_buffer: 24, image_size: 1024, loader: files}"
    (repository.folder / "datalint.yaml").write_text(CONFIG.replace("{batch: 4}", recipe))
    repository.git("add", "-A")
    words = ("check", "--staged", "--select", "memory")
    assert repository.datalint(*words).returncode == 0
    small = repository.datalint(*words, SLURM_MEM_PER_NODE="512")
    assert (small.returncode, "memory-" in small.stdout) == (1, True)
    assert repository.datalint(*words).returncode == 0


def test_a_limit_of_a_group_below_the_top_is_judged_again(repository: Repository) -> None:
    """As `systemd-run --scope -p MemoryMax=600M` sets it, or a container that sees the groups of its host."""
    recipe = "{batch: 4, shuffle_buffer: 24, image_size: 1024, loader: files}"
    (repository.folder / "datalint.yaml").write_text(CONFIG.replace("{batch: 4}", recipe))
    repository.git("add", "-A")
    words = ("check", "--staged", "--select", "memory")
    assert repository.datalint(*words).returncode == 0
    with memory_cgroup() as group:
        (group / "memory.limit_in_bytes").write_text(str(600 * 2**20))
        inside = f'echo $$ > {group}/cgroup.procs && exec "$@"'
        small = repository.run("sh", "-c", inside, "-", sys.executable, "-m", "datalint", *words, ok=False)
    assert (small.returncode, "memory-" in small.stdout) == (1, True), small.stderr
    assert repository.datalint(*words).returncode == 0


def test_what_is_installed_later_judges_again(repository: Repository, tmp_path: Path) -> None:
    """A decoder, say: pip makes a folder for each package beside the others."""
    packages = tmp_path / "lib/site-packages"
    packages.mkdir(parents=True)
    places = os.pathsep.join(filter(None, (str(packages), CLEAN_ENVIRONMENT.get("PYTHONPATH"))))

    def seconds() -> float:
        told = repository.datalint("check", "--staged", "-o", "json", PYTHONPATH=places).stdout
        return float(json.loads(told)["summary"]["seconds"])

    before = seconds()
    assert seconds() == before, "a verdict that is shown again has the time of the first"
    (packages / "decoder-1.0.dist-info").mkdir()
    assert seconds() != before
