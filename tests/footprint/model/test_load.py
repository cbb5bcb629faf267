"""Descriptions of models: what Keras writes is read, what nobody should believe is refused before it is unpacked."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
import zipfile
from typing import TYPE_CHECKING, Any

import pytest

from datalint.footprint.model import load
from datalint.footprint.model.network import NetworkError
from datalint.footprint.model.ops import lower
from datalint.footprint.model.profiles import PROFILES
from datalint.footprint.model.walk import PRECISIONS, walk

if TYPE_CHECKING:
    from pathlib import Path


def zipped(text: bytes, *, name: str = "config.json") -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, text)
    return held.getvalue()


def sequential(*layers: dict[str, Any], shape: object = (None, 32, 32, 3)) -> bytes:
    first = {"class_name": "InputLayer", "config": {"batch_shape": shape}}
    return json.dumps({"class_name": "Sequential", "config": {"name": "s", "layers": [first, *layers]}}).encode()


def layer(kind: str, **config: Any) -> dict[str, Any]:
    return {"class_name": kind, "config": config}


DEEP = b'{"class_name": "Sequential", "config": ' + b"[" * 200_000 + b"]" * 200_000 + b"}"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "no .keras file"),
        (b"PK\x03\x04 and nothing else", "no .keras file"),
        (zipped(b"{}", name="model.json"), "no config.json"),
        (zipped(b"not json"), "not what Keras writes"),
        (zipped(b"[]"), "expected a Sequential or Functional model, got list"),
        (zipped(b'{"class_name": "MyModel", "config": {}}'), "got MyModel"),
        (zipped(b'{"class_name": "Sequential"}'), "no configuration"),
        (zipped(b'{"class_name": "Functional", "config": {"layers": [1]}}'), "no list of layers"),
        (zipped(DEEP), "nested too deep"),
        (zipped(b"\xff\xfe\x00"), "not what Keras writes"),
        (zipped(b" " * (load.MOST_BYTES + 1)), "larger than 32 MiB"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_model_says_so(content: bytes, word: str) -> None:
    with pytest.raises(NetworkError, match=word):
        load.read(content, name="m.keras")


def test_a_bomb_is_never_unpacked() -> None:
    """300 MiB of zeros in 300 KiB, whose directory says 10 bytes."""
    bomb = bytearray(zipped(b"\0" * (300 << 20)))
    start = bomb.rindex(b"PK\x01\x02")
    bomb[start + 24 : start + 28] = struct.pack("<I", 10)
    tracemalloc.start()
    with pytest.raises(NetworkError):
        load.read(bytes(bomb), name="m.keras")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * load.MOST_BYTES


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (sequential(layer("Conv2D", filters=10**400, kernel_size=[3, 3])), "filters"),
        (sequential(layer("Conv2D", filters=-1, kernel_size=[3, 3])), "filters"),
        (sequential(layer("Conv2D", filters=True, kernel_size=[3, 3])), "filters"),
        (sequential(layer("Conv2D", filters=8, kernel_size=[99, 99], padding="valid")), "a tensor of shape"),
        (sequential(layer("Dense", units=2**30), layer("Dense", units=2**30)), "tensor|weights"),
        (
            sequential(
                layer("ZeroPadding2D", padding=[[2**19] * 2] * 2), layer("ZeroPadding2D", padding=[[2**19] * 2] * 2)
            ),
            "tensor",
        ),
        (sequential(layer("BatchNormalization", axis=9)), "axis 9"),
        (sequential(layer("Reshape", target_shape=[7])), "Reshape"),
        (sequential(layer("Activation", activation="mine")), "the activation mine is not known"),
        (sequential(layer("Attention2000")), "the layer class Attention2000 is not known"),
        (sequential(layer("Flatten"), layer("Conv2D", filters=1, kernel_size=[1, 1])), "Conv2D on a tensor of shape"),
        (sequential(shape=[None, None, None, 3]), "open"),
        (sequential(shape="x"), "begin|open"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_layer_that_cannot_be_says_which(document: bytes, word: str) -> None:
    with pytest.raises(NetworkError, match=word):
        lower(load.read(document, name="m.json"))


def test_calls_that_lead_nowhere_end() -> None:
    ghost = {
        "class_name": "Dense",
        "name": "d",
        "config": {"units": 1},
        "inbound_nodes": [{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["d", 0, 0]}}]}],
    }
    text = json.dumps({"class_name": "Functional", "config": {"layers": [ghost], "output_layers": ["d", 0, 0]}})
    with pytest.raises(NetworkError, match="takes what no layer gives"):
        load.read(text.encode(), name="m.json")


def tensor(name: str, node: int) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, node, 0]}}


def test_models_within_models_end() -> None:
    """Each level calls the next eight times: 2^36 layers, were anybody to unfold them."""
    inner: dict[str, Any] = layer("ReLU", name="inner")
    for depth in range(12):
        calls = [tensor("input", 0), *(tensor("inner", number) for number in range(7))]
        called = {**inner, "name": "inner", "inbound_nodes": [{"args": [source]} for source in calls]}
        first = layer("InputLayer", batch_shape=[None, 4], name="input")
        ends = {"input_layers": [["input", 0, 0]], "output_layers": [["inner", 7, 0]]}
        inner = {"class_name": "Functional", "config": {"name": f"m{depth}", "layers": [first, called], **ends}}
    with pytest.raises(NetworkError, match="more than"):
        load.read(json.dumps(inner).encode(), name="m.json")


@pytest.mark.parametrize("written", ["ResNet50", "resnet50", "RESNET-50", "res_net_50"])
def test_an_application_is_understood_however_it_is_written(written: str) -> None:
    assert load.named(written) == "ResNet50"


def test_weights_are_not_read(tmp_path: Path) -> None:
    """A file of a gigabyte of weights costs what its description costs."""
    path = tmp_path / "m.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", sequential(layer("Flatten"), layer("Dense", units=10)))
        with archive.open("model.weights.h5", "w", force_zip64=True) as member:
            for _ in range(64):
                member.write(bytes(1 << 20))
    tracemalloc.start()
    with path.open("rb") as file:
        graph = lower(load.read(file, name="m.keras"))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert graph.weights == 32 * 32 * 3 * 10 + 10
    assert peak < 1 << 20


def places(value: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [way, *(found for key, item in items for found in places(item, (*way, key)))]


VALUES: tuple[object, ...] = (
    None,
    True,
    -1,
    0,
    1,
    10**30,
    1.5,
    float("nan"),
    "x",
    [],
    [[]],
    [1],
    [0, 0],
    [None],
    {},
    {"class_name": "X"},
)
SOUND = sequential(
    layer("Conv2D", filters=8, kernel_size=[3, 3], strides=[2, 2], padding="same", activation="silu"),
    layer("BatchNormalization", axis=-1),
    layer("SeparableConv2D", filters=8, kernel_size=[3, 3], activation="relu"),
    layer("ZeroPadding2D", padding=[[1, 1], [1, 1]]),
    layer("MaxPooling2D", pool_size=[2, 2], strides=[2, 2]),
    layer("LayerNormalization", axis=[-1]),
    layer("Reshape", target_shape=[-1]),
    layer("Dropout", rate=0.5),
    layer("Dense", units=10, activation="softmax"),
)


@pytest.mark.parametrize("instead", VALUES, ids=str)
def test_whatever_stands_in_a_place_is_a_model_or_an_error_of_ours(instead: object) -> None:
    followed = 0
    for way in places(json.loads(SOUND)):
        document = json.loads(SOUND)
        place = document
        for key in way[:-1]:
            place = place[key]
        if not way:
            continue
        place[way[-1]] = instead
        try:
            graph = lower(load.read(json.dumps(document).encode(), name="m.json"))
            for profile in PROFILES.values():
                assert walk(graph, profile, PRECISIONS["mixed_float16"]).usual
            followed += 1
        except NetworkError:
            pass
    assert followed, "names do not matter"


def test_every_output_of_a_model_has_a_gradient() -> None:
    """Two heads: what only the first one needs is kept for backward as well."""
    wide = {"class_name": "Conv2D", "name": "wide", "config": {"filters": 64, "kernel_size": [3, 3]}}
    body = {"class_name": "Conv2D", "name": "body", "config": {"filters": 4, "kernel_size": [3, 3]}}
    first = layer("InputLayer", batch_shape=[None, 64, 64, 3], name="input")
    heads = {"class_name": "Dense", "config": {"units": 2}}
    layers = [
        first,
        {**body, "inbound_nodes": [{"args": [tensor("input", 0)]}]},
        {**wide, "inbound_nodes": [{"args": [tensor("body", 0)]}]},
        {**heads, "name": "one", "inbound_nodes": [{"args": [tensor("wide", 0)]}]},
        {**heads, "name": "two", "inbound_nodes": [{"args": [tensor("body", 0)]}]},
    ]

    def peak(*outputs: str) -> float:
        config = {"layers": layers, "output_layers": [[name, 0, 0] for name in outputs], "input_layers": []}
        text = json.dumps({"class_name": "Functional", "config": config}).encode()
        graph = lower(load.read(text, name="m.json"))
        return max(moment.at(32) for moment in walk(graph, PROFILES["torch"], PRECISIONS["float32"]).usual)

    assert peak("one", "two") == peak("two", "one") > peak("two")
