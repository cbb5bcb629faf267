"""What was not looked at: never silently clean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.finding import NotChecked
from datalint.listed import described

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from datalint.dataset import Dataset
    from datalint.tables import Data

_UNREAD = {
    "pointer": "its content was not fetched: run `{fetch}`",
    "remote": "a URL, and nothing was fetched",
    "unreadable": "it could not be read",
    "crashed": "its decoder did not survive",
}

_FETCH = {"dvc-missing": "dvc pull", "object-missing": "git fetch --refetch --no-filter"}


def unseen(found: Dataset, files: Data) -> list[NotChecked]:
    """Files whose pixels nobody has seen, and shards of which nobody knows what is in them."""
    return [
        *_images(found),
        *_arrays(files),
        *_untracked(found),
        *_submodules(found),
        *_unread(found.shards, {*_UNREAD, "unsupported"}),
        *_unread(files, _UNREAD),
    ]


def _images(found: Dataset) -> Iterator[NotChecked]:
    if described(found):
        yield NotChecked("images", "only their description was judged: none lies beside it as a file")


def _arrays(files: Data) -> Iterator[NotChecked]:
    arrays = files.columns["status"].count("raw")
    if arrays:
        yield NotChecked(f"{arrays:,} arrays of pixels", "nothing states their height and width")


def _untracked(found: Dataset) -> list[NotChecked]:
    problems = found.problems.columns
    return [
        NotChecked(str(path), f"tracked by DVC ({stage}), and {detail}")
        for kind, path, stage, detail in zip(
            *(problems[name] for name in ("kind", "path", "manifest", "detail")), strict=True
        )
        if kind == "dvc-unknown"
    ]


def _submodules(found: Dataset) -> list[NotChecked]:
    problems = found.problems.columns
    return [
        NotChecked(
            str(path), "a submodule, of which git has the commit alone: check the work tree, or run datalint in it"
        )
        for kind, path in zip(problems["kind"], problems["path"], strict=True)
        if kind == "submodule"
    ]


def _unread(table: Data, kinds: Collection[str]) -> list[NotChecked]:
    """A shard may be whole and of a kind that is not read here; of such an image a rule knows what it means."""
    columns = table.columns
    return [
        NotChecked(str(path), f"{_why(str(status), cause)}{f' ({cause})' if cause else ''}")
        for path, status, cause in zip(columns["path"], columns["status"], columns["cause"], strict=True)
        if status in kinds
    ]


def _why(status: str, cause: object) -> str:
    if status == "unsupported":
        return "it is not read here"
    return _UNREAD[status].format(fetch=_FETCH.get(str(cause), "git lfs pull"))
