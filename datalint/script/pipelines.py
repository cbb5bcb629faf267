"""Loaders and chains: where a dataset comes from and, in their order, the calls that were made on it."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from datalint.script import arrays
from datalint.script.sides import applied
from datalint.script.tensors import ELEMENT, typed
from datalint.script.values import (
    Array,
    Facts,
    Function,
    Group,
    Instance,
    Listed,
    Literal,
    Opaque,
    Pipeline,
    Pixels,
    Ref,
    Step,
    Value,
    choice,
    options,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from datalint.script.expressions import Expressions

MOST_ITEMS = 64
"""Items of a list that are remembered."""
DIRECTORY, FLOW, LOADER, TIMM = "image_dataset_from_directory", "flow_from_directory", "DataLoader", "create_loader"
TORCH = (LOADER, TIMM)
FLOWS = (FLOW, "flow_from_dataframe", "flow")
RECORDS, SLICES, FILES, PYTHON = "TFRecordDataset", "from_tensor_slices", "list_files", "from_generator"
_STEPS = ("map", "shuffle", "batch", "padded_batch", "ragged_batch", "cache", "prefetch", "unbatch", "rebatch")
BATCHES = ("batch", "padded_batch", "ragged_batch", "rebatch")
_SAME = frozenset(
    {"repeat", "take", "skip", "with_options", "filter", "enumerate", "shard", "ignore_errors", "concatenate",
     "as_numpy_iterator", "snapshot", "take_while", "assert_cardinality", "__iter__"}
)  # fmt: skip
# Methods that nothing but a dataset has, or hardly anything.
_BEGIN = ("batch", "padded_batch", "ragged_batch", "prefetch", "unbatch")
_DISTRIBUTE = ("experimental_distribute_dataset", "distribute_datasets_from_function", "prepare", "setup_dataloaders")
_MOST_STEPS = 200


def _source(walk: Expressions, step: Step) -> Value:
    made = Pipeline(step)
    walk.log.pipelines.append(made)
    both = step.value("subset", 10)
    if step.name == DIRECTORY and isinstance(both, Literal) and both.value == "both":
        return Group((made, made))
    return made


def _loader(walk: Expressions, step: Step) -> Value:
    indexed(walk, step.value("dataset", 0))
    return _source(walk, step)


def _timm(walk: Expressions, step: Step) -> Value | None:
    return _source(walk, step) if Ref(step.target).root == "timm" else None


def indexed(walk: Expressions, dataset: Value | None) -> None:
    """An object of the script that is asked for its items while it trains: what that does is read once."""
    if not isinstance(dataset, Instance) or dataset in walk.log.indexed:
        return
    walk.log.indexed.append(dataset)
    method = walk.attribute_of(dataset, "__getitem__")
    if isinstance(method, Function):
        walk.apply(method, [], {})


def _zipped(walk: Expressions, step: Step) -> Value | None:
    """Images beside labels: the pipeline that holds the images."""
    parts = step.args[0] if len(step.args) == 1 else Group(step.args)
    if not isinstance(parts, Group | Listed):
        return None
    found = [item for item in parts.items if isinstance(item, Pipeline)]
    if not found:
        return None if step.target == "zip" else _source(walk, step)
    images = [item for item in found if any(inner.name == "map" for inner in item.steps)] or found
    walk.log.consumed.extend(found)
    return images[0] if len(images) == 1 else _source(walk, step)


def _sampled(walk: Expressions, step: Step) -> Value | None:
    parts = step.value("datasets", 0)
    if isinstance(parts, Listed | Group) and all(isinstance(item, Pipeline) for item in parts.items) and parts.items:
        return choice(list(parts.items))
    return _source(walk, step)


def _split(_walk: Expressions, step: Step) -> Value | None:
    """keras.utils.split_dataset, torch's random_split: parts of the same dataset."""
    whole = step.value("dataset", 0)
    if isinstance(whole, Pipeline) and step.name == "split_dataset":
        return Group((whole, whole))
    return whole if isinstance(whole, Opaque) else None


def _first(_walk: Expressions, step: Step) -> Value | None:
    """`tqdm(ds)`, `iter(ds)`: what goes through it is the same."""
    batches = (value for value in step.args if any(isinstance(option, Pipeline) for option in options(value)))
    return next(batches, None) or (
        step.args[0]
        if step.args and (isinstance(step.args[0], Listed) or _counts(step.args[0])) and step.name != "enumerate"
        else _numbered(step)
    )


def _numbered(step: Step) -> Value | None:
    over = step.args[0] if step.args else None
    if not isinstance(over, Listed):
        return None
    return Listed([Group((Opaque(), item)) for item in over.items], whole=False)


def _counts(value: Value) -> bool:
    return isinstance(value, Opaque) and value.step is not None and value.step.name in ("range", "trange")


def _joined(walk: Expressions, step: Step) -> Value | None:
    """`tf.data.Dataset.concatenate(one, other)`, or `np.concatenate(images)`."""
    first = step.args[0] if step.args else None
    return first if isinstance(first, Pipeline) else arrays.joined(walk, step)


def _partial(_walk: Expressions, step: Step) -> Value | None:
    inner = step.args[0] if step.args else None
    if not isinstance(inner, Function):
        return None
    args, named = inner.given
    return Function(inner.node, inner.scope, inner.bound, ((*args, *step.args[1:]), {**named, **step.named}))


def _decorated(_walk: Expressions, step: Step) -> Value | None:
    """`tf.function(f)` is f."""
    inner = step.args[0] if step.args else None
    return inner if isinstance(inner, Function) and step.target in ("tensorflow.function", "tf.function") else None


def _distributed(_walk: Expressions, step: Step) -> Value | None:
    return _pipeline_in(step)


def _pipeline_in(step: Step) -> Value | None:
    """The one pipeline among the arguments, in whatever order accelerators of PyTorch are given them."""
    found = [value for value in step.args if isinstance(value, Pipeline)]
    if len(step.args) == 1 and found:
        return found[0]
    return Group(step.args) if found else None


def begun(walk: Expressions, owner: Value, step: Step) -> Value | None:
    """A chain whose beginning is not known, or a loader that is a method."""
    if step.name in FLOWS and isinstance(owner, Opaque) and owner.step and owner.step.name == "ImageDataGenerator":
        made = Pipeline(step, parent=owner)
        walk.log.pipelines.append(made)
        return made
    if step.name in _DISTRIBUTE:
        return _pipeline_in(step)
    if not isinstance(owner, Opaque):
        return None
    size = step.value("buffer_size", 0)
    shuffles = step.name == "shuffle" and (isinstance(size, Literal) or "buffer_size" in step.named)
    maps = step.name == "map" and len(step.args) == 1 and _is_dataset(owner)
    caches = step.name == "cache" and _is_dataset(owner)
    if step.name in _BEGIN or shuffles or maps or caches or (step.name == "map" and "num_parallel_calls" in step.named):
        source = owner.step or Step("", (), {}, step.node)
        return method(walk, Pipeline(source), step)
    return owner if step.name in _SAME and _is_dataset(owner) else None


def _is_dataset(owner: Opaque) -> bool:
    target = owner.step.target if owner.step else ""
    return target.startswith(("tensorflow_datasets", "tfds", "tensorflow.data", "tf.data")) or (
        owner.step is not None and owner.step.name in ("as_dataset", "make_csv_dataset")
    )


def method(walk: Expressions, owner: Pipeline, step: Step) -> Value:
    """The pipeline with one more call."""
    if step.name in _SAME:
        return owner
    if step.name in ("interleave", "flat_map"):
        return _inner(walk, owner, step)
    if step.name == "apply":
        given = step.args[0] if step.args else None
        found = walk.apply(given, [owner], {}) if isinstance(given, Function) else owner
        return found if any(isinstance(option, Pipeline) for option in options(found)) else owner
    if step.name not in _STEPS or len(owner.steps) >= _MOST_STEPS:
        return Opaque()
    if step.name == "map" and step.facts is None:
        step.facts = _facts(walk, step.value("map_func", 0))
    made = replace(owner, steps=(*owner.steps, step))
    walk.log.consumed.append(owner)
    walk.log.pipelines.append(made)
    return made


def _facts(walk: Expressions, mapped: Value | None) -> Facts:
    """What the function does, read with elements that are not known."""
    facts = Facts()
    walk.log.facts.append(facts)
    try:
        for option in options(mapped) or (Opaque(),):
            if isinstance(option, Function):
                facts.results.append(walk.apply(option, [Pixels(dtype=ELEMENT)], {}))
                continue
            facts.results.append(Opaque())
            if not applied(walk.log, option):
                step = Step(option.last, (), {}, _NOWHERE, option.name) if isinstance(option, Ref) else None
                known = step is not None and _does(walk, step)
                if step is not None and known:
                    facts.results[-1] = typed(step, facts.results[-1])
                facts.hidden = facts.hidden or not known
    finally:
        walk.log.facts.pop()
    return facts


def _does(walk: Expressions, step: Step) -> bool:
    """`map(tf.io.read_file)`: a function of TensorFlow as it is."""
    read = arrays.FUNCTIONS.get(step.name)
    return read is not None and read(walk, step) is not None


def _inner(walk: Expressions, owner: Pipeline, step: Step) -> Value:
    """Files of records, each read by a dataset of its own."""
    given = step.value("map_func", 0)
    if isinstance(given, Ref) and given.last == RECORDS:
        found: Value = Pipeline(Step(RECORDS, (), {}, step.node, given.name))
    else:
        found = walk.apply(given, [], {}) if isinstance(given, Function) else Opaque()
    walk.log.consumed.append(owner)
    if isinstance(found, Pipeline):
        walk.log.pipelines.append(found)
        return found
    made = Pipeline(step)
    walk.log.pipelines.append(made)
    return made


def arrays_of(pipeline: Pipeline) -> list[Array]:
    """Images in memory that `from_tensor_slices` is given."""
    given = pipeline.source.args[0] if pipeline.source.name == SLICES and pipeline.source.args else None
    first = given.items[0] if isinstance(given, Group | Listed) and given.items else given
    return [option for option in options(first) if isinstance(option, Array)]


_NOWHERE = ast.Call(func=ast.Name(id="", ctx=ast.Load(), lineno=1, end_lineno=1), args=[], keywords=[], lineno=1)

FUNCTIONS: dict[str, Callable[[Expressions, Step], Value | None]] = {
    DIRECTORY: _source,
    SLICES: _source,
    RECORDS: _source,
    FILES: _source,
    PYTHON: _source,
    LOADER: _loader,
    TIMM: _timm,
    "zip": _zipped,
    "sample_from_datasets": _sampled,
    "choose_from_datasets": _sampled,
    "split_dataset": _split,
    "random_split": _split,
    "Subset": _split,
    "enumerate": _first,
    "tqdm": _first,
    "iter": _first,
    "track": _first,
    "concatenate": _joined,
    "partial": _partial,
    "function": _decorated,
}
