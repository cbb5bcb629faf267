"""The Keras model that a job names, built for its training steps under whichever backend Keras has."""

from __future__ import annotations

import hashlib
import importlib
import json
import math
import os
import re
import sys
import traceback
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

SIDE = 224
"""Of an application that has no size of its own without weights."""
ACCUMULATION = 2
"""Steps whose gradients make one update, where any do: among three steps there is an update, and memory is the same."""
MOST_FILES = 200
MOST_BYTES = 32 << 20
"""Of a file that the function read; a reading that rests on a larger one, or on more files, is not kept."""


class JobError(Exception):
    """Why the steps cannot be run; `kind` is `usage` or `memory`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def application(name: str, shape: Sequence[int] | None) -> Any:
    """As Keras builds it by default, without weights; at its own size where none is said."""
    import keras

    build = getattr(keras.applications, name)
    if shape is not None:
        # For its own size Keras checks nothing, and some tops accept no other.
        return build(weights=None, input_shape=tuple(shape))
    model = build(weights=None)
    return build(weights=None, input_shape=(SIDE, SIDE, 3)) if None in model.input_shape[1:] else model


def described(text: str, policy: str | None, precision: str) -> Any:
    """The model of a `config.json`, with the dtype policy `precision` where its layers have `policy`."""
    import keras

    document = json.loads(text)
    # It is compiled again, and an optimizer wants variables with values.
    document.pop("compile_config", None)
    if policy not in (None, precision):
        _change_policy(document, policy, precision)
    return keras.models.model_from_json(json.dumps(document))


def _change_policy(node: object, old: str, new: str) -> None:
    if isinstance(node, dict):
        if node.get("class_name") == "DTypePolicy" and node.get("config") == {"name": old}:
            node["config"] = {"name": new}
        config = node.get("config")
        if isinstance(config, dict) and config.get("dtype") == old and node.get("class_name") != "InputLayer":
            config["dtype"] = new
        for value in node.values():
            _change_policy(value, old, new)
    elif isinstance(node, list):
        for value in node:
            _change_policy(value, old, new)


def optimizer(name: str) -> Any:
    """By the name that the recipe has for it, with the defaults of Keras."""
    import keras

    by_class: dict[str, Callable[[], Any]] = {
        "momentum": lambda: keras.optimizers.SGD(momentum=0.9),
        "lamb": lambda: keras.optimizers.Lamb(),
    }
    return by_class[name]() if name in by_class else keras.optimizers.get(name)


def name_of(made: Any) -> str:
    """The recipe's name for an optimizer of Keras."""
    inner = getattr(made, "inner_optimizer", made)
    name = type(inner).__name__.lower()
    return "momentum" if name == "sgd" and getattr(inner, "momentum", False) else name


def ready(model: Any, shape: Sequence[int], made: Any, *, accumulates: bool, jit_compile: bool | str) -> Any:
    """Compile it with the optimizer `made`; its answers, as shapes of one sample in the structure of its outputs."""
    import keras

    made.gradient_accumulation_steps = ACCUMULATION if accumulates else None
    outputs = model(keras.KerasTensor((None, *shape)))
    loss = keras.tree.map_structure(lambda _: "categorical_crossentropy", outputs)
    model.compile(made, loss, jit_compile=jit_compile)
    return keras.tree.map_structure(lambda tensor: tuple(tensor.shape[1:]), outputs)


def each(answers: Any, make: Callable[[tuple[int, ...]], Any]) -> Any:
    """The same structure, made from its shapes, which are tuples themselves."""
    import keras

    return keras.tree.map_shape_structure(make, answers)


def counted(model: Any) -> dict[str, int]:
    """Bytes of the model's weights, and of the optimizer's variables once it is built; and how many there are."""
    return {
        "weights": sum(map(_size, model.weights)),
        "slots": sum(map(_size, model.optimizer.variables)),
        "parameters": int(model.count_params()),
        "trainable": sum(math.prod(variable.shape) for variable in model.trainable_variables),
    }


def _size(variable: Any) -> int:
    """Bytes, by the name of its type, so that it needs no value."""
    bits = re.search(r"\d+", str(variable.dtype))
    return int(math.prod(variable.shape)) * (int(bits[0]) // 8 if bits else 1)


class Sources:
    """What a function reads below the folder of the configuration, heard of by Python's audit hook."""

    def __init__(self, folder: str) -> None:
        self.root = os.path.realpath(folder)
        self.inside = self.root.rstrip(os.sep) + os.sep
        self.module = ""
        """File of the function itself."""
        self._read: set[str] = set()
        self._listed = False
        self._first: dict[str, str] | None = None
        sys.addaudithook(self._note)

    def digests(self) -> dict[str, str] | None:
        """Path below the folder -> SHA-256 of all that was read; None where that is not all that the model rests on."""
        loaded = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
        paths = self._read | {os.path.realpath(path) for path in loaded if path}
        mine = sorted(path for path in paths if self._mine(path))
        if self._listed or self.module not in mine or len(mine) > MOST_FILES:
            return None
        if any(os.path.getsize(path) > MOST_BYTES for path in mine):
            return None
        found = {}
        for path in mine:
            with open(path, "rb") as file:
                found[os.path.relpath(path, self.root).replace(os.sep, "/")] = hashlib.sha256(file.read()).hexdigest()
        # Whoever edits a file meanwhile has not measured what it says now.
        self._first = self._first or found
        return found if self._first.items() <= found.items() else None

    def _mine(self, path: str) -> bool:
        """Whether it is neither a library nor a cache."""
        passed = {"site-packages", "dist-packages", "__pycache__", ".git", ".datalint_cache"}
        libraries = [os.path.realpath(prefix) + os.sep for prefix in {sys.prefix, sys.base_prefix}]
        return (
            path.startswith(self.inside)
            and not passed & set(path.split(os.sep))
            and not any(path.startswith(prefix) for prefix in libraries if prefix.startswith(self.inside))
            and os.path.isfile(path)
        )

    def _note(self, event: str, values: tuple[Any, ...]) -> None:
        """A file that is opened for reading, or a folder that is listed."""
        if event not in ("open", "os.listdir", "os.scandir") or not isinstance(values[0], str | bytes):
            return
        path = os.path.realpath(os.fsdecode(values[0]))
        if path != self.root and not path.startswith(self.inside):
            return
        if event == "open":
            writes = set(values[1] or "") & set("wax") or (values[1] is None and values[2] & (os.O_WRONLY | os.O_RDWR))
            if not writes:
                self._read.add(path)
        elif "importlib" not in _caller():
            self._listed = True


@dataclass(slots=True)
class Built:
    """The model of a job, how it is to be trained, and what it was built from."""

    model: Any
    shape: tuple[int, ...]
    optimizer: Any
    precision: str
    sources: Sources | None = None
    """Of a function."""


def build(job: Mapping[str, Any], *, within: AbstractContextManager[object] | None = None) -> Built:
    """The model that a job names: an `application`, a `text` with its `policy`, or a `function` of a `folder`.

    `within` is where the model is made, unless the user's own code makes it.
    """
    import keras

    wanted = job["precision"]
    if wanted is not None and "text" not in job:
        keras.config.set_dtype_policy(wanted)
    shape = job["shape"]
    if "function" in job:
        return _called(job["function"], job["folder"], job)
    try:
        with within or nullcontext():
            if "application" in job:
                model = application(job["application"], shape)
            else:
                model = described(job["text"], job["policy"], wanted)
    except Exception as error:
        raise refused(error, "Keras does not build it: ") from error
    return Built(model, tuple(shape), optimizer(job["optimizer"]), wanted)


def _called(written: str, folder: str, job: Mapping[str, Any]) -> Built:
    """What `module:function` returns, imported from its folder."""
    import keras

    name, _, function = written.partition(":")
    sources = Sources(folder)
    sys.path.insert(0, folder)
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(name)
        model = getattr(module, function)()
    except BaseException as error:
        raise refused(error, f"{_where(error, sources.root)}{type(error).__name__}: ") from error
    sources.module = os.path.realpath(module.__file__ or "")
    sources.digests()
    if not isinstance(model, keras.Model):
        raise JobError("usage", f"it returned no Keras model but {type(model).__name__}")
    policy = keras.config.dtype_policy().name
    if job["precision"] not in (None, policy):
        raise JobError("usage", f"it sets the dtype policy {policy}, and the recipe says {job['precision']}")
    compiled = getattr(model, "optimizer", None) if job["optimizer"] is None else optimizer(job["optimizer"])
    compiled = getattr(compiled, "inner_optimizer", compiled)
    return Built(
        model=model,
        shape=_fed(model, job["shape"]),
        optimizer=type(compiled).from_config(compiled.get_config()) if compiled is not None else optimizer("adam"),
        precision=policy,
        sources=sources,
    )


def _caller() -> str:
    """File of the code that is running, outside of this module: the import system lists folders too."""
    frame = sys._getframe(1)  # noqa: SLF001
    while frame.f_back is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame.f_code.co_filename


def _fed(model: Any, said: Sequence[int | None]) -> tuple[int, ...]:
    """The size of an image: that of the model where it has one, else what the recipe feeds."""
    inputs = getattr(model, "inputs", None)
    own: Sequence[int | None] = [None] * len(said)
    if inputs:
        if len(inputs) > 1:
            raise JobError("usage", f"it has {len(inputs)} inputs, and the recipe feeds one image")
        own = tuple(inputs[0].shape[1:])
    words = f"it takes {_sides(own)} and the recipe feeds {_sides(said)}: say `image_size`"
    if len(own) != len(said) or any(a not in (None, b) for a, b in zip(own, said, strict=True) if b is not None):
        raise JobError("usage", words)
    shape = tuple(b if a is None else a for a, b in zip(own, said, strict=True))
    if None in shape:
        raise JobError("usage", "the size of its input is open, and images are not resized: say `image_size`")
    return tuple(int(side) for side in shape if side is not None)


def _sides(shape: Sequence[int | None]) -> str:
    return " x ".join("any" if side is None else str(side) for side in shape)


def refused(error: BaseException, before: str) -> JobError:
    """Out of memory as whichever backend says it, or what the user must mend."""
    exhausted = type(error).__name__ == "ResourceExhaustedError" or str(error).startswith("RESOURCE_EXHAUSTED")
    if exhausted or isinstance(error, MemoryError):
        asked = re.search(r"allocating tensor with shape\[[\d,]*\]", str(error))
        return JobError("memory", f"out of memory {asked[0] if asked else f'({_first_line(error)})'}")
    return JobError("usage", before + _first_line(error))


def _where(error: BaseException, root: str) -> str:
    """Place in the user's own code where an exception came from, empty where there is none."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if os.path.realpath(frame.filename).startswith(root + os.sep):
            return f"{os.path.relpath(os.path.realpath(frame.filename), root)}:{frame.lineno}: "
    return ""


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
