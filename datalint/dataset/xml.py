"""XML of annotations, read by expat as a stream: what every format of it refuses, and how its faults are told.

A document type is refused: no such format has one, and entities are how an XML of a kilobyte becomes gigabytes or
another file of the machine.
"""

from __future__ import annotations

from xml.parsers import expat

from datalint.dataset.model import Fault

MAX_DEPTH = 100


class RefusedError(Exception):
    """What is no such file, in words."""


class Elements:
    """Follows the elements of a file; a format says what they mean by `opened` and `closed`."""

    root = ""
    """Name of the outermost element."""
    longest = 1 << 12
    """Characters of one element that are kept, give or take a part that comes at once."""

    def __init__(self) -> None:
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._collect
        self.path: list[str] = []
        """Names of the elements that are open."""
        self.text = ""
        """Characters since the last tag."""
        self.since = 1
        """Line of the last tag that opened an element."""

    @property
    def line(self) -> int:
        """That the parser has come to."""
        return self._parser.CurrentLineNumber

    def opened(self, name: str, has: dict[str, str]) -> None:
        """An element, with its attributes; it is the last of `path`."""

    def closed(self, name: str) -> None:
        """An element, which still is the last of `path`, and its `text`, where no other one is in it."""

    def read(self, content: bytes) -> list[Fault]:
        """What stopped the reading, if anything did; never raises."""
        if not content.strip():
            return [Fault("bad-annotation-file", 1, "the file is empty")]
        try:
            self._parser.Parse(content, True)
        except expat.ExpatError as error:
            return [Fault("bad-annotation-file", error.lineno, f"not XML: {expat.ErrorString(error.code)}")]
        except RefusedError as error:
            return [Fault("bad-annotation-file", self.line, str(error))]
        except (ValueError, LookupError) as error:
            # The encoding that the first line declares.
            return [Fault("bad-annotation-file", 1, f"not XML: {error}")]
        return []

    def _refuse(self, *_: object) -> None:
        raise RefusedError("it has a document type (<!DOCTYPE>), which may define entities: not read")

    def _start(self, name: str, has: dict[str, str]) -> None:
        if not self.path and name != self.root:
            raise RefusedError(f"its root is <{name[:40]}>, not <{self.root}>")
        if len(self.path) >= MAX_DEPTH:
            raise RefusedError(f"nested deeper than {MAX_DEPTH} levels")
        self.path.append(name)
        self.text, self.since = "", self.line
        self.opened(name, has)

    def _end(self, name: str) -> None:
        self.closed(name)
        self.text = ""
        self.path.pop()

    def _collect(self, data: str) -> None:
        if len(self.text) < self.longest:
            self.text += data
