"""What the user says of a dataset, as every format gets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    class Memory(Protocol):
        """What is remembered of large files between runs, so that they need not be read again."""

        def recall(self, path: bytes, key: str, status: tuple[int, int, int]) -> bytes | None:
            """What was made of a file that had this size, mtime_ns and inode, and could not change unseen since."""
            ...

        def remember(self, path: bytes, key: str, signature: tuple[int, int, int, int], content: bytes) -> None:
            """`signature` is size, mtime_ns, inode, and when reading began (ns since the epoch)."""
            ...


@dataclass(frozen=True, slots=True)
class Options:
    """A format uses what concerns it."""

    framework: str = "keras"
    loader: str = "image_dataset_from_directory"
    columns: Mapping[str, str] = field(default_factory=dict)
    """Part (path, label, split, group; image) -> column of a manifest, feature of records."""
    files_root: str | None = None
    """Folder that paths in a manifest start from, relative to the source's base; None for the manifest's own."""
    splits: Mapping[str, str] | None = None
    """Folder, or cell of the split column -> split; None where nothing is said, empty where there are none."""
    suffix: str = ""
    """What paths in a manifest lack."""
    group: str | None = None
    """Pattern on paths: no column is guessed to be the group beside it."""
    memory: Memory | None = None
    strict: bool = True
    """What the format does not use is refused, and not left out."""
