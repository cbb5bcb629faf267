"""A pipeline's calls in their order: what is in each element when it is shuffled, cached and batched."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from datalint.footprint.recipe import STREAMS
from datalint.script.arrays import colors
from datalint.script.pipelines import (
    BATCHES,
    DIRECTORY,
    FILES,
    FLOWS,
    LOADER,
    PYTHON,
    RECORDS,
    SLICES,
    TIMM,
    TORCH,
    arrays_of,
)
from datalint.script.said import Said, argument, called, pair, pairs, share, truth, tuned, usual, whole
from datalint.script.tensors import DIVIDED, ELEMENT, image_of
from datalint.script.values import Array, Group, Listed, Literal, Opaque, Pipeline, Step, Value, options

if TYPE_CHECKING:
    from collections.abc import Iterable

_LOADERS = {
    DIRECTORY: "image_dataset_from_directory",
    RECORDS: "tfrecord",
    FILES: "files",
    PYTHON: "generator",
    LOADER: "dataloader",
    TIMM: "timm",
    **dict.fromkeys(FLOWS, "generator"),
}
# Places of image size, colours, batch and shuffle among the arguments.
_PLACES = {
    DIRECTORY: ("image_size", 6, "color_mode", 4, 5, 7),
    "flow_from_directory": ("target_size", 1, "color_mode", 2, 5, 6),
    "flow_from_dataframe": ("target_size", 5, "color_mode", 6, 9, 10),
}
NAMES, ENCODED, DECODED, BATCHED = "names", "encoded", "decoded", "batched"


@dataclass(slots=True)
class Chain:
    """What one pipeline says; `arrays` are the images that it slices."""

    said: list[Said] = field(default_factory=list)
    notes: list[tuple[str, int, str]] = field(default_factory=list)
    arrays: list[Array] = field(default_factory=list)


def known(pipeline: Pipeline) -> bool:
    """Whether its source is a loader, or it makes batches."""
    return pipeline.source.name in (*_LOADERS, SLICES) or any(step.name in BATCHES for step in pipeline.steps)


def read(pipeline: Pipeline) -> Chain:
    """Everything that the source and the calls after it say."""
    found = Chain(arrays=arrays_of(pipeline))
    source = pipeline.source
    loader = _loader(pipeline, found)
    _source(pipeline, found)
    maps = [step for step in pipeline.steps if step.name == "map"]
    found.said += sizes(size for step in maps if step.facts for size in step.facts.sizes)
    found.said += channels(item for step in maps if step.facts for item in step.facts.channels)
    decoding = _decoding(pipeline, loader)
    _parallel(maps, decoding, loader, found)
    state = _start(source, loader)
    types = _Types("float32" if source.name == DIRECTORY else None)
    resized = source.name in _PLACES or not any(step.facts and step.facts.sizes for step in maps)
    batches: list[Step] = []
    for step in pipeline.steps:
        if step.name == "map":
            state = _mapped(state, step, decoding, maps)
            types.mapped(step)
            resized = resized or bool(step.facts and step.facts.sizes)
        elif step.name in BATCHES:
            state = BATCHED
            batches.append(step)
        elif step.name == "unbatch":
            state = DECODED
            batches.clear()
            found.said = [said for said in found.said if said.key not in ("batch", "drop_remainder")]
        elif step.name == "shuffle":
            _shuffle(state, step, found, resized=resized)
            types.held(state, step)
        elif step.name == "cache":
            _cache(state, step, found, resized=resized)
            types.held(state, step)
        elif step.name == "prefetch":
            _prefetch(state, step, pipeline.steps, found)
    _largest_buffer(found)
    if loader in STREAMS:
        types.say(found)
    for step in batches:
        found.said += argument(step, "batch", "batch_size", 0, whole)
        index = 1 if step.name == "batch" else None
        found.said += argument(step, "drop_remainder", "drop_remainder", index, truth) or usual(
            step, "drop_remainder", "drop_remainder", index, False
        )
    return found


@dataclass(slots=True)
class _Types:
    """The type of an image on its way through the pipeline; None before it is decoded, and where it is not known."""

    dtype: str | None
    by: Step | None = None
    """Who gave it, where somebody asked for it."""
    buffers: list[tuple[Step, str]] = field(default_factory=list)

    def mapped(self, step: Step) -> None:
        image = image_of(step.facts.results) if step.facts else None
        if image is None:
            self.dtype = self.by = None
        elif image.dtype == DIVIDED:
            self.dtype = "float32" if self.dtype == "uint8" else self.dtype
        elif image.dtype != ELEMENT:
            self.dtype, self.by = image.dtype, image.typed

    def held(self, state: str | None, step: Step) -> None:
        if self.dtype is not None and state in (DECODED, BATCHED):
            self.buffers.append((step, self.dtype))

    def say(self, found: Chain) -> None:
        if self.dtype is None:
            return
        if self.by is not None:
            found.said.append(Said("dtype", self.dtype, self.by.line, called(self.by)))
        for step, dtype in self.buffers:
            if dtype != self.dtype:
                words = f"here values are {dtype}, and {self.dtype} as the model gets them: the recipe has one type"
                found.notes.append(("dtype", step.line, f"{called(step)}: {words}"))


def sizes(found: Iterable[tuple[Value, Value, Step]]) -> list[Said]:
    """What resizing says."""
    return [
        Said("image_size", size, step.line, called(step))
        for height, width, step in found
        for size in pairs(height, width)
    ]


def channels(found: Iterable[tuple[Value, Step]]) -> list[Said]:
    """What decoding says; 0 is as many as the file has."""
    return [
        Said("channels", "original" if whole(option) == 0 else whole(option), step.line, called(step))
        for value, step in found
        for option in options(value)
    ]


def _loader(pipeline: Pipeline, found: Chain) -> str | None:
    source = pipeline.source
    loader = _LOADERS.get(source.name)
    if source.name == SLICES:
        maps = [step.facts for step in pipeline.steps if step.name == "map" and step.facts]
        if any(facts.reads for facts in maps):
            loader = "files"
        elif found.arrays or not any(facts.hidden for facts in maps):
            loader = SLICES
    if loader is None:
        words = f"{called(source)}: it is not told here whether these are images or names of files"
        other = f"{called(source)}: none of the loaders that the recipe knows"
        if source.name:
            found.notes.append(("loader", source.line, words if source.name == SLICES else other))
        return None
    found.said.append(Said("loader", loader, source.line, called(source)))
    return loader


def _source(pipeline: Pipeline, found: Chain) -> None:
    source = pipeline.source
    if source.name in _PLACES:
        size, size_at, color, color_at, batch_at, shuffle_at = _PLACES[source.name]
        found.said += argument(source, "image_size", size, size_at, pair) or usual(
            source, "image_size", size, size_at, [256, 256]
        )
        found.said += argument(source, "channels", color, color_at, _color) or usual(
            source, "channels", color, color_at, 3
        )
        found.said += argument(source, "batch", "batch_size", batch_at, whole) or usual(
            source, "batch", "batch_size", batch_at, 32
        )
        found.said += argument(source, "shuffle", "shuffle", shuffle_at, truth)
    if source.name == DIRECTORY:
        found.said += argument(source, "validation_split", "validation_split", 9, share)
    elif source.name == "flow":
        found.said += argument(source, "batch", "batch_size", 2, whole) or usual(source, "batch", "batch_size", 2, 32)
    elif source.name == LOADER:
        found.said += argument(source, "batch", "batch_size", 1, whole)
        if source.value("batch_sampler", 4) is None:
            found.said += usual(source, "batch", "batch_size", 1, 1)
        found.said += argument(source, "shuffle", "shuffle", 2, truth)
        found.said += argument(source, "drop_remainder", "drop_last", 8, truth) or usual(
            source, "drop_remainder", "drop_last", 8, False
        )
        found.said += argument(source, "workers", "num_workers", 5, whole)
        found.said += argument(source, "prefetch_factor", "prefetch_factor", None, whole)
    elif source.name == TIMM:
        _timm(source, found)
    parent = pipeline.parent.step if isinstance(pipeline.parent, Opaque) else None
    if parent is not None and source.value("subset") is not None:
        found.said += [
            said for said in argument(parent, "validation_split", "validation_split", None, share) if said.value != 0
        ]


def _timm(source: Step, found: Chain) -> None:
    """`create_loader(dataset, input_size, batch_size, is_training=False, ..., num_workers=1)` of timm 1.0."""
    for size in options(source.value("input_size", 1)):
        items = size.items if isinstance(size, Group | Listed) and len(size.items) == 3 else (size, size, size)
        found.said += [Said("image_size", side, source.line, called(source)) for side in pairs(items[1], items[2])]
    found.said += argument(source, "batch", "batch_size", 2, whole)
    for key in ("shuffle", "drop_remainder"):
        found.said += argument(source, key, "is_training", 3, truth)
        found.said += usual(source, key, "is_training", 3, False)
    found.said += argument(source, "workers", "num_workers", None, whole)
    found.said += usual(source, "workers", "num_workers", None, 1)
    if (prefetcher := source.value("use_prefetcher")) is None or truth(prefetcher) is not False:
        words = f"{called(source)}: batches are handed over as uint8, and float32 as the model gets them"
        found.notes.append(("dtype", source.line, f"{words}: the recipe has one type"))


def _color(value: Value) -> object:
    found = colors(value)
    return None if found is None else whole(found)


def _start(source: Step, loader: str | None) -> str | None:
    if source.name in _PLACES or source.name in (*TORCH, "flow"):
        at = _PLACES[source.name][4] if source.name in _PLACES else 0
        batch = source.value("batch_size", at)
        return DECODED if isinstance(batch, Literal) and batch.value is None else BATCHED
    by_loader = {"files": NAMES, "tfrecord": ENCODED, SLICES: DECODED, "generator": DECODED}
    if loader is None and source.target.startswith(("tensorflow_datasets", "tfds")):
        return DECODED
    return by_loader.get(loader or "")


def _decoding(pipeline: Pipeline, loader: str | None) -> Step | None:
    """The map that decodes; in records that hold arrays, the one that parses."""
    maps = [step for step in pipeline.steps if step.name == "map" and step.facts]
    found = next((step for step in maps if step.facts and step.facts.decodes), None)
    if found is None and loader == "tfrecord" and not any(step.facts and step.facts.hidden for step in maps):
        found = next((step for step in maps if step.facts and step.facts.parses), None)
    return found


def _mapped(state: str | None, step: Step, decoding: Step | None, maps: list[Step]) -> str | None:
    if step is decoding:
        return DECODED
    facts = step.facts
    if state == NAMES and facts is not None and facts.reads:
        return ENCODED
    if state in (NAMES, ENCODED) and decoding is None and facts is not None and facts.hidden:
        return None
    return DECODED if state is None and decoding in maps and maps.index(step) > _index(maps, decoding) else state


def _index(maps: list[Step], step: Step | None) -> int:
    return next(index for index, item in enumerate(maps) if item is step)


def _parallel(maps: list[Step], decoding: Step | None, loader: str | None, found: Chain) -> None:
    # Loaders decode by themselves: what is mapped behind them is something else.
    only = maps if len(maps) == 1 and loader in ("files", "tfrecord") else []
    for step in [decoding] if decoding is not None else only:
        found.said += argument(step, "parallel_calls", "num_parallel_calls", 1, tuned)


def _why_not(state: str | None, *, resized: bool) -> str | None:
    """Why what an element is at this place cannot be said in the recipe."""
    if state is None:
        return "what an element is here is not told by the script"
    return (
        "here images have not been resized yet, which the recipe cannot say"
        if not resized
        and state
        in (
            DECODED,
            BATCHED,
        )
        else None
    )


def _shuffle(state: str | None, step: Step, found: Chain, *, resized: bool) -> None:
    why = _why_not(state, resized=resized)
    if why:
        found.notes.append(("shuffle_buffer", step.line, f"{called(step)}: {why}"))
        return
    said = argument(step, "shuffle_buffer", "buffer_size", 0, whole)
    if state == NAMES and any(item.value is None for item in said):
        found.notes.append(_of_names(step))
        return
    found.said += [
        Said(item.key, None if item.value is None else (item.value, state), item.line, item.text, item.more)
        for item in said
    ]


def _of_names(step: Step | Said) -> tuple[str, int, str]:
    text = step.text if isinstance(step, Said) else called(step)
    return "shuffle_buffer", step.line, f"{text}: of file names, which take next to nothing"


def _largest_buffer(found: Chain) -> None:
    """The recipe has one buffer: that of names gives way to one of images."""
    buffers = [said for said in found.said if said.key == "shuffle_buffer"]
    names = [said for said in buffers if isinstance(said.value, tuple) and said.value[1] == NAMES]
    if len(names) < len(buffers) or any(key == "shuffle_buffer" for key, _, _ in found.notes):
        found.said = [said for said in found.said if said not in names]
        found.notes += [_of_names(said) for said in names]


def _cache(state: str | None, step: Step, found: Chain, *, resized: bool) -> None:
    why = _why_not(state, resized=resized)
    if state in (NAMES, ENCODED):
        why = "before images are decoded, which the recipe cannot say"
    if why:
        found.notes.append(("cache", step.line, f"{called(step)}: {why}"))
        return
    file = step.value("filename", 0)
    for option in options(file) or (Literal(""),):
        name = option.value if isinstance(option, Literal) else None
        where = None if not isinstance(name, str) else "disk" if name else "memory"
        found.said.append(Said("cache", where, step.line, called(step)))


def _prefetch(state: str | None, step: Step, steps: tuple[Step, ...], found: Chain) -> None:
    if state != BATCHED and any(later.name in BATCHES for later in steps[_index(list(steps), step) :]):
        found.notes.append(("prefetch", step.line, f"{called(step)}: of elements, not of batches"))
        return
    if state == BATCHED:
        # Of several the last one hands over to the model.
        found.said = [said for said in found.said if said.key != "prefetch"]
        found.said += argument(step, "prefetch", "buffer_size", 0, tuned)
