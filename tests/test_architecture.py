"""Imports point one way and heavy packages stay where they belong: read from every module's syntax tree."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = ROOT / "datalint"

# A module may import its own room and every line above it, never its own line or one below.
LAYERS = (
    {"ending", "errors", "finding", "pipes", "similar", "system", "tables", "entry", "versions", "__init__"},
    {
        "braces",
        "git",
        "git_index",
        "globs",
        "group_pattern",
        "limits",
        "outcome",
        "replaced",
        "sizes",
        "strict_yaml",
        "toml_places",
        "config_schema",
    },
    {"source"},
    {"dataset", "facts", "near", "footprint", "rule", "report", "target", "engine", "config_file"},
    {"config_rules", "script"},
    {"config", "suppress", "baseline", "lockfile", "followed", "init", "progress", "request", "trust", "child"},
    {"delta", "policies", "queries"},
    {"ruleset", "workspace", "replay"},
    {"accepted", "aside", "changed", "drift", "readings", "asked", "scope", "unjudged", "listed", "looked"},
    {"models", "unseen", "lock_gone"},
    {"locked"},
    {"concluded", "compared", "unanswered"},
    {"copies"},
    {"nearby"},
    {"check", "measuring"},
    {"sides"},
    {"since"},
    {"calibrate", "compiling", "dry_run", "rehearsal"},
    {"estimate", "rehearse"},
    {"commands", "integrations"},
    {"cli"},
    {"__main__"},
)
# The scan hands its batches to whatever engine runs it.
EXCEPTIONS = {("facts", "engine")}

# Who may import what; everybody else may not.
HOMES = {
    "_duckdb": ("rule/room",),
    "duckdb": ("rule/room",),
    "google_crc32c": ("dataset/",),
    "msgspec": ("dataset/",),
    "numpy": ("dataset/coco/", "facts/", "integrations/", "near/", "compared", "copies"),
    "PIL": ("facts/", "integrations/"),
    "simplejpeg": ("facts/",),
    "pillow_heif": ("facts/",),
    "rich": ("progress", "report/"),
    "tensorflow": ("integrations/",),
    "keras": ("integrations/",),
    "jax": ("integrations/",),
    "jaxlib": ("integrations/",),
    "ray": ("engine/ray",),
}
LATE_HOMES = {"duckdb": ("dataset/parquet", "dataset/hf_parquet/child", "source/table_cells")}
"""Homes where the import must stand inside a function."""

HEAVY = {
    "numpy",
    "_duckdb",
    "duckdb",
    "google_crc32c",
    "msgspec",
    "PIL",
    "simplejpeg",
    "rich",
    "tensorflow",
    "jax",
    "ray",
    "yaml",
    "multiprocessing",
}


@dataclass(frozen=True)
class Import:
    module: str
    line: int
    late: bool
    """Inside a function: paid only by those who call it."""


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if "rules" not in path.relative_to(PACKAGE).parts)


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix()


def room(name: str) -> str:
    return name.split("/", 1)[0]


def imports(tree: ast.AST, *, late: bool = False) -> Iterator[Import]:
    """Every import that happens at run time; those for type checkers alone have no direction."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno, late) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the direction"
            assert node.module is not None
            yield Import(node.module, node.lineno, late)
            # `from datalint import git` names a module, `from datalint.git import run` does not.
            if node.module == "datalint":
                yield from (Import(f"datalint.{alias.name}", node.lineno, late) for alias in node.names)
        else:
            yield from imports(node, late=late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def layer(name: str) -> int:
    found = [index for index, members in enumerate(LAYERS) if name in members]
    assert len(found) == 1, f"datalint/{name} has no place in LAYERS"
    return found[0]


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_one_way(path: Path) -> None:
    here = room(name_of(path))
    for item in imports(parsed(path)):
        package, _, rest = item.module.partition(".")
        there = rest.split(".", 1)[0] or "__init__"
        if package != "datalint" or there in (here, "__version__") or (here, there) in EXCEPTIONS:
            continue
        assert layer(there) < layer(here), f"{path}:{item.line}: {here} must not import {there}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_heavy_packages_are_imported_at_home_only(path: Path) -> None:
    name = name_of(path)
    for item in imports(parsed(path)):
        package = item.module.split(".", 1)[0]
        late = LATE_HOMES.get(package, ()) if item.late else ()
        if package in HOMES:
            assert name.startswith((*HOMES[package], *late)), f"{path}:{item.line}: {package}"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_only_one_module_runs_git(path: Path) -> None:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.List | ast.Tuple) and node.elts:
            first = node.elts[0]
            words = isinstance(first, ast.Constant) and first.value == "git" and len(node.elts) > 1
            assert not words or name_of(path) == "git/process", f"{path}:{node.lineno}: git is run by datalint/git"


@pytest.mark.parametrize("start", ["import datalint", "import datalint.cli", "import datalint.replay"])
def test_starting_imports_nothing_heavy(start: str) -> None:
    code = f"{start}\nimport sys\nprint(*sorted(name for name in sys.modules if '.' not in name))"
    # Coverage measures child processes from within, and brings modules of its own.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert HEAVY.isdisjoint(run.stdout.split())


def test_a_hook_that_has_nothing_to_do_loads_no_table_and_no_recipe() -> None:
    """Each costs it some milliseconds, and it answers in fifty."""
    code = "import sys, datalint.cli, datalint.replay, datalint.commands.check\nprint(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {name for name in run.stdout.split() if name.startswith("datalint.")}
    assert "datalint.replay" in loaded
    assert not {
        name for name in loaded if name.startswith(("datalint.footprint", "datalint.tables", "datalint.config"))
    }


@pytest.mark.parametrize("path", sorted((ROOT / "rules").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_rule_has_a_page_and_tests_of_both_kinds(path: Path) -> None:
    rule = yaml.safe_load(path.read_text("utf-8"))
    assert rule["id"] == path.stem
    assert len(rule["docs"].split()) >= 15, "say why it harms training"
    assert rule["message"]
    assert rule["remedy"], "say what to do next"
    fires = [case["name"] for case in rule["tests"] if case["expect"]]
    silent = [case["name"] for case in rule["tests"] if not case["expect"]]
    assert fires, "show the rule firing"
    assert silent, "show the rule silent"
