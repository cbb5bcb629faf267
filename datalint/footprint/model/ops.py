"""Calls of layers -> primitive operations: the shape of every tensor, the weights, and what backward will ask for.

What an operation keeps follows from its gradient as TensorFlow 2.21 and Keras 3.15 define it: a convolution needs its
input, a ReLU its output, a BatchNormalization its input (in float32, whatever the precision).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from datalint.footprint.model.network import NetworkError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datalint.footprint.model.network import Call, Network

Shape = tuple[int, ...]
"""Of one sample, without the batch."""
_MOST_VALUES = 1 << 40


@dataclass(frozen=True, slots=True)
class Weight:
    """A variable of `values` numbers."""

    values: int
    trainable: bool


@dataclass(frozen=True, slots=True)
class Op:
    """One operation: tensors are numbers into `Graph.sizes`.

    `keeps_input` and `keeps_output` say what its gradient reads; `inner` are further tensors of the output's size that
    it keeps; `mask` is bytes a value of the output in a mask; `in_place` says that the output may overwrite the input.
    """

    kind: str
    inputs: tuple[int, ...]
    output: int
    weights: tuple[Weight, ...] = ()
    keeps_input: bool = False
    keeps_output: bool = False
    inner: float = 0.0
    mask: float = 0.0
    in_place: bool = False
    window: tuple[int, int] = (1, 1)
    """Of a convolution: what Winograd's transforms are for."""
    stride: int = 1


@dataclass(slots=True)
class Graph:
    """Operations in the order in which they run; `sizes` are values of one sample, of every tensor."""

    sizes: list[int] = field(default_factory=list)
    shapes: list[Shape] = field(default_factory=list)
    ops: list[Op] = field(default_factory=list)
    outputs: tuple[int, ...] = ()
    """Tensors that the loss is made of."""
    weights: int = 0
    trainable: int = 0

    def tensor(self, shape: Shape) -> int:
        size = math.prod(shape)
        if size > _MOST_VALUES or any(side < 1 for side in shape):
            raise NetworkError(f"a tensor of shape {shape}")
        self.shapes.append(shape)
        self.sizes.append(size)
        return len(self.sizes) - 1


@dataclass(slots=True)
class _Build:
    graph: Graph
    call: Call
    inputs: tuple[int, ...]
    fresh: bool
    """Whether its weights are met for the first time."""

    def shape(self, number: int = 0) -> Shape:
        return self.graph.shapes[self.inputs[number]]

    def op(self, kind: str, shape: Shape, source: tuple[int, ...] | int, **more: Any) -> int:
        sources = (source,) if isinstance(source, int) else source
        output = self.graph.tensor(shape)
        op = Op(kind, sources, output, **more)
        self.graph.ops.append(op)
        if self.fresh:
            self.graph.weights += sum(weight.values for weight in op.weights)
            self.graph.trainable += sum(weight.values for weight in op.weights if weight.trainable)
        return output

    def weight(self, *sides: int, trainable: bool = True) -> Weight:
        values = math.prod(sides)
        if values > _MOST_VALUES:
            raise NetworkError(f"weights of {sides}")
        return Weight(values, trainable and self.call.trainable)

    def number(self, name: str, default: int | None = None) -> int:
        value = self.call.config.get(name, default)
        if isinstance(value, list) and len(set(map(str, value))) == 1:
            value = value[0]
        if type(value) is not int or not 0 < value < 1 << 31:
            raise NetworkError(f"{self.call.kind}: {name} {str(value)[:40]}")
        return value

    def pair(self, name: str, default: int | None = None) -> tuple[int, int]:
        value = self.call.config.get(name)
        if (
            isinstance(value, list)
            and len(value) == 2
            and all(type(side) is int and 0 < side < 1 << 31 for side in value)
        ):
            return value[0], value[1]
        side = self.number(name, default)
        return side, side


def lower(network: Network, shape: Shape | None = None) -> Graph:
    """The graph of one sample; `shape` is what the input is where the model leaves it open, or instead of it.

    NetworkError where a layer is not known or does not take what it gets.
    """
    graph = Graph()
    made: list[int] = []
    known: set[int] = set()
    for number, call in enumerate(network.calls):
        build = _Build(graph, call, tuple(made[source] for source in call.inputs), call.weights not in known)
        known.add(call.weights)
        layer = _LAYERS.get(call.kind)
        if layer is None:
            raise NetworkError(f"the layer class {call.kind} is not known")
        if call.kind == "InputLayer":
            made.append(graph.tensor(_input(call, shape if number == 0 else None)))
            continue
        if not build.inputs:
            raise NetworkError(f"a layer {call.kind} without an input")
        if call.kind in _IMAGES and len(build.shape()) != 3:
            raise NetworkError(f"{call.kind} on a tensor of shape {build.shape()}")
        if call.config.get("data_format") == "channels_first":
            raise NetworkError(f"{call.kind}: channels_first is not followed")
        try:
            made.append(layer(build))
        except NetworkError:
            raise
        except (ValueError, TypeError, IndexError, OverflowError) as error:
            raise NetworkError(f"{call.kind} on a tensor of shape {build.shape()}: {error}") from None
    if not graph.ops:
        raise NetworkError("the model has no layers but its input")
    graph.outputs = tuple(dict.fromkeys(made[output] for output in network.outputs))
    return graph


def input_shape(network: Network) -> tuple[int | None, ...]:
    """Of one sample as the model states it, None where it is left open."""
    shape = network.calls[0].config.get("batch_shape")
    if network.calls[0].kind != "InputLayer" or not isinstance(shape, list):
        raise NetworkError("the model does not begin with an input")
    return tuple(side if type(side) is int else None for side in shape[1:])


def _input(call: Call, instead: Shape | None) -> Shape:
    stated = call.config.get("batch_shape")
    if instead is not None:
        return instead
    if not isinstance(stated, list) or not all(type(side) is int for side in stated[1:]):
        raise NetworkError("the size of the model's input is open")
    return tuple(stated[1:])


def _activate(build: _Build, source: int, name: object) -> int:
    """An activation after an operation, by its name in Keras."""
    if name in (None, "linear"):
        return source
    keeps = _ACTIVATIONS.get(str(name))
    if keeps is None:
        raise NetworkError(f"the activation {str(name)[:40]} is not known")
    return build.op(str(name), build.graph.shapes[source], source, **keeps)


_OUTPUT = {"keeps_output": True, "in_place": True}
_INPUT = {"keeps_input": True}
_INPUT_AND_TWO = {"keeps_input": True, "inner": 2.0}
_ACTIVATIONS: Mapping[str, Mapping[str, Any]] = {
    **dict.fromkeys(("relu", "relu6", "sigmoid", "tanh", "elu", "selu", "softmax", "softplus", "exponential"), _OUTPUT),
    **dict.fromkeys(("silu", "swish", "leaky_relu", "softsign", "log_softmax"), _INPUT),
    "hard_sigmoid": {"inner": 1.0, "in_place": True},
    **dict.fromkeys(("hard_silu", "hard_swish", "gelu", "mish"), _INPUT_AND_TWO),
}
"""What the gradient reads; `inner` was counted over chains of such layers under the BFC allocator."""


def _conv(build: _Build) -> int:
    config = build.call.config
    height, width, channels = build.shape()
    window, stride = build.pair("kernel_size"), build.pair("strides", 1)
    dilation, groups, filters = build.pair("dilation_rate", 1), build.number("groups", 1), build.number("filters")
    shape = (*_slid((height, width), window, stride, dilation, config.get("padding")), filters)
    weights = [build.weight(*window, max(1, channels // groups), filters)]
    if config.get("use_bias", True):
        weights.append(build.weight(filters))
    kind = "conv" if groups == 1 else "grouped conv"
    made = build.op(
        kind, shape, build.inputs[0], weights=tuple(weights), keeps_input=True, window=window, stride=max(stride)
    )
    return _activate(build, made, config.get("activation"))


def _conv_transpose(build: _Build) -> int:
    config = build.call.config
    height, width, channels = build.shape()
    window, stride, filters = build.pair("kernel_size"), build.pair("strides", 1), build.number("filters")
    same = config.get("padding") == "same"
    sides = [
        side * step if same else side * step + max(size - step, 0)
        for side, step, size in zip((height, width), stride, window, strict=True)
    ]
    weights = [build.weight(*window, channels, filters)]
    if config.get("use_bias", True):
        weights.append(build.weight(filters))
    made = build.op("conv", (*sides, filters), build.inputs[0], weights=tuple(weights), keeps_input=True)
    return _activate(build, made, config.get("activation"))


def _depthwise(build: _Build) -> int:
    config = build.call.config
    made = _spread(build, bias=config.get("use_bias", True) is not False)
    return _activate(build, made, config.get("activation"))


def _spread(build: _Build, *, bias: bool) -> int:
    height, width, channels = build.shape()
    window, stride, times = build.pair("kernel_size"), build.pair("strides", 1), build.number("depth_multiplier", 1)
    sides = _slid((height, width), window, stride, build.pair("dilation_rate", 1), build.call.config.get("padding"))
    weights = [build.weight(*window, channels, times)]
    if bias:
        weights.append(build.weight(channels * times))
    return build.op(
        "depthwise",
        (*sides, channels * times),
        build.inputs[0],
        weights=tuple(weights),
        keeps_input=True,
        window=window,
    )


def _separable(build: _Build) -> int:
    config = build.call.config
    middle = _spread(build, bias=False)
    height, width, channels = build.graph.shapes[middle]
    filters = build.number("filters")
    weights = [build.weight(channels, filters)]
    if config.get("use_bias", True):
        weights.append(build.weight(filters))
    made = build.op("conv", (height, width, filters), middle, weights=tuple(weights), keeps_input=True)
    return _activate(build, made, config.get("activation"))


def _dense(build: _Build) -> int:
    *front, last = build.shape()
    units = build.number("units")
    weights = [build.weight(last, units)]
    if build.call.config.get("use_bias", True):
        weights.append(build.weight(units))
    made = build.op("dense", (*front, units), build.inputs[0], weights=tuple(weights), keeps_input=True)
    return _activate(build, made, build.call.config.get("activation"))


def _batch_norm(build: _Build) -> int:
    config, shape = build.call.config, build.shape()
    channels = shape[_axis(config.get("axis", -1), len(shape))]
    weights = [build.weight(channels) for name in ("scale", "center") if config.get(name, True)]
    weights += [build.weight(channels, trainable=False) for _ in range(4 if config.get("renorm") else 2)]
    # A frozen one scales by what it has learnt: a product with constants, whose gradient reads nothing.
    kind = "batch norm" if build.call.trainable else "scale"
    return build.op(kind, shape, build.inputs[0], weights=tuple(weights), keeps_input=kind == "batch norm")


def _layer_norm(build: _Build) -> int:
    config, shape = build.call.config, build.shape()
    axes = config.get("axis", -1)
    axes = axes if isinstance(axes, list) else [axes]
    sides = math.prod(shape[_axis(axis, len(shape))] for axis in axes)
    names = [
        name
        for name in ("scale", "center")
        if config.get(name, True) and not (name == "center" and config.get("rms_scaling"))
    ]
    weights = tuple(build.weight(sides) for _ in names)
    return build.op("layer norm", shape, build.inputs[0], weights=weights, keeps_input=True, inner=1.0)


def _group_norm(build: _Build) -> int:
    config, shape = build.call.config, build.shape()
    channels = shape[_axis(config.get("axis", -1), len(shape))]
    weights = tuple(build.weight(channels) for name in ("scale", "center") if config.get(name, True))
    return build.op("group norm", shape, build.inputs[0], weights=weights, keeps_input=True)


def _pool(build: _Build) -> int:
    height, width, channels = build.shape()
    window = build.pair("pool_size", 2)
    stride = build.pair("strides") if build.call.config.get("strides") is not None else window
    sides = _slid((height, width), window, stride, (1, 1), build.call.config.get("padding"))
    most = build.call.kind == "MaxPooling2D"
    kind = "max pool" if most else "average pool"
    return build.op(kind, (*sides, channels), build.inputs[0], keeps_input=most, keeps_output=most)


def _global_pool(build: _Build) -> int:
    *_, channels = build.shape()
    shape = (1, 1, channels) if build.call.config.get("keepdims") else (channels,)
    most = build.call.kind == "GlobalMaxPooling2D"
    return build.op("reduce", shape, build.inputs[0], keeps_input=most, keeps_output=most)


def _pad(build: _Build) -> int:
    height, width, channels = build.shape()
    (top, bottom), (left, right) = _borders(build, "padding")
    return build.op("pad", (height + top + bottom, width + left + right, channels), build.inputs[0])


def _crop(build: _Build) -> int:
    height, width, channels = build.shape()
    (top, bottom), (left, right) = _borders(build, "cropping")
    return build.op("crop", (height - top - bottom, width - left - right, channels), build.inputs[0])


def _upsample(build: _Build) -> int:
    height, width, channels = build.shape()
    rows, columns = build.pair("size", 2)
    return build.op("resize", (height * rows, width * columns, channels), build.inputs[0])


def _sized(build: _Build) -> int:
    """Resizing and cropping to a fixed size."""
    *_, channels = build.shape()
    return build.op("resize", (build.number("height"), build.number("width"), channels), build.inputs[0])


def _flatten(build: _Build) -> int:
    return build.op("view", (math.prod(build.shape()),), build.inputs[0], in_place=True)


def _reshape(build: _Build) -> int:
    size, target = math.prod(build.shape()), build.call.config.get("target_shape")
    if not isinstance(target, list) or not all(type(side) is int for side in target):
        raise NetworkError(f"Reshape to {str(target)[:40]}")
    known = math.prod(side for side in target if side != -1)
    shape = tuple(size // max(known, 1) if side == -1 else side for side in target)
    if math.prod(shape) != size:
        raise NetworkError(f"Reshape of {build.shape()} to {shape}")
    return build.op("view", shape, build.inputs[0], in_place=True)


def _same(kind: str, **more: Any) -> Callable[[_Build], int]:
    def made(build: _Build) -> int:
        return build.op(kind, build.shape(), build.inputs[0], **more)

    return made


def _view(build: _Build) -> int:
    return build.op("view", build.shape(), build.inputs[0], in_place=True)


def _dropout(build: _Build) -> int:
    if not build.call.config.get("rate"):
        return _view(build)
    # A mask of booleans; with a noise shape it is one number a sample.
    mask = 0.0 if isinstance(build.call.config.get("noise_shape"), list) else 1.0
    return build.op("dropout", build.shape(), build.inputs[0], mask=mask)


def _activation(build: _Build) -> int:
    return _activate(build, _view(build), build.call.config.get("activation"))


def _relu(build: _Build) -> int:
    slope = build.call.config.get("negative_slope")
    return _activate(build, _view(build), "leaky_relu" if slope else "relu")


def _named(name: str) -> Callable[[_Build], int]:
    def made(build: _Build) -> int:
        return _activate(build, _view(build), name)

    return made


def _prelu(build: _Build) -> int:
    shape, shared = build.shape(), build.call.config.get("shared_axes") or []
    sides = [1 if number + 1 in shared else side for number, side in enumerate(shape)]
    return build.op("prelu", shape, build.inputs[0], weights=(build.weight(*sides),), keeps_input=True, inner=1.0)


def _merge(kind: str, **more: Any) -> Callable[[_Build], int]:
    def made(build: _Build) -> int:
        shapes = [build.graph.shapes[source] for source in build.inputs]
        rank = max(len(shape) for shape in shapes)
        sides = zip(*((1,) * (rank - len(shape)) + shape for shape in shapes), strict=True)
        shape = []
        for side in sides:
            if len({length for length in side if length != 1}) > 1:
                raise NetworkError(f"{build.call.kind} of tensors of shapes {', '.join(map(str, shapes))}")
            shape.append(max(side))
        return build.op(kind, tuple(shape), build.inputs, **more)

    return made


def _concatenate(build: _Build) -> int:
    shapes = [build.graph.shapes[source] for source in build.inputs]
    axis = _axis(build.call.config.get("axis", -1), len(shapes[0]))
    front = {(*shape[:axis], *shape[axis + 1 :]) for shape in shapes}
    if len(front) != 1:
        raise NetworkError(f"Concatenate of tensors of shapes {', '.join(map(str, shapes))}")
    shape = (*shapes[0][:axis], sum(shape[axis] for shape in shapes), *shapes[0][axis + 1 :])
    return build.op("concatenate", shape, build.inputs)


def _normalization(build: _Build) -> int:
    config, shape = build.call.config, build.shape()
    if config.get("mean") is not None:
        return build.op("scale", shape, build.inputs[0])
    axes = config.get("axis", -1)
    axes = axes if isinstance(axes, list) else [axes]
    sides = math.prod(shape[_axis(axis, len(shape))] for axis in axes if axis is not None)
    weights = (*(build.weight(sides, trainable=False) for _ in range(2)), Weight(1, trainable=False))
    return build.op("scale", shape, build.inputs[0], weights=weights)


def _layer_scale(build: _Build) -> int:
    shape = build.shape()
    weights = (build.weight(build.number("projection_dim")),)
    return build.op("multiply", shape, build.inputs[0], weights=weights, keeps_input=True)


def _slid(
    sides: tuple[int, int], window: tuple[int, int], stride: tuple[int, int], dilation: tuple[int, int], padding: object
) -> tuple[int, int]:
    """Height and width after a window has slid over them (padding same or valid)."""
    made = []
    for side, size, step, gap in zip(sides, window, stride, dilation, strict=True):
        reach = (size - 1) * gap + 1
        made.append(-(-side // step) if padding == "same" else (side - reach) // step + 1)
    return made[0], made[1]


def _borders(build: _Build, name: str) -> tuple[tuple[int, int], tuple[int, int]]:
    value = build.call.config.get(name)
    if type(value) is int:
        value = [[value, value], [value, value]]
    if isinstance(value, list) and len(value) == 2:
        pairs = [[side, side] if type(side) is int else side for side in value]
        flat = [side for pair in pairs if isinstance(pair, list) for side in pair]
        if len(flat) == 4 and all(type(side) is int and 0 <= side < 1 << 20 for side in flat):
            return (flat[0], flat[1]), (flat[2], flat[3])
    raise NetworkError(f"{build.call.kind}: {name} {str(value)[:40]}")


def _axis(axis: object, rank: int) -> int:
    """Among the sides of one sample; Keras counts the batch."""
    if type(axis) is not int or axis == 0 or not -rank <= axis <= rank:
        raise NetworkError(f"axis {str(axis)[:40]} of a tensor with {rank} sides")
    return axis - 1 if axis > 0 else rank + axis


_IMAGES = (
    *("Conv2D", "Conv2DTranspose", "DepthwiseConv2D", "SeparableConv2D", "MaxPooling2D", "AveragePooling2D"),
    *("GlobalAveragePooling2D", "GlobalMaxPooling2D", "ZeroPadding2D", "Cropping2D", "UpSampling2D", "Resizing"),
    "CenterCrop",
)
_LAYERS: Mapping[str, Callable[[_Build], int]] = {
    "InputLayer": _view,
    "Conv2D": _conv,
    "Conv2DTranspose": _conv_transpose,
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": _separable,
    "Dense": _dense,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "GroupNormalization": _group_norm,
    "MaxPooling2D": _pool,
    "AveragePooling2D": _pool,
    "GlobalAveragePooling2D": _global_pool,
    "GlobalMaxPooling2D": _global_pool,
    "ZeroPadding2D": _pad,
    "Cropping2D": _crop,
    "UpSampling2D": _upsample,
    "Resizing": _sized,
    "CenterCrop": _sized,
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Identity": _view,
    "ActivityRegularization": _view,
    "Dropout": _dropout,
    "SpatialDropout2D": _same("scale"),
    "GaussianNoise": _same("scale"),
    "GaussianDropout": _same("multiply", inner=1.0),
    "StochasticDepth": _same("scale"),
    "Activation": _activation,
    "ReLU": _relu,
    "LeakyReLU": _named("leaky_relu"),
    "ELU": _named("elu"),
    "Softmax": _named("softmax"),
    "PReLU": _prelu,
    "Add": _merge("add"),
    "Subtract": _merge("add"),
    "Average": _merge("add"),
    "Maximum": _merge("multiply", keeps_input=True),
    "Minimum": _merge("multiply", keeps_input=True),
    "Multiply": _merge("multiply", keeps_input=True),
    "CustomScaleLayer": _merge("add"),
    "Concatenate": _concatenate,
    "Rescaling": _same("scale"),
    "Normalization": _normalization,
    "LayerScale": _layer_scale,
    **dict.fromkeys(
        (
            *("RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast"),
            *("RandomBrightness", "RandomShear", "RandomGrayscale", "RandomInvert"),
        ),
        _same("augment"),
    ),
    "RandomCrop": _sized,
}
"""Layer class -> its operations."""
