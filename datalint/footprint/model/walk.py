"""One training step as a row of allocations: forward keeps what backward reads, backward frees it.

Every moment is `fixed + batch x per_sample` bytes, so that one walk answers for every batch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from datalint.footprint.model.profiles import transforms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from datalint.footprint.model.ops import Graph, Op
    from datalint.footprint.model.profiles import Profile

FLOAT = 4
"""Bytes of a variable, whatever the precision of the computation."""
PRODUCTS = ("conv", "grouped conv", "depthwise", "dense")
NORMS = ("batch norm", "layer norm", "group norm")
"""Keras computes them in float32 and casts what they take."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What is alive beside weights and slots: bytes of gradients and updates, bytes of one sample's tensors."""

    fixed: float
    per_sample: float

    def at(self, batch: int) -> float:
        return self.fixed + batch * self.per_sample


@dataclass(frozen=True, slots=True)
class Precision:
    """Of the computation: bytes of a value, and whether a loss scale holds gradients back until all are there."""

    size: int
    scaled: bool

    @property
    def mixed(self) -> bool:
        return self.size < FLOAT


PRECISIONS = {
    "float32": Precision(4, scaled=False),
    "mixed_float16": Precision(2, scaled=True),
    "mixed_bfloat16": Precision(2, scaled=False),
}


@dataclass(slots=True)
class _Buffer:
    per_sample: float
    refs: int = 0


@dataclass(slots=True)
class _Time:
    """What is alive; `moments` are those that could be the highest for some batch."""

    fixed: float = 0.0
    per_sample: float = 0.0
    moments: list[tuple[float, float, float]] = field(default_factory=list)
    """Bytes that are fixed, bytes a sample, and bytes a sample with the transforms of a convolution."""

    def mark(self, fixed: float = 0.0, per_sample: float = 0.0, transforms: float = 0.0) -> None:
        """A moment with something beside what is alive."""
        held = self.per_sample + per_sample
        self.moments.append((self.fixed + fixed, held, held + transforms))

    def hold(self, per_sample: float, refs: int = 1) -> _Buffer:
        self.per_sample += per_sample
        return _Buffer(per_sample, refs)

    def drop(self, buffer: _Buffer) -> None:
        buffer.refs -= 1
        if buffer.refs == 0:
            self.per_sample -= buffer.per_sample


class Walk(NamedTuple):
    """The moments of one step that are the highest for some batch."""

    usual: list[Moment]
    upper: list[Moment]
    """With the transforms of all convolutions, also where the executor makes them rarely."""


def walk(graph: Graph, profile: Profile, precision: Precision) -> Walk:
    """One step forward and backward."""
    learns = _learning(graph)
    time = _Time()
    held = _forward(graph, profile, precision, time, learns)
    _backward(graph, profile, precision, time, learns, held)
    upper = _highest([(fixed, most) for fixed, _, most in time.moments])
    return Walk(upper if profile.winograd else _highest([(fixed, least) for fixed, least, _ in time.moments]), upper)


def _learning(graph: Graph) -> list[bool]:
    """Whether a tensor depends on a variable that is trained: only there is a gradient."""
    learns = [False] * len(graph.sizes)
    for op in graph.ops:
        trained = any(weight.trainable for weight in op.weights)
        learns[op.output] = trained or any(learns[source] for source in op.inputs)
    return learns


def _reads(op: Op, profile: Profile, learns: Sequence[bool], makers: Mapping[int, str]) -> bool:
    """Whether the gradient of an operation reads its input from memory."""
    if not (op.keeps_input and learns[op.output]):
        return False
    if op.kind in profile.recomputed and makers.get(op.inputs[0]) in (*NORMS, "scale", "add"):
        return False
    # The gradient for the input of a product with weights reads the weights alone.
    return op.kind not in PRODUCTS or any(weight.trainable for weight in op.weights)


def _forward(
    graph: Graph, profile: Profile, precision: Precision, time: _Time, learns: Sequence[bool]
) -> list[list[_Buffer]]:
    """Returns what each operation keeps for its gradient."""
    consumers: list[list[str]] = [[] for _ in graph.sizes]
    for op in graph.ops:
        for source in op.inputs:
            consumers[source].append(op.kind)
    makers: dict[int, str] = {}
    for op in graph.ops:
        makers[op.output] = makers.get(op.inputs[0], "input") if op.kind == "view" else op.kind
    buffers: dict[int, tuple[_Buffer, ...]] = {}
    for tensor, size in enumerate(graph.sizes):
        if tensor not in makers:
            # The batch itself, which whoever feeds it holds on to.
            buffers[tensor] = (time.hold(float(size * FLOAT), len(consumers[tensor]) + 1),)
    return [
        _run(
            op,
            graph,
            profile,
            precision,
            time,
            learns[op.output],
            _reads(op, profile, learns, makers),
            consumers,
            buffers,
        )
        for op in graph.ops
    ]


def _run(
    op: Op,
    graph: Graph,
    profile: Profile,
    precision: Precision,
    time: _Time,
    learns: bool,
    reads: bool,
    consumers: Sequence[Sequence[str]],
    buffers: dict[int, tuple[_Buffer, ...]],
) -> list[_Buffer]:
    """One operation forward; returns what it keeps."""
    keeps: list[_Buffer] = []
    size = float(graph.sizes[op.output] * precision.size)
    source, pending = buffers[op.inputs[0]], max(len(consumers[op.output]), 1)
    if reads and op.kind in NORMS and precision.mixed and not profile.fused_norms:
        keeps.append(time.hold(float(graph.sizes[op.inputs[0]] * FLOAT)))
    elif reads:
        keeps += [_kept(buffer) for number in op.inputs for buffer in buffers[number]]
    time.mark(per_sample=profile.forward.get(op.kind, 0.0) * graph.sizes[op.inputs[0]] * FLOAT)
    if op.kind == "view" or (op.in_place and all(buffer.refs == 1 for buffer in source)):
        # The same bytes under another name.
        buffers[op.output] = source
    elif op.kind == "concatenate" and profile.reads_parts and set(consumers[op.output]) <= {*NORMS, "concatenate"}:
        buffers[op.output] = tuple(buffer for number in op.inputs for buffer in buffers[number])
    else:
        buffers[op.output] = (time.hold(size, 0),)
    for buffer in buffers[op.output]:
        buffer.refs += pending
    if learns:
        if op.keeps_output:
            keeps += [_kept(buffer) for buffer in buffers[op.output]]
        inner = profile.inner.get(op.kind, op.inner) * size + op.mask * graph.sizes[op.output]
        if inner:
            keeps.append(time.hold(inner))
        time.fixed += _cast(op, precision)
    time.mark(transforms=transforms(op, graph, precision.size))
    for number in op.inputs:
        for buffer in buffers[number]:
            time.drop(buffer)
    return keeps


def _kept(buffer: _Buffer) -> _Buffer:
    buffer.refs += 1
    return buffer


def _cast(op: Op, precision: Precision) -> float:
    """Bytes of the kernel in the type of the computation, kept for the gradient."""
    return float(precision.size * op.weights[0].values) if precision.mixed and op.kind in PRODUCTS else 0.0


def _backward(
    graph: Graph,
    profile: Profile,
    precision: Precision,
    time: _Time,
    learns: Sequence[bool],
    kept: Sequence[list[_Buffer]],
) -> None:
    gradients: dict[int, list[_Buffer]] = {}
    for output in graph.outputs:
        gradients[output] = [time.hold(float(graph.sizes[output] * precision.size))]
    late = profile.late_update or precision.scaled
    largest = 0.0
    for op, keeps in zip(reversed(graph.ops), reversed(kept), strict=True):
        incoming = gradients.pop(op.output, [])
        if not learns[op.output] or not incoming:
            for buffer in (*keeps, *incoming):
                time.drop(buffer)
            time.fixed -= _cast(op, precision) if learns[op.output] else 0.0
            continue
        # What several consumers contributed is added up into one of them.
        for buffer in incoming[1:]:
            time.drop(buffer)
        grad = incoming[0]
        wanted = [number for number in op.inputs if learns[number]]
        extra = profile.backward.get(op.kind, 0.0) * graph.sizes[op.inputs[0]] * FLOAT
        for number in wanted:
            passed = op.kind in ("add", "view") and graph.sizes[number] == graph.sizes[op.output]
            if passed or (op.in_place and grad.refs == 1):
                grad.refs += 1
                gradients.setdefault(number, []).append(grad)
            else:
                made = time.hold(float(graph.sizes[number] * precision.size))
                gradients.setdefault(number, []).append(made)
        new = float(sum(FLOAT * weight.values for weight in op.weights if weight.trainable))
        time.mark(fixed=new, per_sample=extra, transforms=transforms(op, graph, precision.size))
        if late:
            time.fixed += new
            largest = max(largest, new)
        elif new:
            time.mark(fixed=new * (1 + profile.temporaries), per_sample=0.0)
        time.fixed -= _cast(op, precision)
        time.drop(grad)
        for buffer in keeps:
            time.drop(buffer)
    if late:
        time.mark(fixed=profile.temporaries * (FLOAT * graph.trainable if profile.foreach else largest))


def _highest(moments: Sequence[tuple[float, float]]) -> list[Moment]:
    """Those that no other moment is above for every batch, from the largest share of a sample to the smallest."""
    best: list[Moment] = []
    for per_sample, fixed in sorted({(per_sample, fixed) for fixed, per_sample in moments}, reverse=True):
        if not best or fixed > best[-1].fixed:
            best.append(Moment(fixed, per_sample))
    return best
