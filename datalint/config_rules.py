"""Meets the configuration with the rules that exist: which run, with which severity and parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from datalint.config_schema import shown, suggest
from datalint.errors import UsageError
from datalint.rule.params import wrong_value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from datalint.config import Config, RuleSetting
    from datalint.errors import Position
    from datalint.finding import Severity
    from datalint.rule.model import Param


class RuleLike(Protocol):
    """What the configuration needs to know of a rule."""

    @property
    def id(self) -> str: ...
    @property
    def tags(self) -> Sequence[str]: ...
    @property
    def family(self) -> str: ...
    @property
    def params(self) -> Mapping[str, Param]: ...


R = TypeVar("R", bound=RuleLike)


@dataclass(frozen=True, slots=True)
class BoundRule(Generic[R]):
    """A rule that runs, with the value of each parameter; `severity` is None where the rule decides."""

    rule: R
    severity: Severity | None
    params: Mapping[str, Any]


def resolve_rules(
    config: Config, rules: Iterable[R], *, select: Sequence[str] = (), ignore: Sequence[str] = ()
) -> list[BoundRule[R]]:
    """The rules that run. `select` and `ignore` are the command line's and beat the file's.

    A rule that the command line selects by its id runs even where the file turns it off. Raises UsageError,
    with its place in the file, for a rule, selector or parameter that does not exist or is out of range.
    """
    known = {rule.id: rule for rule in rules}
    _check_selectors(config, known, select, ignore)
    for index, entry in enumerate(config.ignore):
        if entry.rule not in known:
            place = config.position("ignore", index, "rule")
            raise UsageError(f"unknown rule {entry.rule!r}", place, suggest(entry.rule, known))
    for name, setting in config.rules.settings.items():
        if name not in known:
            raise UsageError(f"unknown rule {name!r}", setting.position, suggest(name, known))
        _check_params(config, known[name], setting)
    wanted = tuple(select) or config.rules.select or ("all",)
    bound = []
    for rule in known.values():
        own = config.rules.settings.get(rule.id)
        off = own is not None and own.off
        refused = rule.id not in select and (off or _matches(rule, config.rules.ignore))
        if _matches(rule, wanted) and not refused and not _matches(rule, ignore):
            defaults = {name: param.default for name, param in rule.params.items()}
            severity, params = (own.severity, own.params) if own else (None, {})
            bound.append(BoundRule(rule, severity, {**defaults, **params}))
    if not bound:
        # Without a rule every dataset would be called trainable.
        place = None if select or ignore else config.position("rules")
        raise UsageError("no rule is left to run", place, "see select, ignore and settings")
    return bound


def check_ignores(config: Config, columns: Mapping[str, Collection[str]]) -> None:
    """Refuse an ignore by a column that its rule does not return; `columns` are those of each rule that runs."""
    for index, entry in enumerate(config.ignore):
        if entry.rule not in columns:
            continue
        known = columns[entry.rule]
        for name in entry.key:
            if name not in known:
                place = config.position("ignore", index, name)
                raise UsageError(f"rule {entry.rule} returns no column {name!r}", place, suggest(name, known))


def _matches(rule: RuleLike, selectors: Iterable[str]) -> bool:
    return any(selector in _selectors(rule) for selector in selectors)


def _selectors(rule: RuleLike) -> set[str]:
    """Every word that selects the rule."""
    namespace = {rule.id.split("/", 1)[0] + "/"} if "/" in rule.id else set()
    return {"all", rule.id, str(rule.family), *rule.tags, *namespace}


def _check_selectors(
    config: Config, known: Mapping[str, RuleLike], select: Sequence[str], ignore: Sequence[str]
) -> None:
    words = {word for rule in known.values() for word in _selectors(rule)}
    given: list[tuple[str, Position | None, str]] = [
        *((word, config.position("rules", "select", at), "") for at, word in enumerate(config.rules.select)),
        *((word, config.position("rules", "ignore", at), "") for at, word in enumerate(config.rules.ignore)),
        *((word, None, "--select: ") for word in select),
        *((word, None, "--ignore: ") for word in ignore),
    ]
    for word, place, option in given:
        if word not in words:
            hint = suggest(word, words) or "`datalint rules` lists them"
            raise UsageError(f"{option}unknown rule, tag or family {word!r}", place, hint)


def _check_params(config: Config, rule: RuleLike, setting: RuleSetting) -> None:
    for name, value in setting.params.items():
        keys = ("rules", "settings", rule.id, name)
        if name not in rule.params:
            place = config.document.position(keys, key=True) if config.document else None
            hint = suggest(name, rule.params) or f"{rule.id} has no parameters"
            raise UsageError(f"rule {rule.id} has no parameter {name!r}", place, hint)
        wrong = wrong_value(rule.params[name], value, shown)
        if wrong:
            raise UsageError(f"{rule.id}.{name}: {wrong}", config.position(*keys))
