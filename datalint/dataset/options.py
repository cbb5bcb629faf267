"""What the user says of a dataset, as every format gets it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Options:
    """A format uses what concerns it."""

    framework: str = "keras"
    loader: str = "image_dataset_from_directory"
    columns: Mapping[str, str] = field(default_factory=dict)
    """Part (path, label, split, group) -> column of a manifest."""
    files_root: str | None = None
    """Folder that paths in a manifest start from, relative to the source's base; None for the manifest's own."""
    splits: Mapping[str, str] | None = None
    """Folder, or cell of the split column -> split; None where nothing is said, empty where there are none."""
    suffix: str = ""
    """What paths in a manifest lack."""
