"""Memory of one accelerator: what the framework takes, the model's own, and an array that is put there whole.

Tier 0, the layer walk: milliseconds, from the description of the model alone. Tier 1, where a dry run measured the
model's own steps, starts from what was measured. Tier 2, where XLA compiled them for the card, tells what XLA takes.
How far each is off was measured: docs/footprint.md, which also says on which card.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import TYPE_CHECKING, NamedTuple, Protocol

from datalint.footprint.compiled import Compiled
from datalint.footprint.dry_run import Reading
from datalint.footprint.estimate import MARGIN, Band, Estimate, largest, total
from datalint.footprint.images import batch_of, values_of
from datalint.footprint.model.memo import memo
from datalint.footprint.model.network import Network, NetworkError
from datalint.footprint.model.ops import input_shape
from datalint.footprint.model.profiles import PROFILES
from datalint.footprint.model.walk import FLOAT, PRECISIONS
from datalint.footprint.peaks import Asked
from datalint.footprint.recipe import ITEM_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from datalint.footprint.images import Images
    from datalint.footprint.model.ops import Graph, Shape
    from datalint.footprint.model.profiles import Profile
    from datalint.footprint.model.walk import Moment
    from datalint.footprint.peaks import Peak, Peaks
    from datalint.footprint.recipe import Recipe

RESOURCE = "accelerator_memory"
MIB = 2**20
SLOTS = {
    **dict.fromkeys(("adam", "adamw", "nadam", "adamax", "adadelta", "ftrl", "lamb"), 2),
    **dict.fromkeys(("momentum", "rmsprop", "adagrad", "lion"), 1),
    "sgd": 0,
}
"""Optimizer -> variables that Keras 3.15 keeps for every trained one; `momentum` is SGD with momentum."""
DEFAULT_OPTIMIZER = "adam"
EXECUTORS = ("tf-graph", "xla", "jax", "torch")
JAX_SHARE = 0.75
"""Of the memory that JAX hands out unless XLA_PYTHON_CLIENT_MEM_FRACTION says otherwise."""


class Device(Protocol):
    """What is asked of a target."""

    @property
    def accelerator_memory(self) -> int | None: ...
    @property
    def accelerators(self) -> int | None: ...


# TensorFlow leaves 500 MiB (compute capability 6), 1,050 MiB (7) or 1,536 MiB (8 and later) of what is free to the
# system and to libraries (MinSystemMemory in tensorflow/core/common_runtime/gpu/gpu_device.cc), beside the context. A
# T4 of 15,109 MiB is left with 13,737 MiB, a V100 of 32,510 MiB with 30,458 MiB, as their logs say.
TENSORFLOW = Band(500 * MIB, 1700 * MIB, 2100 * MIB)
# Context and libraries beside PyTorch's allocator: 762 MiB on an H100 under CUDA 13, up to 1,850 MiB on an A100 before.
TORCH = Band(600 * MIB, 800 * MIB, 1850 * MIB)


class Walked(NamedTuple):
    """The moments of a step, and those with all the workspaces that convolutions may ask for."""

    profile: Profile
    usual: list[Moment]
    upper: list[Moment]


MEASURED = "tf-graph"
"""The executor of a dry run."""
COMPILED = "xla"
"""The profile of those whose memory a compilation tells."""
XLA_SHARE = Band(0.60, 0.90, 1.70)
"""Peak under XLA over that under TensorFlow's graph, where no walk tells their ratio: 0.63 to 1.46 for 8 networks at
batches of 32 and 64."""

_FEWER = 0.9
"""Of what a CPU takes, for kernels of a GPU that keep less, which nobody has measured: without oneDNN's kernels two
networks took 2 % less to 6 % more."""
_KEPT = 1.1
"""Bytes that an allocator holds for a byte of variables: chunks are not split exactly."""

_SLACK = 64 * MIB
"""What no share of a small model covers: MobileNetV3Small at a batch of 2 took 57 MiB more than was counted."""


@dataclass(frozen=True)
class Subject:
    """A model that is trained, and how; raises NetworkError where it cannot be followed."""

    network: Network | None
    """None for one that only a dry run or a compiler knows."""
    shape: Shape
    precision: str
    optimizer: str
    accumulates: bool
    executors: tuple[str, ...]
    """The first is the one that is expected."""
    reading: Reading | None = None
    """What a dry run of these very steps measured."""
    compiled: Compiled | None = None
    """What XLA assigned to these very steps, for the card of the target."""

    @property
    def names(self) -> tuple[str, ...]:
        """Profiles of the executors."""
        return tuple(dict.fromkeys("xla" if name == "jax" else name for name in self.executors))

    @cached_property
    def graph(self) -> Graph:
        if self.network is None:
            raise NetworkError("nothing is known of its layers")
        return memo(self.network).graph(self.shape)

    @cached_property
    def walked(self) -> Mapping[str, Walked]:
        return {name: self._walk(PROFILES[name]) for name in self.names}

    def _walk(self, profile: Profile) -> Walked:
        if self.network is None:
            raise NetworkError("nothing is known of its layers")
        return Walked(profile, *memo(self.network).walk(self.shape, profile.name, self.precision))

    def measured(self, reading: Reading, batch: int) -> Band:
        """What the reading says of a batch under its own executor."""
        return reading.at(batch, None if self.unwalkable else lambda number: self._foreseen(MEASURED, number))

    @cached_property
    def unwalkable(self) -> bool:
        """Whether only a dry run or a compiler knows it."""
        try:
            return not self.graph.ops
        except NetworkError:
            return True

    def _foreseen(self, name: str, batch: int) -> float:
        walked = self._twins[name]
        return (self.static + max(moment.at(batch) for moment in walked.usual)) * walked.profile.factor.expected

    @cached_property
    def _twins(self) -> Mapping[str, Walked]:
        """The walks of the executors and of the one that dry runs use."""
        return {name: self._walk(PROFILES[name]) for name in dict.fromkeys((*self.names, MEASURED))}

    @property
    def slots(self) -> int:
        """Variables beside every trained one."""
        return SLOTS[self.optimizer]

    @property
    def static(self) -> float:
        """Bytes that stay from step to step."""
        return FLOAT * (self.graph.weights + self.graph.trainable * (self.slots + self.accumulates))

    def span(self, batch: int) -> Band:
        """Bytes of the model over all executors; expected of the first."""
        found = [self._band(name, batch) for name in self.names]
        return Band(min(band.low for band in found), found[0].expected, max(band.high for band in found))

    def _band(self, name: str, batch: int) -> Band:
        """By the best that is known of an executor: the compiler, a dry run, the walk."""
        if self.compiled is not None and name == COMPILED:
            # Two batches of images are on the card when the step is compiled there.
            stays = self.compiled.static + 2 * FLOAT * batch * prod(self.compiled.shape)
            return self._tuned(name, self.compiled.at(batch), stays)
        if self.reading is not None:
            return self._measured_band(name, batch, self.reading)
        profile, usual, upper = self.walked[name]
        peak, most = (self.static + max(moment.at(batch) for moment in moments) for moments in (usual, upper))
        low, expected, high = (size * share for size, share in zip((peak, peak, most), profile.factor, strict=True))
        return self._tuned(name, Band(low, expected, high), self.static)

    def _measured_band(self, name: str, batch: int, reading: Reading) -> Band:
        """What was measured ran under TensorFlow's graph; of XLA it tells as much as the walk's ratio of the two."""
        measured = self.measured(reading, batch)
        if name == MEASURED:
            room = batch * reading.workspace
            return Band(_FEWER * measured.low, measured.expected, _SLACK + measured.high + room)
        return self._tuned(name, measured.times(self._ratio(name, batch)), reading.static)

    def _tuned(self, name: str, band: Band, stays: float) -> Band:
        """With room for what is taken beside what stays while algorithms are tried."""
        return band._replace(high=_SLACK + max(band.high, _KEPT * stays + PROFILES[name].tuning))

    def _ratio(self, name: str, batch: int) -> Band:
        """Of an executor's peak to that of TensorFlow's graph: by the walks, else by all that was measured."""
        if self.unwalkable:
            return XLA_SHARE
        factor = PROFILES[name].factor
        mine, theirs = self._foreseen(name, batch), self._foreseen(MEASURED, batch)
        return Band(*(mine / theirs * share / factor.expected for share in factor))

    def moment(self, batch: int) -> Moment:
        """The highest, under the executor that is expected."""
        return max(self.walked[self.names[0]].usual, key=lambda moment: moment.at(batch))

    @property
    def tier(self) -> str:
        """The best that is known of any executor, in words."""
        if self.compiled is not None:
            return f"tier 2, compiled for {self.compiled.card}"
        return "tier 0, layer walk" if self.reading is None else "tier 1, dry run"


def subject(recipe: Recipe, network: Network | str, readings: Sequence[Peaks] = ()) -> Subject:
    """What nobody said is taken from the model: optimizer, precision, size of its input.

    With a reading of these very steps it is of tier 1 or 2; a text is why there is no network, and then it must do.
    """
    usual = ("torch",) if recipe.framework == "pytorch" else ("xla", "tf-graph")
    executors = (recipe.executor,) if recipe.executor else usual
    asked = steps(recipe, network)
    # What was measured ran under Keras: of PyTorch it tells nothing.
    fitting = [] if "torch" in executors else [reading for reading in readings if reading.answers(asked)]
    reading = next((found for found in fitting if isinstance(found, Reading)), None)
    compiled = next((found for found in fitting if isinstance(found, Compiled)), None)
    compiled = None if executors == (MEASURED,) else compiled
    if isinstance(network, str):
        known = compiled or reading
        if known is None:
            raise NetworkError(network)
        model = Subject(
            None, known.shape, known.precision, known.optimizer, asked.accumulates, executors, reading, compiled
        )
    else:
        assert asked.precision is not None
        assert asked.optimizer is not None
        shape = tuple(side for side in asked.shape if side is not None)
        model = Subject(
            network, shape, asked.precision, asked.optimizer, asked.accumulates, executors, reading, compiled
        )
    if compiled and not reading and MEASURED in executors and model.unwalkable:
        raise NetworkError(
            f"it was compiled for XLA, and of {MEASURED} only a dry run tells: say `executor`, or run it"
        )
    return model


def steps(recipe: Recipe, network: Network | str) -> Asked:
    """The training step of a recipe; with a network, nothing of it is left open."""
    accumulates = bool(recipe.gradient_accumulation and recipe.gradient_accumulation > 1)
    if isinstance(network, str):
        fed = (recipe.input_height, recipe.input_width, recipe.input_channels)
        return Asked(fed, recipe.precision, recipe.optimizer, accumulates)
    optimizer = recipe.optimizer or network.optimizer or DEFAULT_OPTIMIZER
    if optimizer not in SLOTS:
        raise NetworkError(f"the optimizer {optimizer} is not known: say `optimizer`")
    precision = recipe.precision or (network.policy if network.policy in PRECISIONS else None) or "float32"
    return Asked(_shape(recipe, network), precision, optimizer, accumulates)


def takes(recipe: Recipe, network: Network | str | None) -> bool:
    """Whether the model takes what the recipe feeds."""
    try:
        subject(recipe, network or "it was not read")
    except NetworkError:
        return False
    return True


def _shape(recipe: Recipe, network: Network) -> Shape:
    """That of the model where it has one, else what the recipe feeds; NetworkError where the two differ."""
    stated = input_shape(network)
    fed: tuple[int | None, ...] = (recipe.input_height, recipe.input_width, recipe.input_channels)
    if len(stated) != len(fed):
        raise NetworkError(f"its input has {len(stated)} sides and an image {len(fed)}")
    shape: list[int] = []
    for own, said in zip(stated, fed, strict=True):
        side = own if network.fixed or said is None else said
        if side is None and said is None:
            raise NetworkError("the size of its input is open, and images are not resized: say `image_size`")
        if own is not None and said is not None and own != said and network.fixed:
            key = "channels" if len(shape) == 2 else "image_size"
            raise NetworkError(f"it takes {_sides(stated)} and the recipe feeds {_sides(fed)}: say `{key}`")
        shape.append(int(side if side is not None else said or 0))
    if recipe.framework == "keras" and min(shape[:2]) < network.least:
        least = f"{network.least} x {network.least}"
        raise NetworkError(f"Keras builds it for {least} pixels and more, and the recipe feeds {_sides(fed)}")
    if not network.fixed and stated != tuple(shape):
        # Of a top that flattens, the number of weights depends on the size.
        as_built = memo(network).graph()
        if memo(network).graph(tuple(shape)).weights != as_built.weights and shape[2] == stated[2]:
            raise NetworkError(f"the top of {network.name} goes with {_sides(stated)} alone: say `image_size`")
    return tuple(shape)


def _sides(shape: tuple[int | None, ...]) -> str:
    return " x ".join("any" if side is None else str(side) for side in shape)


def unpredicted(
    recipe: Recipe, network: Network | str | None, device: Device, readings: Sequence[Peaks] = ()
) -> str | None:
    """Why nothing is said about the accelerator; None where it is predicted. A text is why there is no network."""
    followed = _followed(recipe, network, device, readings)
    return followed if isinstance(followed, str) else None


def _followed(
    recipe: Recipe, network: Network | str | None, device: Device, readings: Sequence[Peaks]
) -> Subject | str:
    """The model as it is trained, walked once or measured; or why not."""
    if recipe.model is None:
        return "no model is declared: say `model`"
    if device.accelerators == 0:
        return "the target has no accelerator"
    if device.accelerators is not None and recipe.replicas > max(1, device.accelerators):
        return f"a batch is shared between {recipe.replicas:,} accelerators and the target has {device.accelerators:,}"
    try:
        model = subject(recipe, network or "it was not read", readings)
        model.span(recipe.share)
    except NetworkError as error:
        return f"model {recipe.model}: {error}"
    return model


def accelerator_memory(
    recipe: Recipe,
    images: Images,
    network: Network | str | None,
    device: Device,
    readings: Sequence[Peaks] = (),
) -> list[Estimate]:
    """One row a stage and the total, which knows the largest batch; empty where it is not predicted."""
    model = _followed(recipe, network, device, readings)
    if isinstance(model, str):
        return []
    stages = list(_stages(recipe, images, model))
    summed = _total(recipe, stages, model, device)
    if summed.available is None:
        return [*stages, summed]
    return [*stages, replace(summed, largest_batch=_largest(recipe, images, model, summed))]


def whole(
    recipe: Recipe,
    images: Images,
    network: Network | str | None,
    device: Device,
    readings: Sequence[Peaks] = (),
    *,
    searched: bool = False,
) -> Estimate | None:
    """The total alone, with its largest batch only where that is `searched`; None where it is not predicted."""
    model = _followed(recipe, network, device, readings)
    if isinstance(model, str):
        return None
    summed = _total(recipe, list(_stages(recipe, images, model)), model, device)
    if summed.available is None or not searched:
        return summed
    return replace(summed, largest_batch=_largest(recipe, images, model, summed))


def _total(recipe: Recipe, stages: Sequence[Estimate], model: Subject, device: Device) -> Estimate:
    summed = total(stages, available=_available(recipe, device))
    return replace(summed, formula=f"{model.tier}: {summed.formula}")


def _available(recipe: Recipe, device: Device) -> float | None:
    memory = device.accelerator_memory
    return None if memory is None else float(memory) * (JAX_SHARE if recipe.executor == "jax" else 1.0)


def _largest(recipe: Recipe, images: Images, model: Subject, summed: Estimate) -> int | None:
    assert summed.available is not None
    room = MARGIN * summed.available - (summed.high - model.span(_share(recipe, images)).high)
    return largest(lambda batch: model.span(_share(replace(recipe, batch=batch), images)).high <= room)


_HALVES, _QUARTERS = 0.45, 0.12
"""Of what a sample takes, the least that may be left in half precision, and of an image of half the height and width:
half and a quarter but for rounding."""


def hopeless(recipe: Recipe, network: Network, device: Device, *, than: Recipe) -> bool:
    """Whether not even a batch of one would fit, told without a walk from that of another recipe of the same model.

    The two may differ in optimizer, precision and the size of images.
    """
    available = _available(recipe, device)
    if available is None:
        return False
    try:
        other = subject(than, network)
        optimizer = recipe.optimizer or other.optimizer
        accumulates = bool(recipe.gradient_accumulation and recipe.gradient_accumulation > 1)
        static = FLOAT * (other.graph.weights + other.graph.trainable * (SLOTS[optimizer] + accumulates))
        share = _HALVES if recipe.precision != than.precision else 1.0
        share *= _QUARTERS if recipe.input_height != than.input_height else 1.0
        least = 0.0
        for walked in other.walked.values():
            if recipe.executor in (None, walked.profile.name):
                peak = static + share * max(moment.per_sample for moment in walked.upper)
                least = max(least, peak * walked.profile.factor.high, _KEPT * static + walked.profile.tuning)
    except NetworkError:
        return False
    framework = _framework(recipe)
    return _SLACK + least + (framework.high if framework else 0.0) > MARGIN * available


def _share(recipe: Recipe, images: Images) -> int:
    """Samples of the largest batch that one accelerator gets."""
    return -(-batch_of(recipe, images) // recipe.replicas)


def _stages(recipe: Recipe, images: Images, model: Subject) -> Iterator[Estimate]:
    batch = _share(recipe, images)
    framework = _framework(recipe)
    if framework:
        yield Estimate(RESOURCE, "context", *framework, "context, libraries, what the framework leaves to the system")
    if model.compiled is not None:
        yield from _compiled(batch, model, model.compiled)
    elif model.reading is not None:
        yield from _measured(batch, model, model.reading)
    else:
        shared = f", of a batch of {recipe.batch:,} on {recipe.replicas:,} replicas" if recipe.replicas > 1 else ""
        yield from _walked(batch, model, shared)
    if recipe.loader in ("array", "from_tensor_slices") and recipe.executor in (None, "tf-graph", "xla"):
        value = ITEM_BYTES[recipe.dtype]
        if recipe.loader == "array" and recipe.dtype != "uint8":
            value = FLOAT  # `fit` casts floats before they become a constant
        size = values_of(recipe, images) * value
        formula = f"{images.train:,} training samples x {size:,.0f} B as one constant on the device"
        yield Estimate(RESOURCE, "array", 0.0, images.train * size, images.loaded * size, formula)


def _built(model: Subject, peaks: Peaks) -> Iterator[Estimate]:
    yield _exact("weights", peaks.weights, f"{peaks.parameters:,} parameters, as built")
    if peaks.slots:
        summed = ", gradients that are summed up included" if model.accumulates else ""
        yield _exact("optimizer", peaks.slots, f"the variables of {peaks.optimizer}, as built{summed}")


def _seen(peaks: Sequence[Peak]) -> str:
    return ", ".join(f"{size / MIB:,.0f} MiB at {number:,}" for number, size in peaks)


def _compiled(batch: int, model: Subject, compiled: Compiled) -> Iterator[Estimate]:
    yield from _built(model, compiled)
    expected = compiled.assigned(batch).expected
    by = f"Keras {compiled.keras} and JAX {compiled.jax} for {compiled.card}, in {compiled.precision}"
    words = f"a batch of {batch:,} and the next one, from {_seen(compiled.peaks)}, as XLA assigned it to {by}"
    yield _exact("activations", expected - compiled.static, words)
    span = model.span(batch)
    words = "what a card took beside such figures; cuDNN's workspaces are not in them"
    if MEASURED in model.names:
        words += f"; {MEASURED} by {'the layer walk' if model.reading is None else 'a dry run'}"
    yield Estimate(RESOURCE, "allocator", span.low - expected, span.expected - expected, span.high - expected, words)


def _measured(batch: int, model: Subject, reading: Reading) -> Iterator[Estimate]:
    yield from _built(model, reading)
    expected = model.measured(reading, batch).expected
    by = f"Keras {reading.keras} and TensorFlow {reading.tensorflow} on a CPU, in {reading.precision}"
    words = f"a batch of {batch:,} from peaks of {_seen(reading.peaks[-3:])}, measured under {by}"
    yield _exact("activations", expected - reading.static, words)
    span = model.span(batch)
    under = " or ".join(model.names)
    words = f"how far such peaks were off, and executor {under} on a GPU"
    yield Estimate(RESOURCE, "allocator", span.low - expected, span.expected - expected, span.high - expected, words)


def _walked(batch: int, model: Subject, shared: str) -> Iterator[Estimate]:
    graph = model.graph
    yield _exact("weights", FLOAT * graph.weights, f"{graph.weights:,} parameters x {FLOAT} B")
    trained = f"{graph.trainable:,} trained x"
    if model.slots:
        yield _exact("optimizer", FLOAT * graph.trainable * model.slots, f"{trained} {model.slots} slots x {FLOAT} B")
    if model.accumulates:
        yield _exact("accumulators", FLOAT * graph.trainable, f"{trained} {FLOAT} B")
    moment = model.moment(batch)
    if moment.fixed:
        yield _exact("gradients", moment.fixed, "gradients and copies of weights that are alive at the peak")
    per_sample = f"{moment.per_sample:,.0f} B a sample in {model.precision}, executor {model.names[0]}"
    yield _exact("activations", batch * moment.per_sample, f"{batch:,} x {per_sample}{shared}")
    counted = model.static + moment.at(batch)
    span = model.span(batch)
    words = f"rounding, holes and workspaces, by measurement, under {' or '.join(model.names)}"
    yield Estimate(RESOURCE, "allocator", span.low - counted, span.expected - counted, span.high - counted, words)


def _framework(recipe: Recipe) -> Band | None:
    """Beside the allocator; JAX's share leaves room for it."""
    if recipe.executor == "jax":
        return None
    return TORCH if recipe.executor == "torch" or recipe.framework == "pytorch" else TENSORFLOW


def _exact(stage: str, size: float, formula: str) -> Estimate:
    return Estimate(RESOURCE, stage, size, size, size, formula)


def step_memory(recipe: Recipe, device: Device) -> int | None:
    """Bytes that a step may take so that it is expected to fit; None where nobody knows what the device has."""
    if device.accelerator_memory is None:
        return None
    framework = _framework(recipe)
    available = MARGIN * float(device.accelerator_memory) * (JAX_SHARE if recipe.executor == "jax" else 1.0)
    return max(0, int(available - (framework.expected if framework else 0.0)))
