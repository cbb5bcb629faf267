"""Against Keras itself: its shapes, its parameters, what it trains, for every application and for models of our own."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from datalint.footprint.accelerator import SLOTS
from datalint.footprint.model import load
from datalint.footprint.model.ops import lower
from tests.conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

KERAS = """
import json, os, sys
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import keras
from keras import layers

def told(model):
    return {
        "document": json.loads(model.to_json()),
        "parameters": model.count_params(),
        "trainable": int(sum(variable.value.shape.num_elements() for variable in model.trainable_variables)),
        "output": list(model.output_shape[1:]),
    }

def block(x, filters):
    y = layers.SeparableConv2D(filters, 3, padding="same", activation="relu")(x)
    y = layers.BatchNormalization()(y)
    return layers.Concatenate()([x, layers.LeakyReLU()(y)])

def transfer():
    base = keras.applications.MobileNetV2(weights=None, include_top=False, input_shape=(160, 160, 3), pooling="avg")
    base.trainable = False
    return keras.Sequential([layers.Input((160, 160, 3)), layers.RandomFlip(), layers.Rescaling(1 / 255), base,
                             layers.Dropout(0.2), layers.Dense(5)])

def shared():
    image = layers.Input((32, 48, 3))
    conv = layers.Conv2D(3, 3, padding="same", activation="gelu")
    x = layers.Add()([conv(image), conv(layers.Conv2D(3, 1)(image))])
    x = block(x, 8)
    x = layers.Conv2DTranspose(4, 2, strides=2)(x)
    x = layers.MaxPooling2D(3, strides=2, padding="same")(x)
    x = layers.LayerNormalization()(layers.PReLU(shared_axes=[1, 2])(layers.UpSampling2D()(x)))
    x = layers.GroupNormalization(groups=2)(layers.DepthwiseConv2D(3, depth_multiplier=2)(x))
    x = layers.Multiply()([x, layers.Dense(8, activation="sigmoid")(layers.GlobalAveragePooling2D(keepdims=True)(x))])
    return keras.Model(image, layers.Dense(3, activation="softmax")(layers.Flatten()(layers.Cropping2D(2)(x))))

def slots(name):
    variable = keras.Variable([[1.0, 2.0]])
    by_class = {"momentum": lambda: keras.optimizers.SGD(momentum=0.9), "lamb": keras.optimizers.Lamb}
    optimizer = by_class[name]() if name in by_class else keras.optimizers.get(name)
    optimizer.build([variable])
    return sum(tuple(other.shape) == (1, 2) for other in optimizer.variables)

names = "adadelta adagrad adam adamax adamw ftrl lamb lion momentum nadam rmsprop sgd".split()
json.dump({name: slots(name) for name in names}, open(os.path.join(sys.argv[1], "slots.json"), "w"))
made = {"transfer": transfer(), "shared": shared()}
for name in sys.argv[2:]:
    build = getattr(keras.applications, name)
    model = build(weights=None)
    made[name] = build(weights=None, input_shape=(224, 224, 3)) if None in model.input_shape[1:] else model
made["ResNet50 at 97 x 160"] = keras.applications.ResNet50(weights=None, input_shape=(97, 160, 3))
made["transfer"].compile(keras.optimizers.SGD(momentum=0.9), "mse")
made["transfer"].save(os.path.join(sys.argv[1], "transfer.keras"))
json.dump({name: told(model) for name, model in made.items()}, open(os.path.join(sys.argv[1], "told.json"), "w"))
"""
SAMPLED = ("VGG16", "MobileNetV3Small", "ConvNeXtTiny", "EfficientNetV2B0", "DenseNet121")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    pytest.importorskip("tensorflow", reason="the tensorflow extra is not installed")
    folder = tmp_path_factory.mktemp("keras")
    subprocess.run([sys.executable, "-c", KERAS, str(folder), *SAMPLED], cwd=ROOT, check=True, capture_output=True)
    return folder, json.loads((folder / "told.json").read_text())


@pytest.mark.tensorflow
def test_parameters_and_shapes_are_those_of_keras(told: tuple[Path, dict[str, Any]]) -> None:
    for name, said in told[1].items():
        graph = lower(load.read(json.dumps(said["document"]).encode(), name="m.json"))
        assert (graph.weights, graph.trainable) == (said["parameters"], said["trainable"]), name
        assert list(graph.shapes[graph.ops[-1].output]) == said["output"], name


@pytest.mark.tensorflow
def test_a_saved_file_is_the_model(told: tuple[Path, dict[str, Any]]) -> None:
    folder, said = told
    graph = lower(load.read((folder / "transfer.keras").read_bytes(), name="transfer.keras"))
    assert graph.weights == said["transfer"]["parameters"]
    assert graph.trainable == said["transfer"]["trainable"] == 1280 * 5 + 5


@pytest.mark.tensorflow
def test_the_shipped_table_is_what_keras_builds(told: tuple[Path, dict[str, Any]]) -> None:
    for name in SAMPLED:
        graph = lower(load.application(name))
        assert (graph.weights, graph.trainable) == (told[1][name]["parameters"], told[1][name]["trainable"]), name
    resized = lower(load.application("ResNet50"), (97, 160, 3))
    assert resized.weights == told[1]["ResNet50 at 97 x 160"]["parameters"]


REFUSING = """
import json, re, sys
from keras import applications
told = {}
for name in sys.argv[1:]:
    try:
        getattr(applications, name)(weights=None, input_shape=(31, 31, 3))
    except ValueError as error:
        told[name] = int(re.search(r"at least (\\d+)x", str(error))[1])
print(json.dumps(told))
"""


@pytest.mark.tensorflow
def test_smaller_images_than_keras_takes_are_known() -> None:
    pytest.importorskip("tensorflow", reason="the tensorflow extra is not installed")
    names = load.applications()
    run = subprocess.run([sys.executable, "-c", REFUSING, *names], cwd=ROOT, check=True, capture_output=True)
    assert json.loads(run.stdout) == {name: load.application(name).least for name in names}


@pytest.mark.tensorflow
def test_optimizers_keep_what_keras_builds(told: tuple[Path, dict[str, Any]]) -> None:
    assert json.loads((told[0] / "slots.json").read_text()) == SLOTS


@pytest.mark.tensorflow
def test_what_a_model_was_compiled_with_is_read(told: tuple[Path, dict[str, Any]]) -> None:
    network = load.read((told[0] / "transfer.keras").read_bytes(), name="transfer.keras")
    assert (network.optimizer, network.policy) == ("momentum", "float32")


def test_every_application_is_shipped_and_small() -> None:
    names = load.applications()
    assert len(names) == 40
    assert sum((load._FOLDER / f"{name}.json.gz").stat().st_size for name in names) < 1.5e6
    for name in names:
        graph = lower(load.application(name))
        assert math.prod(graph.shapes[-1]) == 1000, name
