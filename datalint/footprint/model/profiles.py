"""Who runs the step, and what differs between them: TensorFlow's graph, XLA, PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.footprint.model.ops import Graph, Op


class Factor(NamedTuple):
    """Measured over predicted: rounding of the allocator, holes, workspaces that nobody counted."""

    low: float
    expected: float
    high: float


@dataclass(frozen=True, slots=True)
class Profile:
    """What one executor does differently."""

    name: str
    forward: Mapping[str, float] = field(default_factory=dict)
    """Kind of operation -> tensors of its input's size, in float32, that are alive for a moment."""
    backward: Mapping[str, float] = field(default_factory=dict)
    """The same while its gradient is computed."""
    inner: Mapping[str, float] = field(default_factory=dict)
    """Kind of operation -> tensors of its output's size that it keeps for its gradient, where not as in TensorFlow."""
    recomputed: frozenset[str] = frozenset()
    """Operations whose input is computed again where the gradient asks for it."""
    reads_parts: bool = False
    """What is concatenated for a normalization alone is read from its parts and never made."""
    fused_norms: bool = False
    """A normalization reads half precision, and makes no copy in float32 under mixed precision."""
    late_update: bool = False
    """Gradients live until all of them are there."""
    foreach: bool = False
    """The optimizer updates all variables at once."""
    winograd: bool = False
    """The transforms of 3x3 convolutions are alive beside the tensors; where not, the upper bound has them."""
    tuning: float = 0.0
    """Bytes that may be taken beside what stays, while algorithms are tried."""
    temporaries: int = 0
    """Of a variable's size, while the optimizer updates it."""
    factor: Factor = field(default_factory=lambda: Factor(1.0, 1.0, 1.0))


def transforms(op: Op, graph: Graph, size: int) -> float:
    """Bytes a sample of the transforms of a convolution that is not fused: F(2x2, 3x3) takes 16 values for 4."""
    if op.kind != "conv" or op.window != (3, 3) or op.stride != 1:
        return 0.0
    height, width, filters = graph.shapes[op.output]
    channels = graph.shapes[op.inputs[0]][-1]
    return 4.0 * (channels + filters) * height * width * size


_POINTWISE = frozenset(
    ("silu", "swish", "gelu", "mish", "leaky_relu", "hard_silu", "hard_swish", "softsign", "log_softmax")
)
_WHOLE = {**dict.fromkeys((*_POINTWISE, "hard_sigmoid", "layer norm"), 0.0)}

PROFILES = {
    profile.name: profile
    for profile in (
        # BatchNormalization is written out in Keras 3.15: its squares forward, two products backward.
        Profile(
            "tf-graph",
            forward={"batch norm": 1.0},
            backward={"batch norm": 2.0, "layer norm": 2.0},
            temporaries=2,
            factor=Factor(0.86, 1.115, 1.45),
        ),
        # A chain of pointwise operations is computed again from what the last product or sum left; erf is too dear.
        Profile(
            "xla",
            inner={**_WHOLE, "gelu": 1.0},
            recomputed=_POINTWISE,
            reads_parts=True,
            fused_norms=True,
            winograd=True,
            tuning=3.0 * (1 << 30),
            factor=Factor(0.90, 1.02, 1.35),
        ),
        # One kernel an operation, and all gradients until the optimizer updates everything at once.
        Profile(
            "torch",
            inner=_WHOLE,
            fused_norms=True,
            late_update=True,
            foreach=True,
            temporaries=1,
            factor=Factor(0.90, 1.06, 1.60),
        ),
    )
}
"""Executor -> profile. The factors are measured over predicted: docs/footprint.md says on what."""
