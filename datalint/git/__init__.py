"""What git knows, asked by its command line."""

from __future__ import annotations

from datalint.git.blobs import BlobReader, show, sizes, write_blob
from datalint.git.commits import AmbiguousError, commit, fork, index_tree, is_cut_off, is_unborn, tree_of
from datalint.git.differences import Change, changes
from datalint.git.listing import (
    LINK,
    REGULAR,
    SUBMODULE,
    Item,
    Items,
    committed,
    has_links,
    ignored,
    index_items,
    index_listing,
    left_out,
    tree_items,
    untracked,
)
from datalint.git.places import common_folder, hooks_folder, is_partial, setting, top_level

__all__ = [
    "LINK",
    "REGULAR",
    "SUBMODULE",
    "AmbiguousError",
    "BlobReader",
    "Change",
    "Item",
    "Items",
    "changes",
    "commit",
    "committed",
    "common_folder",
    "fork",
    "has_links",
    "hooks_folder",
    "ignored",
    "index_items",
    "index_listing",
    "index_tree",
    "is_cut_off",
    "is_partial",
    "is_unborn",
    "left_out",
    "setting",
    "show",
    "sizes",
    "top_level",
    "tree_items",
    "tree_of",
    "untracked",
    "write_blob",
]
