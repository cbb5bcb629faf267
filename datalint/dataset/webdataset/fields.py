"""What the members of a sample say of it: label, group, split."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.dataset.webdataset.tar import Member

# webdataset's decoders read `cls` as an integer; `class` and `label` are as common among writers.
INTEGER = "cls"
LABELS = (INTEGER, "class", "label")
TEXT = "txt"
_LONGEST_LABEL = 256
"""Characters; a longer text is a caption or a document."""


class UnreadableError(Exception):
    """A member that does not hold one value; its text says which and why."""

    def __init__(self, member: Member, why: str) -> None:
        super().__init__(f"{member.name} {why}")
        self.member = member


@dataclass(frozen=True, slots=True)
class Field:
    """As `dataset.columns` names it: a member by its extension (`cls`), or a key of a JSON member (`json.label`)."""

    written: str

    def wants(self, extension: str) -> bool:
        """Whether a member of that extension may hold it."""
        return extension == self.written or _is_json(extension)

    def value(self, members: Mapping[str, Member]) -> tuple[str | None, str]:
        """Its text and the extension that it comes from; None where no member has it. Raises UnreadableError."""
        if self.written in members:
            return text_of(members[self.written]), self.written
        for extension in filter(_is_json, members):
            path = self.written.removeprefix(f"{extension}.")
            found = _inside(members[extension], path)
            if found is not None:
                return found, extension
        return None, ""


def text_of(member: Member) -> str | None:
    """A label as written, None for an empty one. Raises UnreadableError for what is no short line of text."""
    content = member.content or b""
    if member.size > len(content):
        raise UnreadableError(member, f"is {member.size:,} bytes long, no label")
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise UnreadableError(member, "is not text") from None
    if len(text) > _LONGEST_LABEL or "\n" in text:
        raise UnreadableError(member, "is several lines or more than 256 characters of text, no label")
    if not text.isprintable():
        raise UnreadableError(member, "is not text")
    return text or None


def _is_json(extension: str) -> bool:
    return extension == "json" or extension.endswith(".json")


def _inside(member: Member, path: str) -> str | None:
    """The value of a key; `path` may lead through nested objects by dots."""
    content = member.content or b""
    if member.size > len(content):
        raise UnreadableError(member, f"is {member.size:,} bytes long and was not read")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableError(member, f"is not JSON: {error}") from None
    value = _lookup(document, path)
    value = value.strip() if isinstance(value, str) else value
    if isinstance(value, dict | list):
        raise UnreadableError(member, f"has no single value under {path!r}")
    if value is None or value != value or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


def _lookup(document: Any, path: str) -> Any:
    if not isinstance(document, dict):
        return None
    if path in document:
        return document[path]
    key, dot, rest = path.partition(".")
    return _lookup(document.get(key), rest) if dot else None
