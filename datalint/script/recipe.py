"""A script -> the recipe that it says, as far as one value of each key is certain and all of them go together."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from datalint.config_schema import shown, violations
from datalint.footprint.recipe import TORCH, Recipe, contradiction
from datalint.script import source
from datalint.script.distribution import distributed
from datalint.script.keys import KEYS
from datalint.script.log import Log
from datalint.script.observe import observe
from datalint.script.said import shown as words_of
from datalint.script.walk import Walk

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from datalint.script.observe import Observed
    from datalint.script.said import Said
    from datalint.script.source import Script

_MOST_PLACES = 4
# Keys that `contradiction` asks about.
_JUDGED = frozenset(
    {"framework", "loader", "dtype", "array_build", "array_scale", "array_split", "shuffle", "shuffle_buffer",
     "shuffle_stage", "cache", "workers", "prefetch_factor", "executor"}
)  # fmt: skip
# The same where they are `original`, under the name of their field.
_KEPT = {"image_size": "input_height", "channels": "input_channels"}


@dataclass(frozen=True, slots=True)
class Proposal:
    """Values of `training` that a script says, with the place of each, and what it says of keys that have none."""

    script: str
    values: Mapping[str, tuple[Any, str]]
    notes: tuple[tuple[str, str], ...]
    """Key, and what is to be known of it."""
    own_validation: str | None = None
    """Place of a `fit` that is given validation data, whether of another folder or of the script's own making."""

    @property
    def framework(self) -> str:
        found = self.values.get("framework")
        return str(found[0]) if found else "keras"

    @property
    def loader(self) -> str:
        """That which the file will say, assumed where the script does not say it."""
        usual = "dataloader" if self.framework == "pytorch" else "image_dataset_from_directory"
        found = self.values.get("loader")
        return str(found[0]) if found else usual


def read(path: str) -> Proposal:
    """Reads a script or a notebook; UsageError, with its position, for what is no Python."""
    return propose(source.read(path))


def propose(script: Script) -> Proposal:
    """What the script says, left out where it would not load."""
    log = Log()
    Walk(log).run(script)
    observed = observe(log)
    values: dict[str, tuple[Any, str]] = {}
    notes = [(key, f"{script.place(line)}: {words}") for key, line, words in observed.notes]
    shared = distributed(script)
    if shared and shared.replicas is None:
        notes.append(("replicas", f"{script.place(shared.call.lineno)}: {shared.words}"))
    elif shared:
        place = f"inferred from {script.place(shared.call.lineno)}: {words_of(shared.call)}"
        values["replicas"] = (shared.replicas, place)
    if log.stopped is not None:
        notes.append(("framework", f"the script was read up to {script.place(log.stopped)}: it is too long"))
    for key in KEYS:
        said = [item for item in observed.said if item.key == key]
        if said:
            _decide(script, observed, key, said, values, notes)
    _drop_unwritable(values, notes)
    _drop_invalid(values, notes)
    _drop_contradictions(values, notes)
    own = None if observed.own_validation is None else script.place(observed.own_validation)
    return Proposal(script.name, values, tuple(_few(notes)), own)


def _few(notes: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Each once, and of each key no more than somebody reads."""
    numbers: Counter[str] = Counter()
    for key, words in dict.fromkeys(notes):
        numbers[key] += 1
        if numbers[key] <= _MOST_PLACES:
            yield key, words
        elif numbers[key] == _MOST_PLACES + 1:
            yield key, "and more"


def _decide(
    script: Script,
    observed: Observed,
    key: str,
    said: Iterable[Said],
    values: dict[str, tuple[Any, str]],
    notes: list[tuple[str, str]],
) -> None:
    """One value, or in words why there is none."""
    different: dict[str, Said] = {}
    for item in said:
        different.setdefault(repr(item.value), item)
    first, *others = different.values()
    if others or key in observed.absent:
        places = [
            f"{_worded(item.value)} at {script.place(item.line)}" for item in list(different.values())[:_MOST_PLACES]
        ]
        places += ["more"] if len(different) > _MOST_PLACES else []
        places += [observed.absent[key]] if key in observed.absent else []
        notes.append((key, f"{' or '.join(places)}: say which one trains"))
    elif first.value is None:
        notes.append((key, f"not a literal at {script.place(first.line)}: say it yourself: {first.text}"))
    else:
        more = f", {first.more}" if first.more else ""
        place = f"inferred from {script.place(first.line)}: {first.text}{more}"
        if key == "shuffle_buffer" and isinstance(first.value, tuple):
            values[key], values["shuffle_stage"] = (first.value[0], place), (first.value[1], place)
        else:
            values[key] = (first.value, place)


def _worded(value: object) -> str:
    if value is None:
        return "not a literal"
    if isinstance(value, tuple):
        return f"{value[0]} ({value[1]})"
    return value if isinstance(value, str) else shown(value)


def _drop_invalid(values: dict[str, tuple[Any, str]], notes: list[tuple[str, str]]) -> None:
    while found := next(violations({"training": {key: value for key, (value, _) in values.items()}}), None):
        key = str(found.keys[1])
        _, place = values.pop(key)
        notes.append((key, f"{place}: left out: {found.message}"))


def _drop_unwritable(values: dict[str, tuple[Any, str]], notes: list[tuple[str, str]]) -> None:
    """No file in UTF-8 holds half of a surrogate pair."""
    for key, (value, place) in list(values.items()):
        if isinstance(value, str) and any("\ud800" <= letter <= "\udfff" for letter in value):
            del values[key]
            notes.append((key, f"{place}: left out: it is no Unicode"))


def _drop_contradictions(values: dict[str, tuple[Any, str]], notes: list[tuple[str, str]]) -> None:
    while found := contradiction(_recipe(values)):
        key, why = found
        if key not in values:
            break
        value, place = values.pop(key)
        notes.append((key, f"{_worded(value)} {place}: left out: {why}"))
        if key == "shuffle_buffer":
            values.pop("shuffle_stage", None)


def _recipe(values: Mapping[str, tuple[Any, str]]) -> Recipe:
    """As the configuration will read it."""
    said: dict[str, Any] = {key: value for key, (value, _) in values.items() if key in _JUDGED}
    if said.get("framework") == "pytorch":
        said.setdefault("loader", "dataloader")
    elif said.get("loader") in TORCH:
        said.setdefault("framework", "pytorch")
    said |= {field: None for key, field in _KEPT.items() if key in values and values[key][0] == "original"}
    return Recipe(**said)
