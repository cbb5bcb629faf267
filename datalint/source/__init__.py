"""Where bytes come from: the work tree, the git index, a git tree. Each module has one `open_...` function."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datalint.entry import Entry
    from datalint.source.dvc import Tracked


class Source(Protocol):
    """A set of files below one base folder. Paths are relative to it, parts joined by '/'."""

    @property
    def base(self) -> str:
        """Absolute path; every other path is relative to it."""
        ...

    @property
    def name(self) -> str:
        """worktree, index or tree."""
        ...

    def entries(self, root: str) -> list[Entry]:
        """Every file at or below `root`, by path; what cannot be listed is an entry of that kind."""
        ...

    def folders(self, root: str) -> list[str]:
        """Every folder below `root`, by path; git knows none that is empty."""
        ...

    def links(self, root: str) -> list[str]:
        """Those of the folders that are symbolic links: os.walk, and with it Keras, does not enter them."""
        ...

    def tracked(self, root: str) -> list[Tracked]:
        """Outputs of DVC at, below or above `root` that are not here, or not as their stage says."""
        ...

    def left_out(self, path: str) -> str:
        """Where a file is that is not among the entries and should be, and what to do; empty where nobody knows."""
        ...

    def read(self, path: str, *, limit: int | None = None) -> bytes | None:
        """Content of one file (manifest, configuration, rule), or its first bytes; None where it is absent."""
        ...

    def place(self, path: str) -> str | None:
        """Where on disk exactly this content lies, for readers that need a file; None where git alone has it."""
        ...

    def spooled(self, path: str) -> str | None:
        """The same, and what git alone has is copied to a file that is gone with this source; None for no file.

        Raises UnfinishedError for a blob that git cannot give.
        """
        ...
