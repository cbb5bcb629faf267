"""Models, what they are compiled with, and the calls that train them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.footprint.model.load import applications, named
from datalint.script.log import Fit
from datalint.script.pipelines import arrays_of, indexed
from datalint.script.values import (
    Array,
    Function,
    Group,
    Instance,
    Listed,
    Literal,
    Opaque,
    Pipeline,
    Ref,
    Step,
    Value,
    models_in,
    options,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from datalint.script.expressions import Expressions
    from datalint.script.log import Log

OPTIMIZERS = frozenset(
    {"Adam", "AdamW", "SGD", "RMSprop", "RMSProp", "Adagrad", "Adadelta", "Adamax", "NAdam", "Nadam", "Ftrl", "Lion",
     "Lamb", "LAMB", "Adafactor", "Muon", "RAdam", "LBFGS", "ASGD", "Rprop"}
)  # fmt: skip
STOPS = ("EarlyStopping", "ReduceLROnPlateau")
CHECKPOINT = "ModelCheckpoint"
_FIT = ("fit", "fit_generator")
_FIT_WORDS = frozenset(
    ("epochs", "batch_size", "validation_data", "validation_split", "callbacks", "steps_per_epoch", "initial_epoch")
)
_COMPILE_WORDS = frozenset(("optimizer", "loss", "metrics", "jit_compile"))
_MOST_FITS = 100
"""Calls of `fit` that are told apart; each asks what is still held beside its data."""
_STEPS = ("apply_gradients", "backward", "train_on_batch")
_KERAS = ("tensorflow", "tf", "keras", "applications")


def noted(log: Log, step: Step) -> None:
    """The shape of what goes into a model, wherever a layer is told it, and models that are not those of Keras."""
    if _is_foreign(step):
        log.foreign.append(step)
    shape = step.named.get("input_shape")
    if shape is None and step.name in ("Input", "InputLayer"):
        shape = step.value("shape", 0)
    if isinstance(shape, Group | Listed) and len(shape.items) == 3:
        log.inputs.append((shape, step))


def _model(walk: Expressions, step: Step) -> Value | None:
    root = Ref(step.target).root
    if step.name in applications() and (root in _KERAS or step.target == step.name):
        walk.log.models.append(step)
        return Opaque(step=step, models={step}, is_model=True)
    return None


def _trainable_model(_walk: Expressions, step: Step) -> Value:
    return Opaque(step=step, models=models_in([*step.args, *step.named.values()]), is_model=True)


def _optimizer(walk: Expressions, step: Step) -> Value:
    walk.log.optimizers.append(step)
    return Opaque(step=step)


def _got(_walk: Expressions, step: Step) -> Value | None:
    """`keras.optimizers.get("adam")` is the optimizer of that name."""
    return step.value("identifier", 0) if step.target.endswith("optimizers.get") else None


def _wrapped(_walk: Expressions, step: Step) -> Value | None:
    """`LossScaleOptimizer(optimizer)` takes the memory of what it wraps."""
    return step.value("optimizer", 0) or step.value("inner_optimizer", 0)


def _callback(walk: Expressions, step: Step) -> Value:
    walk.log.callbacks.append(step)
    return Opaque(step=step)


def _policy(walk: Expressions, step: Step) -> Value:
    value = step.value("policy", 0) or step.value("dtype_policy", 0) or Opaque()
    if isinstance(value, Opaque) and value.step is not None and value.step.name in ("Policy", "DTypePolicy"):
        value = value.step.value("name", 0) or Opaque()
    walk.log.policies.append((value, step))
    return Opaque()


def method(walk: Expressions, owner: Value, step: Step) -> Value | None:
    """Of a model, an optimizer, a loss; None where it is none of what trains."""
    if step.name in _FIT and not _is_preprocessing(owner):
        return _fit(walk, owner, step)
    is_model = isinstance(owner, Opaque) and owner.is_model
    if step.name == "compile" and (is_model or step.named.keys() & _COMPILE_WORDS or step.args):
        walk.log.compiles.append(step)
        return Opaque()
    if step.name == "add" and isinstance(owner, Opaque):
        owner.models |= models_in(step.args)
        return Opaque()
    steps = step.name in _STEPS or (
        step.name == "apply" and isinstance(owner, Opaque) and owner.step is not None and owner.step.name in OPTIMIZERS
    )
    if steps:
        _own_loop(walk, step)
    return None


def _is_preprocessing(owner: Value) -> bool:
    return isinstance(owner, Opaque) and owner.step is not None and owner.step.name == "ImageDataGenerator"


def _fit(walk: Expressions, owner: Value, step: Step) -> Value | None:
    data = step.value("generator" if step.name == "fit_generator" else "x", 0)
    name = owner.step.name if isinstance(owner, Opaque) and owner.step else ""
    lightning = name == "Trainer"
    epochs = None
    if lightning:
        assert isinstance(owner, Opaque)
        assert owner.step is not None
        data, epochs = _lightning(walk, step), owner.step.value("max_epochs")
    known = isinstance(owner, Opaque) and (owner.is_model or bool(owner.models))
    unknown = isinstance(owner, Opaque) and owner.step is None and _called_model(step)
    trains = (
        lightning
        or bool(step.named.keys() & _FIT_WORDS)
        or any(isinstance(option, Pipeline) for option in options(data))
        or known
        or unknown
        or isinstance(owner, Instance)
    )
    if not trains or data is None:
        return None
    if len(walk.log.fits) >= _MOST_FITS:
        return Opaque()
    for option in options(data):
        indexed(walk, option)
    kept = {
        id(held)
        for array in _arrays_in(data)
        for held in (array.listed, array.split_of)
        if held is not None and (walk.holds(held) or (isinstance(held, Listed) and walk.holds_images(held)))
    }
    walk.log.fits.append(Fit(data, step, step.node, owner, epochs, frozenset(kept), torch=lightning))
    return Opaque()


def _lightning(walk: Expressions, step: Step) -> Value | None:
    """The loader that Lightning's trainer is given, or asks a data module or the model for."""
    given = step.value("train_dataloaders", 1)
    module = step.value("datamodule", 3) or given or step.value("model", 0)
    if not isinstance(module, Instance):
        return given
    for name in ("setup", "train_dataloader"):
        asked = walk.attribute_of(module, name)
        given = walk.apply(asked, [], {}) if isinstance(asked, Function) else given
    return given


def _called_model(step: Step) -> bool:
    owner = getattr(step.node.func, "value", None)
    return "model" in str(getattr(owner, "id", getattr(owner, "attr", ""))).lower()


def _arrays_in(data: Value) -> list[Array]:
    found: list[Array] = []
    for option in options(data):
        if isinstance(option, Array):
            found.append(option)
        elif isinstance(option, Pipeline):
            found += arrays_of(option)
    return found


def _own_loop(walk: Expressions, step: Step) -> None:
    """Gradients that are applied within a loop over batches, within one over the epochs."""
    loops = walk.log.loops
    place = next((index for index in reversed(range(len(loops))) if _has_batches(loops[index])), None)
    if place is None or any(fit.data is loops[place] for fit in walk.log.fits):
        return
    epochs = next((_rounds(over) for over in reversed(loops[:place]) if _rounds(over) is not None), None)
    torch = step.name == "backward"
    walk.log.fits.append(Fit(loops[place], None, step.node, None, epochs, torch=torch))


def _has_batches(over: Value) -> bool:
    return any(isinstance(option, Pipeline) for option in options(over))


def _rounds(over: Value) -> Value | None:
    """How often a loop `for epoch in range(...)` goes round; None for any other loop."""
    step = over.step if isinstance(over, Opaque) else None
    if step is None or step.name not in ("range", "trange") or step.named:
        return None
    if len(step.args) == 1:
        return step.args[0]
    bounds = [arg.value for arg in step.args if isinstance(arg, Literal)]
    first, last = (*bounds, None, None)[:2]
    if len(step.args) == len(bounds) == 2 and isinstance(first, int) and isinstance(last, int):
        return Literal(last - first)
    return Opaque()


FUNCTIONS: dict[str, Callable[[Expressions, Step], Value | None]] = {
    **dict.fromkeys(applications(), _model),
    **dict.fromkeys(("Sequential", "Model", "load_model", "clone_model"), _trainable_model),
    **dict.fromkeys(OPTIMIZERS, _optimizer),
    "LossScaleOptimizer": _wrapped,
    "get": _got,
    **dict.fromkeys((*STOPS, CHECKPOINT), _callback),
    **dict.fromkeys(
        ("set_global_policy", "set_policy", "set_dtype_policy", "set_global_dtype_policy"),
        _policy,
    ),
}


def _is_foreign(step: Step) -> bool:
    """Whether a function of another library makes a model that is called like one of Keras."""
    return Ref(step.target).root in ("torchvision", "timm", "models", "classification_models") and (
        named(step.name) is not None or step.name in ("create_model", "get_model")
    )
