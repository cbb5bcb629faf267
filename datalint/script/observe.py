"""What a log says of the keys of the recipe: for the data that reaches training, and for the model."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.script import chain
from datalint.script.pipelines import TORCH
from datalint.script.said import Said, argument, called, share, shown, text, truth, usual, whole
from datalint.script.training import CHECKPOINT, STOPS
from datalint.script.values import Array, Instance, Literal, Opaque, Pipeline, Ref, Step, Value, models_in, options

if TYPE_CHECKING:
    import ast

    from datalint.script.log import Fit, Log

# Where one of several trainings lacks the key and another has it, they differ: in what was seen, or in what they do.
_NOT_TOLD = ("loader", "image_size", "channels", "batch", "drop_remainder")
# Methods whose results are features: a model that is trained on them is not trained on images.
_FEATURES = ("predict", "predict_generator", "predict_on_batch", "transform", "fit_transform")
_NOT_DONE = ("shuffle_buffer", "cache", "prefetch", "parallel_calls", "steps_per_epoch", "validation_split")

_KERAS = frozenset(("keras", "tensorflow", "tf_keras", "jax", "flax"))
_PYTORCH = frozenset(("torch", "torchvision", "timm", "lightning", "pytorch_lightning", "fastai", "accelerate"))


@dataclass(slots=True)
class Observed:
    """`absent` are keys that one of several trainings lacks, with a word for it; `notes` are sentences about a key."""

    said: list[Said] = field(default_factory=list)
    notes: list[tuple[str, int, str]] = field(default_factory=list)
    """Key, line, words that follow the place."""
    absent: dict[str, str] = field(default_factory=dict)
    own_validation: int | None = None
    """Line of a `fit` that is given validation data of the script's own making."""


def observe(log: Log) -> Observed:
    """Everything, in the order of the script."""
    found = Observed()
    ways = [way for fit in log.fits for way in _ways(fit)] or [_pipeline(pipeline, None) for pipeline in _last(log)]
    for way in ways:
        found.said += way.said
        found.notes += way.notes
        found.own_validation = found.own_validation or way.own_validation
    for key in (*_NOT_TOLD, *_NOT_DONE):
        if len({any(said.key == key for said in way.said) for way in ways}) > 1:
            found.absent[key] = "none" if key in _NOT_DONE else "something that is not told"
    if ways:
        _fallbacks(log, found)
    if not any(said.key == "framework" for said in found.said):
        _imported(log, found)
    _model(log, found)
    _compiled(log, found)
    return found


def _imported(log: Log, found: Observed) -> None:
    """Who trains, where nothing else tells: a script that imports PyTorch and no Keras is not one of Keras."""
    lines = dict(reversed(log.imports))
    if not lines.keys() & _KERAS:
        first = min(((line, name) for name, line in lines.items() if name in _PYTORCH), default=None)
        if first is not None:
            found.said.append(Said("framework", "pytorch", first[0], f"import of {first[1]}"))


def _last(log: Log) -> list[Pipeline]:
    """Where nothing is trained here: the pipelines that no other one was made of."""
    consumed = set(map(id, log.consumed))
    return [pipeline for pipeline in log.pipelines if id(pipeline) not in consumed and chain.known(pipeline)]


def _ways(fit: Fit) -> list[Observed]:
    """What one call of `fit` says, for each of the values that its data may be."""
    return [_way(fit, option) for option in options(fit.data)]


def _way(fit: Fit, data: Value) -> Observed:
    way = _pipeline(data, fit) if isinstance(data, Pipeline) else _in_memory(fit, data)
    step = fit.step
    if fit.epochs is not None:
        for option in options(fit.epochs):
            way.said.append(Said("epochs", whole(option), fit.node.lineno, "the loop around it"))
    if step is None or fit.torch:
        return way
    way.said.append(Said("framework", "keras", step.line, _short(step)))
    generator = step.name == "fit_generator"
    epochs = 2 if generator else 3
    way.said += argument(step, "epochs", "epochs", epochs, whole) or usual(step, "epochs", "epochs", epochs, 1)
    way.said += argument(step, "steps_per_epoch", "steps_per_epoch", 1 if generator else 12, whole)
    given = step.value("validation_data", 7)
    if given is not None and not (isinstance(given, Literal) and given.value is None):
        way.own_validation = step.line
    return way


def _short(step: Step) -> str:
    return f".{step.name}(...)"


def _pipeline(pipeline: Pipeline, fit: Fit | None) -> Observed:
    read = chain.read(pipeline)
    way = Observed(read.said, read.notes)
    for array in read.arrays:
        _array(way, array, fit)
    if fit is None or fit.step is None or fit.torch:
        torch = pipeline.source.name in TORCH
        node = pipeline.source
        way.said.append(Said("framework", "pytorch" if torch else "keras", node.line, called(node)))
    return way


def _in_memory(fit: Fit, data: Value) -> Observed:
    way = Observed()
    step = fit.step
    if step is None:
        return way
    if isinstance(data, Instance):
        bases = {base.last for base in data.kind.bases if isinstance(base, Ref)}
        if bases & {"Sequence", "PyDataset"}:
            way.said.append(Said("loader", "sequence", step.line, f"{_short(step)} with a {data.kind.name}"))
            batch = data.names.get("batch_size") or data.names.get("batch")
            for option in options(batch):
                more = option.via if isinstance(option, Literal) else ""
                words = f"{_short(step)} with a {data.kind.name}, its batch_size"
                way.said.append(Said("batch", whole(option), step.line, words, more))
        return way
    labels = step.value("y", 1)
    made = data.step.name if isinstance(data, Opaque) and data.step is not None else ""
    if made in _FEATURES:
        way.notes.append(("loader", step.line, f"{_short(step)}: it is given what .{made}() makes, which is no images"))
        return way
    if not isinstance(data, Array) and labels is None:
        way.notes.append(("loader", step.line, f"{_short(step)}: what it is given is not known here"))
        return way
    way.said.append(Said("loader", "array", step.line, _short(step)))
    way.said += argument(step, "batch", "batch_size", 2, whole) or usual(step, "batch", "batch_size", 2, 32)
    way.said += [item for item in argument(step, "validation_split", "validation_split", 6, share) if item.value != 0]
    way.said += argument(step, "shuffle", "shuffle", 8, truth)
    if isinstance(data, Array):
        _array(way, data, fit)
    return way


def _array(way: Observed, array: Array, fit: Fit | None) -> None:
    """How it was built, typed, scaled and split."""
    kept = fit.kept if fit else frozenset()
    if array.made is not None and array.build is not None:
        build = array.build
        if array.listed is not None and id(array.listed) not in kept and array.split_of is None:
            build = "list_freed"
        if array.listed is not None and array.split_of is not None and id(array.listed) not in kept:
            build = "list_freed"
        way.said.append(Said("array_build", build, array.made.line, called(array.made)))
    if array.made is not None and array.build is None and array.made.name in ("load", "memmap"):
        words = f"{called(array.made)}: a mapped file takes what is touched of it, which the recipe cannot say"
        way.notes.append(("array_build", array.made.line, words))
    if array.held is not None and array.scale != "per_image" and array.made is not None:
        # A list of uint8 takes a byte a value; `per_image` is the recipe's word for one that holds floats.
        if array.scale == "none" and array.held == array.dtype:
            more = f"its list holds {array.held}"
            way.said.append(Said("array_scale", "per_image", array.made.line, called(array.made), more))
        else:
            words = f"{called(array.made)}: its list holds {array.held} and takes more than is predicted for bytes"
            way.notes.append(("array_build", array.made.line, words))
    if array.scale in ("unknown", "other") and array.scaled is not None:
        why = "the type of its values is not known here" if array.scale == "unknown" else "no division by a number"
        way.notes.append(("array_scale", array.scaled.lineno, f"{shown(array.scaled)}: {why}"))
    elif array.scale != "none" and array.scaled is not None:
        way.said.append(Said("array_scale", array.scale, array.scaled.lineno, shown(array.scaled)))
    if array.dtype is not None:
        node = array.scaled if array.scale == "divide_uint8" else array.typed
        line, words = (node.lineno, shown(node)) if node is not None else (0, "")
        if node is None and array.made is not None:
            line, words = array.made.line, called(array.made)
        if line:
            way.said.append(Said("dtype", array.dtype, line, words))
    if array.split_of is not None and array.split is not None:
        left = "copied" if id(array.split_of) in kept else "source_freed"
        way.said.append(Said("array_split", left, array.split.line, called(array.split)))


def _fallbacks(log: Log, found: Observed) -> None:
    """Sizes and channels that the data's own functions do not say: what the model takes, else what resizing gives."""
    keys = {said.key for said in found.said}
    shapes: list[Said] = []
    for shape, step in log.inputs:
        height, width, colors = map(whole, shape.items)
        # Channels come last; (3, 224, 224) is a shape for another order.
        if colors in (1, 3, 4):
            shapes.append(Said("channels", colors, step.line, called(step)))
            if height is not None and width is not None:
                shapes.append(Said("image_size", [height, width], step.line, called(step)))
    for key, others in (("image_size", chain.sizes(log.sizes)), ("channels", chain.channels(log.channels))):
        if key not in keys:
            found.said += [said for said in shapes if said.key == key] or others


def _model(log: Log, found: Observed) -> None:
    used: set[Step] = set()
    for fit in log.fits:
        known = isinstance(fit.model, Opaque) and (fit.model.is_model or fit.model.step is not None)
        used |= models_in([fit.model]) if known and fit.model is not None else set(log.models)
    for step in log.foreign:
        found.notes.append(("model", step.line, f"{called(step)}: datalint knows the models of Keras alone"))
    names = [step for step in log.models if step in (used if log.fits else log.models)]
    frozen = _frozen(log)
    for step in names:
        width = step.value("alpha")
        if width is not None and not (isinstance(width, Literal) and width.value == 1):
            found.notes.append(("model", step.line, f"{called(step)}: known for alpha=1.0 alone"))
        elif frozen:
            words = f"{shown(frozen)}: not all of {step.name} trains, and it is predicted as if all did"
            found.notes.append(("model", frozen.lineno, words))
        else:
            found.said.append(Said("model", step.name, step.line, called(step), "with the top that Keras gives it"))


def _frozen(log: Log) -> ast.expr | None:
    """Where some of a model was frozen and not all of it thawed afterwards."""
    frozen = None
    for value, node, whole_model in log.trainable:
        thaws = isinstance(value, Literal) and value.value is True
        if not thaws:
            frozen = node
        elif whole_model:
            frozen = None
    return frozen


def _compiled(log: Log, found: Observed) -> None:
    watched = [step for step in log.callbacks if step.name in STOPS]
    for step in watched or [step for step in log.callbacks if _keeps_best(step)]:
        index = 1 if step.name == CHECKPOINT else 0
        said = argument(step, "monitor", "monitor", index, text) or usual(step, "monitor", "monitor", index, "val_loss")
        found.said += [Said(item.key, item.value, step.line, called(step), item.more) for item in said]
    jax = any(isinstance(value, Literal) and value.value == "jax" for value, _ in log.backends)
    for value, node in log.backends:
        if isinstance(value, Literal) and value.value in ("jax", "torch"):
            found.said.append(Said("executor", value.value, node.lineno, f"{shown(node)} = {value.value!r}"))
    optimizers = dict.fromkeys(log.optimizers)
    for step in log.compiles:
        given = step.value("optimizer", 0)
        if given is None:
            found.said += usual(step, "optimizer", "optimizer", 0, "rmsprop")
        for option in options(given):
            if isinstance(option, Literal):
                name = str(option.value).lower()
                found.said.append(Said("optimizer", name, step.line, f"optimizer={option.value!r}", option.via))
            elif not (isinstance(option, Opaque) and option.step in optimizers):
                found.said.append(Said("optimizer", None, step.line, called(step)))
        for option in options(step.value("jit_compile")):
            if isinstance(option, Literal) and option.value == "auto":
                continue
            xla = truth(option)
            executor = None if xla is None else "xla" if xla else "tf-graph"
            if not jax:
                node = step.node_of("jit_compile")
                found.said.append(Said("executor", executor, node.lineno, f"jit_compile={shown(node)}"))
    if any(said.key == "framework" for said in found.said) or log.compiles:
        for step in optimizers:
            found.said += _optimizer(step)
    for policy, step in log.policies:
        for option in options(policy):
            found.said.append(Said("precision", text(option), step.line, called(step)))


def _keeps_best(step: Step) -> bool:
    return step.name == CHECKPOINT and truth(step.value("save_best_only", 4) or Opaque()) is True


def _optimizer(step: Step) -> list[Said]:
    torch = Ref(step.target).root == "torch" or ".optim." in f".{step.target}"
    name: object = step.name.lower()
    momentum = step.value("momentum", 2 if torch else 1)
    if name == "sgd" and momentum is not None:
        amounts = [share(option) for option in options(momentum)]
        name = None if None in amounts or len(set(map(bool, amounts))) > 1 else "momentum" if amounts[0] else "sgd"
    said = [Said("optimizer", name, step.line, called(step))]
    return said + argument(step, "gradient_accumulation", "gradient_accumulation_steps", None, whole)
