"""`datalint init` as a person uses it: with a training script, at the top of a repository, and where nothing is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import yaml

from tests.e2e.conftest import Repository, dataset, picture

CASES = Path(__file__).parents[1] / "script/cases"
SCRIPT = """\
import tensorflow as tf

BATCH = 4
ds = tf.keras.utils.image_dataset_from_directory("images/train", image_size=(48, 64), batch_size=BATCH)
ds = ds.shuffle(1000).cache().prefetch(tf.data.AUTOTUNE)
val = tf.keras.utils.image_dataset_from_directory("images/val", image_size=(48, 64), batch_size=64)
model = build_model()
model.compile(optimizer="adam", loss="mse")
model.fit(ds, validation_data=val, epochs=3, callbacks=[tf.keras.callbacks.EarlyStopping(monitor="val_loss")])
"""


@pytest.fixture
def project(repository: Repository) -> Repository:
    """A repository with a dataset and a script, and no configuration yet."""
    (repository.folder / "datalint.yaml").unlink()
    (repository.folder / "train.py").write_text(SCRIPT)
    return repository


def proposed(repository: Repository) -> str:
    return (repository.folder / "datalint.yaml").read_text("utf-8")


def test_a_script_becomes_a_recipe_that_is_judged(project: Repository) -> None:
    told = project.datalint("init", "--from-script", "train.py", ok=True).stdout
    assert "read train.py: 12 values inferred\n" in told
    text = proposed(project)
    for line in (
        "loader: image_dataset_from_directory  # inferred from train.py:4: tf.keras.utils.image_dataset_from_dir",
        "image_size: [48, 64]  # inferred from train.py:4: image_size=(48, 64)",
        "batch: 4  # inferred from train.py:4: batch_size=BATCH",
        "drop_remainder: false  # assumed",
        "shuffle_buffer: 1000  # inferred from train.py:5: .shuffle(1000)",
        "shuffle_stage: batched  # inferred from train.py:5: .shuffle(1000)",
        "cache: memory  # inferred from train.py:5: .cache()",
        "prefetch: auto  # inferred from train.py:5: .prefetch(tf.data.AUTOTUNE)",
        "epochs: 3  # inferred from train.py:9: epochs=3",
        "monitor: val_loss  # inferred from train.py:9: tf.keras.callbacks.EarlyStopping(monitor='val_loss')",
        "optimizer: adam  # inferred from train.py:8: optimizer='adam'",
    ):
        assert f"  {line}" in text
    judged = project.datalint("check", "-o", "json")
    assert judged.returncode in (0, 1), judged.stderr
    rows = project.datalint("facts", "--sql", "select * from training", "-o", "jsonl", ok=True).stdout
    training = json.loads(rows)
    assert (training["batch"], training["shuffle_stage"], training["input_width"]) == (4, "batched", 64)


def test_a_notebook_is_read_too(project: Repository) -> None:
    cells = [{"cell_type": "code", "source": "!ls\n" + SCRIPT}]
    (project.folder / "train.ipynb").write_text(json.dumps({"cells": cells}))
    text = project.datalint("init", "--from-script", "train.ipynb", "--stdout", ok=True).stdout
    assert "batch: 4  # inferred from train.ipynb:cell 1:5: batch_size=BATCH" in text
    assert not (project.folder / "datalint.yaml").exists()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x = = 1\n", "train.py:1:5: it is no Python"),
        (b"x = '\xff'\n", "train.py:1:6: not utf-8"),
        (None, "cannot read train.py: No such file or directory"),
    ],
)
def test_what_is_no_script_is_wrong_usage_and_nothing_is_written(
    content: bytes | None, said: str, project: Repository
) -> None:
    (project.folder / "train.py").unlink()
    if content is not None:
        (project.folder / "train.py").write_bytes(content)
    refused = project.datalint("init", "--from-script", "train.py")
    assert refused.returncode == 2
    assert said in refused.stderr
    assert not (project.folder / "datalint.yaml").exists()


def test_a_script_that_trains_nothing_is_said(project: Repository) -> None:
    (project.folder / "train.py").write_text("print('hello')\n")
    told = project.datalint("init", "--from-script", "train.py", ok=True).stdout
    assert "nothing of how it trains was recognised in train.py: the recipe is assumed\n" in told
    assert "Nothing of it was recognised in train.py: it is assumed." in proposed(project)
    assert project.datalint("check").returncode == 0


def test_what_is_left_open_is_counted(project: Repository) -> None:
    (project.folder / "train.py").write_text(SCRIPT.replace("BATCH = 4", "BATCH = len(list)").replace("1000", "N"))
    told = project.datalint("init", "--from-script", "train.py", ok=True).stdout
    assert "read train.py: 9 values inferred; 2 keys of it the script leaves open\n" in told
    assert "  # batch: not a literal at train.py:4: say it yourself: batch_size=BATCH\n" in proposed(project)


def test_pytorch_reads_what_keras_passes_over(project: Repository) -> None:
    for path in sorted((project.folder / "images").rglob("*.jpg")):
        path.rename(path.with_suffix(".webp"))
    (project.folder / "train.py").write_text(
        "from torch.utils.data import DataLoader\n"
        "for x, y in DataLoader(dataset, batch_size=4, shuffle=True):\n  loss(x, y).backward()\n"
    )
    project.datalint("init", "--from-script", "train.py", ok=True)
    assert "# splits: train (24), val (8)" in proposed(project)
    assert "  loader: dataloader  # inferred from train.py:2: " in proposed(project)


@pytest.mark.parametrize("name", ["fine_tuning", "opencv_array", "unknown_type", "imported_parser", "kaggle_tpu"])
def test_the_proposal_of_a_real_script_is_judged(name: str, project: Repository) -> None:
    script = yaml.safe_load((CASES / f"{name}.yaml").read_text("utf-8"))["script"]
    (project.folder / "train.py").write_text(script)
    project.datalint("init", "--from-script", "train.py", ok=True)
    judged = project.datalint("check")
    assert judged.returncode in (0, 1), judged.stderr


def test_the_script_may_not_be_executed(project: Repository) -> None:
    (project.folder / "train.py").write_text("open('made', 'w').close()\nimport train\n" + SCRIPT)
    project.datalint("init", "--from-script", "train.py", ok=True)
    assert not (project.folder / "made").exists()


def empty(tmp_path: Path) -> Repository:
    made = Repository(tmp_path)
    made.git("init", "-q", "-b", "main")
    return made


def test_one_picture_elsewhere_does_not_hide_the_dataset(tmp_path: Path) -> None:
    project = empty(tmp_path)
    dataset(tmp_path / "data")
    picture(tmp_path / "docs/shot.jpg", 900)
    project.datalint("init", ok=True)
    text = proposed(project)
    assert '  path: "data"\n' in text
    assert "# splits: train (24), val (8)" in text
    assert "# assumed: 1 image elsewhere left out: docs/shot.jpg\n" in text
    assert project.datalint("check", "--ignore", "rare-class").returncode == 0


def test_many_pictures_elsewhere_are_counted(tmp_path: Path) -> None:
    project = empty(tmp_path)
    dataset(tmp_path / "images", per_class=40)
    for number in range(5):
        picture(tmp_path / f"docs/{number}.png", 900 + number)
    project.datalint("init", ok=True)
    assert "5 images elsewhere left out: docs/0.png, docs/1.png, docs/2.png and 2 more\n" in proposed(project)


@pytest.mark.parametrize("files", [[], ["README.md", ".gitignore", "src/train.py", ".DS_Store"]])
def test_where_nothing_is_nothing_is_written(files: list[str], tmp_path: Path) -> None:
    project = empty(tmp_path)
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x = 1\n")
    for words in (["init"], ["init", "."], ["init", "--stdout"]):
        refused = project.datalint(*words)
        assert refused.returncode == 3
        assert refused.stdout == ""
        assert refused.stderr == "datalint: no images in .: nothing was written; name the dataset's folder\n"
    assert not (tmp_path / "datalint.yaml").exists()


def test_an_empty_folder_that_is_named_is_no_dataset_either(tmp_path: Path) -> None:
    (tmp_path / "later").mkdir()
    refused = empty(tmp_path).datalint("init", "later")
    assert refused.returncode == 3
    assert "no images in later" in refused.stderr


def test_a_dataset_that_is_named_is_proposed_from_anywhere(tmp_path: Path) -> None:
    here = tmp_path / "repository"
    here.mkdir()
    dataset(tmp_path / "elsewhere")
    empty(here).datalint("init", "../elsewhere", ok=True)
    assert '  path: "../elsewhere"\n' in (here / "datalint.yaml").read_text()


def test_pictures_that_keras_does_not_read_are_a_dataset(tmp_path: Path) -> None:
    dataset(tmp_path / "data", per_class=2, validation=1)
    for path in sorted((tmp_path / "data").rglob("*.jpg")):
        shutil.move(path, path.with_suffix(".heic"))
    project = empty(tmp_path)
    project.datalint("init", "data", ok=True)
    assert project.datalint("check").returncode == 1
