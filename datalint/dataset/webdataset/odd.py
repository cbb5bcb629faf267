"""What is strange about an archive's members and said once of each archive, with the first of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from datalint.dataset.webdataset.tar import Member


@dataclass(slots=True)
class Odd:
    """Counts by kind of problem."""

    _seen: dict[str, tuple[str, int]] = field(default_factory=dict)
    _words: dict[str, tuple[str, str, str]] = field(default_factory=dict)

    def count(self, kind: str, name: str, one: str, many: str, rest: str) -> None:
        """One more; `one` and `many` follow the number, and `rest` follows them."""
        first, number = self._seen.get(kind, (name, 0))
        self._seen[kind] = (first, number + 1)
        self._words.setdefault(kind, (one, many, rest))

    def look(self, member: Member) -> None:
        """Names that lead out of a folder, and what is no file."""
        if member.name.startswith("/") or ".." in member.name.split("/"):
            self.count(
                "unsafe-member-name", member.name, "member has", "members have", "a name that leads out of the folder"
            )
        if member.kind == "link":
            self.count(
                "link-member", member.name, "member is a link", "members are links", "and webdataset passes over links"
            )
        elif member.kind == "special":
            rest = "and webdataset passes over devices and pipes"
            self.count("special-member", member.name, "member is no file", "members are no files", rest)
        elif member.kind == "sparse":
            self.count(
                "sparse-member", member.name, "member is a sparse file,", "members are sparse files,", "not read here"
            )

    def told(self) -> Iterator[tuple[str, str, str]]:
        """Kind, first member, detail."""
        for kind, (first, number) in self._seen.items():
            one, many, rest = self._words[kind]
            yield kind, first, f"{number:,} {one if number == 1 else many} {rest}"
