"""Writes what is said twice from the one place where it is true: the generated pages and the README's demo.

`--check` writes nothing and exits 1 when a page is stale.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from datalint.config import reference  # noqa: E402 - the checkout, not another installation
from datalint.finding import Family  # noqa: E402
from datalint.ruleset import builtin_rules  # noqa: E402
from datalint.tables import TABLES  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datalint.rule.model import Rule

HEAD = "<!-- written by scripts/docs.py: edit {source}, then run `make docs` -->\n\n"
CONFIG_INTRO = """\
# Configuration

`datalint.yaml`, or the table `[tool.datalint]` of `pyproject.toml` with the same keys; both at once is an
error. It is looked for from the working directory up to the root of the git repository. Paths are relative to
the file. An unknown key is an error with file, line and column. `datalint init` writes one;
`datalint/config.schema.json` lets an editor complete and check it.

"""
START, END = "<!-- demo:start -->", "<!-- demo:end -->"


def main(check: bool) -> int:
    stale = []
    for name, write in PAGES.items():
        path = ROOT / name
        old = path.read_text("utf-8") if path.exists() else ""
        new = write(old)
        if name == "README.md" and check:
            old, new = without_times(old), without_times(new)
        if new == old:
            continue
        stale.append(name)
        if not check:
            path.write_text(new, "utf-8")
            print(f"wrote {name}")
    if check and stale:
        print(f"stale: {', '.join(stale)}; run `make docs`", file=sys.stderr)
        return 1
    return 0


def rules_page(_: str) -> str:
    """One chapter a family, one section a rule."""
    rules = builtin_rules()
    lines = [
        "# Rules\n",
        f"{len(rules)} rules ship with datalint; each is one file in `rules/`.",
        "`datalint explain RULE` prints the same page with the values in force.\n",
    ]
    for family in Family:
        members = [rule for rule in rules if rule.family is family]
        if not members:
            continue
        lines.append(f"- **{family.headline}** (`{family.value}`): " + ", ".join(map(link, members)))
    for family in Family:
        members = [rule for rule in rules if rule.family is family]
        if members:
            lines.append(f"\n## {family.headline[0].upper()}{family.headline[1:]}")
            lines += [rule_section(rule) for rule in members]
    return HEAD.format(source="rules/*.yaml") + "\n".join(lines) + "\n"


def link(rule: Rule) -> str:
    return f"[{rule.id}](#{rule.id})"


def rule_section(rule: Rule) -> str:
    parts = [f"\n### {rule.id}\n", f"**{rule.title}** · {rule.severity.value}"]
    if rule.tags:
        parts[-1] += f" · tags {', '.join(f'`{tag}`' for tag in rule.tags)}"
    parts += ["", rule.docs.strip(), "", f"- says: `{one_line(rule.message)}`"]
    if rule.remedy:
        parts.append(f"- next step: {one_line(rule.remedy)}")
    for param in rule.params.values():
        bounds = (("min", param.min), ("max", param.max))
        limits = [f"{word} {value}" for word, value in bounds if value is not None]
        inside = "; ".join([f"default `{param.default}`", *limits])
        parts.append(f"- `{param.name}` ({param.type}; {inside}): {param.doc}")
    return "\n".join(parts)


def one_line(text: str) -> str:
    return " ".join(text.split())


def tables_page(_: str) -> str:
    """One section a table; what a rule may read."""
    lines = [
        "# Tables\n",
        "A rule is one SELECT over these tables. Any column may be NULL. Join on `file_id` and `sample_id`;",
        "equal bytes have one `content_key`. `datalint facts --sql QUERY` shows them for your dataset.",
    ]
    for table in TABLES.values():
        lines += [f"\n## {table.name}\n", f"One row per {table.row}."]
        if table.open:
            lines[-1] += " Further columns of the user's manifest follow, under their own names."
        lines += ["\n| column | type | unit | meaning |", "|---|---|---|---|"]
        lines += [
            f"| `{column.name}` | {column.type} | {column.unit} | {column.meaning} |"
            for column in table.columns
        ]
    return HEAD.format(source="datalint/tables.py") + "\n".join(lines) + "\n"


def config_page(_: str) -> str:
    """Every key of the configuration."""
    return HEAD.format(source="datalint/config.schema.json") + CONFIG_INTRO + reference()


def readme(old: str) -> str:
    """The README with the demo's real output between its markers."""
    before, _, rest = old.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n```console\n$ datalint check\n{demo()}```\n{END}{after}"


def demo() -> str:
    """What `datalint check` prints for the example dataset, made anew."""
    with tempfile.TemporaryDirectory() as folder:
        example = Path(folder) / "examples"
        example.mkdir()
        for name in ("make_flowers.py", "datalint.yaml"):
            (example / name).write_bytes((ROOT / "examples" / name).read_bytes())
        subprocess.run([sys.executable, "make_flowers.py"], cwd=example, check=True, capture_output=True)
        run = subprocess.run(
            [sys.executable, "-m", "datalint", "check", "--no-cache", "--color", "never", "-o", "text"],
            cwd=example,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode != 1:
        raise SystemExit(f"the demo gave exit code {run.returncode}, expected 1\n{run.stdout}{run.stderr}")
    return re.sub(r" +$", "", run.stdout, flags=re.MULTILINE)


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}


def without_times(text: str) -> str:
    """A run takes another time on another machine; nothing else may differ."""
    return re.sub(r"in \d+\.\d+ s\b", "in N s", text)


PAGES: Mapping[str, Callable[[str], str]] = {
    "docs/rules.md": rules_page,
    "docs/tables.md": tables_page,
    "docs/config.md": config_page,
    "README.md": readme,
}

if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
