"""Layers as Keras writes them -> one flat list of calls: nested models unfolded, shared weights counted once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_CALLS = 20_000
"""Of layers, in one model: NASNetLarge has a thousand."""
MOST_LINKS = 10 * MOST_CALLS
"""Inputs of all calls together."""
_MOST_PASSES = 20
"""Over layers that were written before what they take; Keras writes them in order."""
_DEEPEST = 16
_MODELS = ("Functional", "Sequential", "Model")
_NEEDED = frozenset(
    (
        *("batch_shape", "filters", "kernel_size", "strides", "padding", "dilation_rate", "groups", "use_bias"),
        *("activation", "depth_multiplier", "pool_size", "axis", "units", "keepdims", "cropping", "target_shape"),
        *("scale", "center", "max_value", "negative_slope", "size", "height", "width", "rate", "noise_shape"),
        *("projection_dim", "dims", "n", "shared_axes", "mean", "output_padding", "data_format", "renorm"),
        *("num_heads", "key_dim", "value_dim", "input_dim", "output_dim", "rms_scaling", "name"),
    )
)
"""What of a layer's configuration the walk looks at."""


class NetworkError(ValueError):
    """A description that is no model, or one that cannot be followed; the message says where."""


@dataclass(frozen=True, slots=True)
class Call:
    """A layer applied to the outputs of earlier calls; equal `weights` are the same variables."""

    kind: str
    config: Mapping[str, Any]
    inputs: tuple[int, ...]
    weights: int
    trainable: bool = True


@dataclass(frozen=True, slots=True)
class Network:
    """Calls in an order in which they can run."""

    name: str
    calls: tuple[Call, ...]
    outputs: tuple[int, ...]
    """Calls whose outputs are the model's."""
    optimizer: str | None = None
    """That which it was compiled with."""
    policy: str | None = None
    """Dtype policy of its layers: float32, mixed_float16, ..."""
    fixed: bool = True
    """Its input is what it says; an application can be built for another size."""
    least: int = 1
    """Pixels of a side below which Keras does not build the application."""
    identity: str | None = None
    """Of the description: the application's name, or a digest of what was read."""


@dataclass(slots=True)
class _Unfolding:
    calls: list[Call] = field(default_factory=list)
    shared: dict[tuple[object, ...], int] = field(default_factory=dict)
    links: int = 0

    def add(self, layer: Mapping[str, Any], inputs: tuple[int, ...], way: tuple[object, ...], *, trained: bool) -> int:
        self.links += len(inputs)
        if len(self.calls) >= MOST_CALLS or self.links > MOST_LINKS:
            raise NetworkError(f"more than {MOST_CALLS:,} calls of layers")
        config = layer.get("config")
        config = config if isinstance(config, dict) else {}
        number = len(self.calls)
        kept = {name: _plain(value) for name, value in config.items() if name in _NEEDED}
        trainable = trained and config.get("trainable", True) is not False
        weights = self.shared.setdefault((*way, layer.get("name") or config.get("name")), number)
        self.calls.append(Call(str(layer.get("class_name")), kept, inputs, weights, trainable))
        return number


def unfold(document: object) -> Network:
    """The network of a `config.json` as Keras 3 writes it; NetworkError where it is none."""
    if not isinstance(document, dict) or document.get("class_name") not in _MODELS:
        what = document.get("class_name") if isinstance(document, dict) else type(document).__name__
        raise NetworkError(f"expected a Sequential or Functional model, got {what}")
    unfolding = _Unfolding()
    outputs = _model(document, (), (), unfolding, trained=True)
    if not unfolding.calls:
        raise NetworkError("the model has no layers")
    return Network(
        name=str((document.get("config") or {}).get("name")),
        calls=tuple(unfolding.calls),
        outputs=outputs,
        optimizer=_optimizer(document),
        policy=_policy(document),
    )


def _model(
    model: Mapping[str, Any], inputs: tuple[int, ...], way: tuple[object, ...], unfolding: _Unfolding, *, trained: bool
) -> tuple[int, ...]:
    """Unfold a model called on `inputs` (none for the outermost); returns its outputs."""
    if len(way) > _DEEPEST:
        raise NetworkError(f"models nested more than {_DEEPEST} deep")
    config = model.get("config")
    if not isinstance(config, dict):
        raise NetworkError(f"the model {model.get('name')!r} has no configuration")
    layers = config.get("layers")
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise NetworkError(f"the model {model.get('name')!r} has no list of layers")
    trained = trained and config.get("trainable", True) is not False
    if model["class_name"] == "Sequential":
        return _sequential(layers, config, inputs, way, unfolding, trained=trained)
    return _functional(layers, config, inputs, way, unfolding, trained=trained)


def _sequential(
    layers: list[dict[str, Any]],
    config: Mapping[str, Any],
    inputs: tuple[int, ...],
    way: tuple[object, ...],
    unfolding: _Unfolding,
    *,
    trained: bool,
) -> tuple[int, ...]:
    current = inputs
    if not current and layers and layers[0].get("class_name") != "InputLayer":
        shape = config.get("build_input_shape")
        if not isinstance(shape, list):
            raise NetworkError("a Sequential model without an input shape")
        current = (
            unfolding.add({"class_name": "InputLayer", "config": {"batch_shape": shape}}, (), way, trained=True),
        )
    for number, layer in enumerate(layers):
        if layer.get("class_name") == "InputLayer" and current:
            continue
        name = _name(layer, number)
        current = _apply(layer, current, (*way, name), unfolding, trained=trained)
    return current


def _functional(
    layers: list[dict[str, Any]],
    config: Mapping[str, Any],
    inputs: tuple[int, ...],
    way: tuple[object, ...],
    unfolding: _Unfolding,
    *,
    trained: bool,
) -> tuple[int, ...]:
    made: dict[tuple[str, int], tuple[int, ...]] = {}
    names = [_name(layer, number) for number, layer in enumerate(layers)]
    fed = dict(zip(_references(config.get("input_layers")), inputs, strict=False))
    waiting = []
    for name, layer in zip(names, layers, strict=True):
        if layer.get("class_name") == "InputLayer":
            given = fed.get((name, 0, 0))
            if given is None:
                given = unfolding.add(layer, (), way, trained=trained)
            made[name, 0] = (given,)
            continue
        nodes = layer.get("inbound_nodes")
        if not isinstance(nodes, list) or not nodes:
            raise NetworkError(f"the layer {name!r} is never called")
        waiting += [(name, layer, number, tuple(_tensors(node))) for number, node in enumerate(nodes)]
    for _ in range(_MOST_PASSES):
        later = []
        for name, layer, number, sources in waiting:
            if all((source, node) in made for source, node, _ in sources):
                taken = tuple(_output(made[source, node], index) for source, node, index in sources)
                made[name, number] = _apply(layer, taken, (*way, name), unfolding, trained=trained)
            else:
                later.append((name, layer, number, sources))
        waiting = later
        if not waiting:
            break
    if waiting:
        raise NetworkError(f"the layer {waiting[0][0]!r} takes what no layer gives")
    ends = list(_references(config.get("output_layers")))
    if not all((name, node) in made for name, node, _ in ends):
        raise NetworkError("an output of the model is made by none of its layers")
    return tuple(_output(made[name, node], index) for name, node, index in ends)


def _apply(
    layer: Mapping[str, Any],
    inputs: tuple[int, ...],
    way: tuple[object, ...],
    unfolding: _Unfolding,
    *,
    trained: bool,
) -> tuple[int, ...]:
    if layer.get("class_name") in _MODELS:
        return _model(layer, inputs, way, unfolding, trained=trained)
    return (unfolding.add(layer, inputs, way, trained=trained),)


def _output(outputs: tuple[int, ...], index: int) -> int:
    """A layer with several outputs of its own is one call."""
    return outputs[index] if 0 <= index < len(outputs) else outputs[0]


def _name(layer: Mapping[str, Any], number: int) -> str:
    config = layer.get("config")
    name = layer.get("name") or (config.get("name") if isinstance(config, dict) else None)
    return str(name or f"layer {number}")


def _tensors(node: object) -> Iterator[tuple[str, int, int]]:
    """Every tensor among the arguments of a call: (layer, its call, its output)."""
    if isinstance(node, dict):
        if node.get("class_name") == "__keras_tensor__":
            config = node.get("config")
            yield from _references([config.get("keras_history")] if isinstance(config, dict) else None)
        else:
            for value in node.values():
                yield from _tensors(value)
    elif isinstance(node, list):
        for value in node:
            yield from _tensors(value)


def _references(value: object) -> Iterator[tuple[str, int, int]]:
    """`["name", 0, 0]`, or a list or mapping of such."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return
    if len(value) == 3 and isinstance(value[0], str) and all(type(number) is int for number in value[1:]):
        yield value[0], value[1], value[2]
        return
    for item in value:
        yield from _references(item)


def _plain(value: object) -> Any:
    """Configuration of a configuration is asked for its name alone: an activation written as an object."""
    if isinstance(value, dict):
        config = value.get("config")
        return config if isinstance(config, str) else str(value.get("class_name"))
    return value


def _optimizer(document: Mapping[str, Any]) -> str | None:
    """By its lower-case name; SGD with momentum is `momentum`, as it keeps a variable more."""
    compiled = (document.get("compile_config") or {}).get("optimizer")
    if isinstance(compiled, dict) and compiled.get("class_name") == "LossScaleOptimizer":
        compiled = (compiled.get("config") or {}).get("inner_optimizer")
    if isinstance(compiled, str):
        return compiled.lower()
    if not isinstance(compiled, dict) or not isinstance(compiled.get("class_name"), str):
        return None
    name: str = compiled["class_name"].lower()
    return "momentum" if name == "sgd" and (compiled.get("config") or {}).get("momentum") else name


def _policy(document: Mapping[str, Any]) -> str | None:
    """Of the first layer that has one and is no input."""
    layers = (document.get("config") or {}).get("layers") or []
    for layer in layers:
        config = layer.get("config") if isinstance(layer, dict) else None
        if not isinstance(config, dict) or layer.get("class_name") == "InputLayer":
            continue
        dtype = config.get("dtype")
        name = dtype.get("config", {}).get("name") if isinstance(dtype, dict) else dtype
        if isinstance(name, str):
            return name
    return None
