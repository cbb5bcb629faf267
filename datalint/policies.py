"""Configuration, rules and baseline of another commit: a policy that the change under review cannot weaken."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from datalint import config as configuration
from datalint import dataset, git
from datalint.config_file import read_document
from datalint.errors import UsageError
from datalint.source.tree import open_tree

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from datalint.config import Config
    from datalint.config_file import Document
    from datalint.entry import Entry
    from datalint.errors import Position
    from datalint.source import Source


@dataclass(frozen=True, slots=True)
class Home:
    """A folder of configuration, relative to the base of the source that it is read from."""

    source: Source
    folder: str
    explicit: str | None = None
    """Name of the configuration file in it, where the user names one."""

    def path(self, name: str) -> str:
        """As the source knows it."""
        return os.path.normpath(os.path.join(self.folder, name))

    def read(self, name: str) -> bytes | None:
        """None also for what lies outside the repository: no commit has it, and it may be anything."""
        path = self.path(name)
        return None if _outside(path) else self.source.read(path)

    def entries(self, folder: str) -> list[Entry]:
        """Files at or below a folder; likewise none outside the repository."""
        path = self.path(folder)
        return [] if _outside(path) else self.source.entries(path)


def _outside(path: str) -> bool:
    return os.path.isabs(path) or path.split("/", 1)[0] == ".."


@dataclass(frozen=True, slots=True)
class Policy:
    """What is in force, and where the judged data would have had its own; both begin at the top of the repository."""

    ref: str
    """As the user named it."""
    commit: str
    there: Home
    here: Home
    config: Config

    def name(self, path: str) -> str:
        """A file of the policy's commit, given from its top, as `git show` takes it."""
        return f"{self.ref}:{path}"

    def formats(self, place: str) -> tuple[str | None, str | None]:
        """How the dataset at a place is read in the commit, and how it would be here, where nobody names its format.

        A file that a change brings must not decide that other files than before are judged.
        """
        root = self._root(place)
        if _outside(root):
            return None, None
        settings = self.config.dataset
        files_root = None if settings.root is None else self.there.path(settings.root)
        there, here = (
            dataset.format_of(home.source, root, columns=settings.columns, files_root=files_root)
            for home in (self.there, self.here)
        )
        return there, here

    def place(self, place: str) -> str | None:
        """Where the commit has the dataset, of a folder at or above it; None where it has nothing there."""
        root = self._root(place)
        if _outside(root) or not self.there.source.entries(root):
            return None
        inside = dataset.clearly_inside(self.there.source, root)
        return os.path.normpath(os.path.join(os.path.realpath(self.here.source.base), inside.root if inside else root))

    def described_by(self, place: str, name: str | None) -> tuple[list[str], list[str]]:
        """From the top: files that say what the images at a place are, in the commit and here, in the format `name`."""
        root = self._root(place)
        if _outside(root) or name is None:
            return [], []
        there, here = (dataset.described_by(home.source, root, name) for home in (self.there, self.here))
        return there, here

    def _root(self, place: str) -> str:
        """A path from the top."""
        return os.path.relpath(os.path.realpath(place), os.path.realpath(self.here.source.base))

    @property
    def notes(self) -> tuple[str, ...]:
        said = f"the policy is that of {self.ref} (commit {self.commit[:12]})"
        if self.config.document is None:
            said += ", which has no configuration: the built-in defaults count"
        return (said,)


def nearest_home(source: Source, start: str, top: str, *, explicit: str | None = None) -> str:
    """Nearest folder, from `start` up to the top, whose configuration the source holds; else the top.

    Relative to the top, as the source is.
    """
    if explicit is not None:
        return os.path.relpath(os.path.dirname(os.path.abspath(explicit)), top)
    folder = os.path.relpath(start, top)
    while True:
        prefix = "" if folder == "." else folder + "/"
        if configuration.present(lambda name, prefix=prefix: source.read(prefix + name)):  # type: ignore[misc]
            return folder
        if folder == ".":
            return "."
        folder = os.path.dirname(folder) or "."


def read(ref: str, start: str, here: Source, *, explicit: str | None = None) -> Policy:
    """The policy of a commit for the judged files `here`, a source that begins at the top of the repository.

    Raises UsageError for a ref that is no commit and, with its place in that commit, for what does not load.
    """
    top = here.base
    commit = git.commit(top, ref)
    source = open_tree(top, commit)
    name = None if explicit is None else os.path.basename(explicit)
    there, own = (Home(each, nearest_home(each, start, top, explicit=explicit), name) for each in (source, here))
    if there.folder.startswith(".."):
        raise UsageError(f"--policy-from: {explicit} lies outside the repository {top}, so {ref} has no such file")
    if explicit is not None and there.read(name or "") is None and own.read(name or "") is None:
        raise UsageError(f"no configuration file {explicit}, neither here nor in {ref}")
    if explicit is None and here.name == "worktree" and not configuration.present(there.read):
        # Without any configuration a work tree is judged from the working directory.
        there = replace(there, folder=os.path.relpath(start, top))
    policy = Policy(ref, commit, there, own, configuration.Config())
    with _placed(policy):
        absent = name is not None and there.read(name) is None
        document = None if absent else read_document(there.read, explicit=name)
        config = configuration.Config() if document is None else configuration.parse(document)
    if document is not None and own.source.read(there.path(document.file)) != there.read(document.file):
        # Where both are the same, a place in it is one in the file that lies here.
        config = configuration.parse(_renamed(document, policy.name(there.path(document.file))))
    return replace(policy, config=config)


@contextmanager
def _placed(policy: Policy) -> Iterator[None]:
    """Says of a mistake in the configuration of the commit that it is there."""
    try:
        yield
    except UsageError as error:
        if error.position is None:
            raise
        place = replace(error.position, file=policy.name(policy.there.path(error.position.file)))
        raise UsageError(error.message, place, error.hint, error.keys) from error


def _renamed(document: Document, file: str) -> Document:
    def moved(places: Mapping[tuple[str | int, ...], Position]) -> dict[tuple[str | int, ...], Position]:
        return {way: replace(place, file=file) for way, place in places.items()}

    return replace(document, file=file, values=moved(document.values), keys=moved(document.keys))
