"""A model in the recipe: `datalint estimate` and `datalint check` on real datasets, work trees and indices."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import CONFIG, Repository, say

if TYPE_CHECKING:
    from pathlib import Path

GPU = "targets: {gpu: {host_memory: 64 GiB, accelerator: T4, accelerator_memory: 15109 MiB}}\ntarget: gpu\n"
RECIPE = (
    "dataset: {path: images}\n" + GPU + "training:\n  image_size: 224\n  batch: BATCH\n  model: MODEL\n"
    # Repeated, so that the few images fill any batch.
    "  steps_per_epoch: 1\n"
)


def recipe(model: str, batch: int = 32) -> str:
    return RECIPE.replace("BATCH", str(batch)).replace("MODEL", model)


def perceptron(units: int) -> str:
    """As `model.to_json()` writes it."""
    layers: list[dict[str, Any]] = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 224, 224, 3]}},
        {"class_name": "Flatten", "config": {}},
        {"class_name": "Dense", "config": {"units": units, "use_bias": False}},
    ]
    return json.dumps({"class_name": "Sequential", "config": {"name": "p", "layers": layers}})


def test_the_estimate_has_a_row_a_stage_and_says_what_it_assumed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "datalint.yaml").write_text(recipe("resnet50", batch=256))
    _, out, _ = say(capsys, "estimate", "-o", "json")
    document = json.loads(out)
    rows = {row["stage"]: row for row in document["footprint"] if row["resource"] == "accelerator_memory"}
    assert rows["weights"]["expected"] == 4 * 25_636_712
    assert rows["total"]["fit"] == "will not fit"
    assert 0 < rows["total"]["largest_batch"] < 256
    assert "accelerator_memory" not in document["unknown"]
    assert document["assumed"]["optimizer"] == "adam"
    assert document["assumed"]["precision"] == "float32"
    assert document["assumed"]["executor"] == "xla or tf-graph"
    assert any("mixed_float16" in change["what"] for change in document["changes"])
    code, text, _ = say(capsys, "estimate")
    assert code == 0
    assert "\nwill not fit: accelerator memory " in text
    assert "\nlargest batch that fits: " in text
    assert "tier 0, layer walk" in text


def test_the_command_line_names_a_model_without_any_configuration(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("estimate", "--samples", "1000", "--height", "224", "--width", "224", "--target", "colab-free-t4")
    code, out, _ = say(capsys, *words, "--model", "ResNet50", "--batch", "256")
    assert (code, "\nwill not fit: accelerator memory " in out) == (0, True)
    assert "accelerator memory" not in say(capsys, *words)[1]
    code, _, error = say(capsys, *words, "--model", "ResNet5")
    assert (code, error.splitlines()) == (
        2,
        ["datalint: --model: no application of Keras is called 'ResNet5'", "          did you mean 'ResNet50'?"],
    )


def test_check_blocks_a_batch_that_is_too_large(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    killed = {}
    for batch in (8, 512):
        (here / "datalint.yaml").write_text(recipe("ResNet50", batch=batch))
        _, out, _ = say(capsys, "check", "-o", "json")
        findings = json.loads(out)["findings"]
        killed[batch] = [(item["rule"], item["severity"]) for item in findings if item["family"] == "killed"]
    assert killed == {8: [], 512: [("memory-accelerator-batch", "error")]}


def test_a_batch_larger_than_the_dataset_takes_no_more_than_the_dataset(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {}
    for batch in (4, 512, 4096):
        (here / "datalint.yaml").write_text(recipe("ResNet50", batch=batch).replace("  steps_per_epoch: 1\n", ""))
        _, out, _ = say(capsys, "estimate", "-o", "json")
        document[batch] = json.loads(out)
        _, out, _ = say(capsys, "check", "-o", "json")
        assert not [item for item in json.loads(out)["findings"] if item["family"] == "killed"]
    total = {batch: [row for row in found["footprint"] if row["stage"] == "total"] for batch, found in document.items()}
    assert total[512] == total[4096]
    assert total[4][1]["expected"] < total[512][1]["expected"]
    assert [(row["resource"], row["largest_batch"]) for row in total[512][:2]] == [
        ("host_memory", None),
        ("accelerator_memory", None),
    ]


@pytest.mark.parametrize("verb", ["check", "estimate"])
@pytest.mark.parametrize(
    ("model", "message", "hint"),
    [
        ("ResNet5", "no application of Keras is called 'ResNet5'", "did you mean 'ResNet50'?"),
        ("flower", "no application of Keras is called 'flower'", ".keras"),
        ("nowhere.keras", "there is no file nowhere.keras", ""),
        ("images", "no application of Keras is called 'images'", ""),
        ("text.keras", "text.keras: it is no .keras file", ""),
        ("zip.keras", "zip.keras: there is no config.json in it", ""),
        ("text.json", "text.json: its description is not what Keras writes", ""),
    ],
)
def test_a_model_that_is_none_is_refused_at_its_place(
    here: Path, capsys: pytest.CaptureFixture[str], verb: str, model: str, message: str, hint: str
) -> None:
    for name in ("text.keras", "text.json"):
        (here / name).write_text("hello")
    with zipfile.ZipFile(here / "zip.keras", "w") as archive:
        archive.writestr("a", "b")
    (here / "datalint.yaml").write_text(recipe(model))
    code, out, error = say(capsys, verb)
    assert (code, out) == (2, "")
    assert f"datalint.yaml:7:10: training.model: {message}" in error
    assert hint in error


def test_a_model_that_cannot_be_followed_is_unknown_and_nothing_is_assumed(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "own.json").write_text(perceptron(10).replace("Flatten", "MyOwnLayer"))
    (here / "datalint.yaml").write_text(recipe("own.json"))
    code, out, _ = say(capsys, "estimate", "-o", "json")
    document = json.loads(out)
    assert code == 0
    assert document["unknown"]["accelerator_memory"] == "model own.json: the layer class MyOwnLayer is not known"
    assert not [row for row in document["footprint"] if row["resource"] == "accelerator_memory"]


def test_a_model_that_takes_another_size_is_unknown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "own.json").write_text(perceptron(10))
    (here / "datalint.yaml").write_text(recipe("own.json").replace("224", "96"))
    _, out, _ = say(capsys, "estimate", "-o", "json")
    assert "it takes 224 x 224 x 3 and the recipe feeds 96 x 96 x 3" in json.loads(out)["unknown"]["accelerator_memory"]


def test_the_index_s_model_counts_and_another_one_is_judged_again(repository: Repository) -> None:
    """The remembered verdict depends on the model's file, wherever it lies."""
    (repository.folder / "models").mkdir()
    model = repository.folder / "models" / "m.json"
    said = CONFIG.replace("{batch: 4}", "{batch: 4, image_size: 224, model: models/m.json}")
    (repository.folder / "datalint.yaml").write_text(said + GPU)
    model.write_text(perceptron(10))
    repository.git("add", "-A")
    assert repository.datalint("check", "--staged").returncode == 0
    model.write_text(perceptron(100_000))
    assert repository.datalint("check", "--staged").returncode == 0
    repository.git("add", "-A")
    refused = repository.datalint("check", "--staged")
    assert (refused.returncode, "memory-accelerator-model" in refused.stdout) == (1, True)
    repository.git("rm", "--cached", "-q", "models/m.json")
    assert repository.datalint("check", "--staged").returncode == 0
    assert "not in the index" in repository.datalint("estimate", "--staged").stdout


def test_a_model_that_cannot_be_judged_is_not_called_trainable(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "datalint.yaml").write_text(
        "dataset: {path: images}\ntarget: gtx-1650\ntraining: {model: VGG16, batch: 4096}\n"
    )
    code, out, _ = say(capsys, "check", "-o", "json")
    document = json.loads(out)
    assert (code, document["verdict"]) == (0, "UNDECIDED")
    [item] = [item for item in document["not_checked"] if "VGG16" in item["what"]]
    assert "224 x 224" in item["reason"]
    (here / "datalint.yaml").write_text("dataset: {path: images}\ntarget: colab-cpu\ntraining: {model: VGG16}\n")
    code, out, _ = say(capsys, "check", "-o", "json")
    assert json.loads(out)["not_checked"] == []


def test_a_card_alone_is_a_target_and_host_memory_is_unknown(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = recipe("ResNet50", batch=512).replace("host_memory: 64 GiB, ", "")
    (here / "datalint.yaml").write_text(text)
    code, out, _ = say(capsys, "estimate", "-o", "json")
    total = {row["resource"]: row for row in json.loads(out)["footprint"] if row["stage"] == "total"}
    assert (code, total["host_memory"]["fit"], total["accelerator_memory"]["fit"]) == (0, "unknown", "will not fit")
    code, out, _ = say(capsys, "check", "-o", "json")
    [item] = [item for item in json.loads(out)["findings"] if item["family"] == "killed"]
    assert (code, item["rule"]) == (1, "memory-accelerator-batch")
    assert item["remedy"] == f"it fits with {total['accelerator_memory']['change']}"
    assert "gradient accumulation" in item["remedy"]


def test_a_model_of_other_channels_says_which_key_to_change(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "own.json").write_text(perceptron(10).replace("224, 224, 3", "224, 224, 1"))
    (here / "datalint.yaml").write_text(recipe("own.json"))
    _, out, _ = say(capsys, "estimate", "-o", "json")
    reason = json.loads(out)["unknown"]["accelerator_memory"]
    assert "it takes 224 x 224 x 1 and the recipe feeds 224 x 224 x 3: say `channels`" in reason
