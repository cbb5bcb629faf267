"""Real train steps of a Keras model under TensorFlow's own allocator for GPUs: run in a process of its own.

`TF_CPU_ALLOCATOR_USE_BFC` puts tensors of the CPU under the class that hands out the memory of a GPU; its peak counts
bytes in use with the rounding of chunks. The batch is unknown when the step is traced, as in `fit` on a dataset.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

STEPS = 3
"""The first builds the optimizer's slots, the second is the first with all of them, the third repeats it."""
SIDE = 224
"""Of an application that has no size of its own without weights."""
ACCUMULATION = 2
"""Steps whose gradients make one update, where any do: among three steps there is an update, and memory is the same."""
MOST_FILES = 200
MOST_BYTES = 32 << 20
"""Of a file that the function read; a reading that rests on a larger one, or on more files, is not kept."""
NEAR = 1.25
"""Times the largest batch up to which nothing more is measured."""
_CPU = "CPU:0"


class JobError(Exception):
    """Why the steps cannot be run; `kind` is `usage` or `memory`."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


def environment(limit: int | None = None) -> dict[str, str]:
    """Variables that must be set before TensorFlow is imported; `limit` is what tensors may take, in bytes."""
    said = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "TF_CPU_ALLOCATOR_USE_BFC": "true",
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "-1",
    }
    return said if limit is None else {**said, "TF_CPU_BFC_MEM_LIMIT_IN_MB": str(max(1, limit >> 20))}


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


class Trained:
    """A model that is trained on nothing but zeros; every batch is measured for itself."""

    def __init__(self, model: Any, shape: Sequence[int], made: Any, *, accumulates: bool) -> None:
        import keras

        self.model, self.shape = model, tuple(shape)
        made.gradient_accumulation_steps = ACCUMULATION if accumulates else None
        outputs = model(keras.KerasTensor((None, *self.shape)))
        self.answers = keras.tree.map_structure(lambda tensor: tuple(tensor.shape[1:]), outputs)
        loss = keras.tree.map_structure(lambda _: "categorical_crossentropy", outputs)
        model.compile(made, loss, jit_compile=False)

    def peak(self, batch: int) -> dict[str, int]:
        """Bytes in use at most during the steps of one batch, and what stays afterwards."""
        import keras
        import tensorflow as tf

        told: dict[str, int] = {}

        def zeros(shape: tuple[int, ...]) -> Any:
            return tf.zeros((batch, *shape))

        def batches() -> Iterator[Any]:
            for _ in range(STEPS):
                yield zeros(self.shape), self._each(zeros)

        class Reader(keras.callbacks.Callback):  # type: ignore[misc]
            def on_train_batch_begin(self, number: int, logs: object = None) -> None:  # noqa: ARG002
                if number == 0:
                    tf.config.experimental.reset_memory_stats(_CPU)

            def on_train_batch_end(self, number: int, logs: object = None) -> None:  # noqa: ARG002
                told.update(tf.config.experimental.get_memory_info(_CPU))

        signature = (
            tf.TensorSpec((None, *self.shape)),
            self._each(lambda shape: tf.TensorSpec((None, *shape))),
        )
        data = tf.data.Dataset.from_generator(batches, output_signature=signature)
        self.model.fit(data, epochs=1, steps_per_epoch=STEPS, verbose=0, callbacks=[Reader()])
        return {"peak": told["peak"], "kept": told["current"]}

    def _each(self, make: Callable[[tuple[int, ...]], Any]) -> Any:
        """The same structure as the outputs, made from their shapes, which are tuples themselves."""
        import keras

        return keras.tree.map_shape_structure(make, self.answers)

    def counted(self) -> dict[str, int]:
        """Bytes of the model's weights, and of the optimizer's variables once it has stepped."""
        return {
            "weights": sum(map(_size, self.model.weights)),
            "slots": sum(map(_size, self.model.optimizer.variables)),
            "parameters": int(self.model.count_params()),
            "trainable": sum(int(variable.value.shape.num_elements()) for variable in self.model.trainable_variables),
        }

    def workspace(self) -> float:
        """Bytes a sample that the kernels of a GPU may take beside the tensors, at most, by the widest convolution.

        A 3 x 3 convolution of stride 1 may be transformed by Winograd's F(2x2, 3x3), which takes 16 values for 4; any
        other one may be given copies of its input and its output in another layout.
        """
        import tensorflow as tf

        spec = tf.TensorSpec((None, *self.shape))
        graph = tf.function(lambda image: self.model(image, training=True)).get_concrete_function(spec).graph
        found = [0.0]
        for op in graph.get_operations():
            if op.type not in ("Conv2D", "DepthwiseConv2dNative"):
                continue
            image, kernel, output = op.inputs[0].shape, op.inputs[1].shape, op.outputs[0].shape
            if None in (*image[1:], *output[1:]):
                continue
            size = output[1] * output[2] * op.outputs[0].dtype.size
            plain = op.type == "Conv2D" and tuple(kernel[:2]) == (3, 3) and set(op.get_attr("strides")) == {1}
            copies = image[1:].num_elements() * op.inputs[0].dtype.size + size * output[3]
            found.append(float(4 * (image[3] + output[3]) * size if plain else copies))
        return max(found)


def _size(variable: Any) -> int:
    value = variable.value
    return int(value.shape.num_elements() * value.dtype.size)


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


def build(job: Mapping[str, Any]) -> Built:
    """The model that a job names: an `application`, a `text` with its `policy`, or a `function` of a `folder`."""
    import keras

    wanted = job["precision"]
    if wanted is not None and "text" not in job:
        keras.config.set_dtype_policy(wanted)
    shape = job["shape"]
    if "function" in job:
        return _called(job["function"], job["folder"], job)
    try:
        if "application" in job:
            model = application(job["application"], shape)
        else:
            model = described(job["text"], job["policy"], wanted)
    except Exception as error:
        raise _refused(error, "Keras does not build it: ") from error
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
        raise _refused(error, f"{_where(error, sources.root)}{type(error).__name__}: ") from error
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


def _refused(error: BaseException, before: str) -> JobError:
    import tensorflow

    if isinstance(error, MemoryError | tensorflow.errors.ResourceExhaustedError):
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


def run(job: Mapping[str, Any], tell: Callable[[Mapping[str, Any]], None]) -> None:
    """Measure the batches of a job one after another; `tell` gets a line for each, and before them what was built.

    Beyond the batches that are asked for, twice as large ones follow up to `job["enough"]`, as far as `job["limit"]`
    bytes and `job["seconds"]` reach: the less there is to extrapolate, the better.
    """
    began = time.monotonic()
    import keras
    import tensorflow as tf

    made = build(job)
    trained = Trained(made.model, made.shape, made.optimizer, accumulates=job["accumulates"])
    peaks: list[tuple[int, int]] = []
    stays: list[int] = []
    batches = list(job["batches"])
    while batches:
        batch = batches.pop(0)
        tell({"step": batch})
        started = time.monotonic()
        told = trained.peak(batch)
        took = time.monotonic() - started
        peaks.append((batch, told["peak"]))
        stays.append(told["kept"])
        # Twice the batch takes about twice as long, and twice as much.
        left = job["seconds"] - (time.monotonic() - began)
        if not batches and batch * NEAR < job["enough"] and 2 * took <= left and 2 * told["peak"] <= job["limit"]:
            batches.append(min(2 * batch, job["enough"]))
    tell(
        {
            "peaks": peaks,
            "kept": min(stays),
            **trained.counted(),
            "workspace": trained.workspace(),
            "shape": made.shape,
            "precision": made.precision,
            "optimizer": name_of(made.optimizer),
            "files": made.sources.digests() if made.sources else None,
            "keras": keras.__version__,
            "tensorflow": tf.__version__,
        }
    )


def main() -> None:
    """One job as JSON on standard input, lines of JSON on standard output; what anybody prints goes elsewhere."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    parent = os.fdopen(os.dup(0), encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

    def tell(line: Mapping[str, Any]) -> None:
        answers.write(json.dumps(line) + "\n")
        answers.flush()

    job = json.loads(parent.readline())
    # Nobody waits for a child whose parent was killed.
    threading.Thread(target=lambda: parent.read() or os._exit(1), daemon=True).start()
    os.environ.update(environment(job["memory"]))
    try:
        import tensorflow  # noqa: F401
    except ImportError as error:
        tell({"error": "missing", "message": str(error)})
        os._exit(0)
    try:
        run(job, tell)
    except Exception as error:
        refused = error if isinstance(error, JobError) else _refused(error, f"{type(error).__name__}: ")
        tell({"error": refused.kind, "message": str(refused)})
    os._exit(0)  # taking TensorFlow apart would keep whoever waits for it
