"""Writes what is said twice from the one place where it is true: the generated pages and the README's demo.

`--check` writes nothing and exits 1 when a page is stale.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from datalint import config  # noqa: E402 - the checkout, not another installation
from datalint.finding import Family  # noqa: E402
from datalint.queries import PREPARED  # noqa: E402
from datalint.rule.engine import RuleEngine  # noqa: E402
from datalint.rule.prepared import written  # noqa: E402
from datalint.ruleset import builtin_rules  # noqa: E402
from datalint.sizes import size  # noqa: E402
from datalint.tables import TABLES  # noqa: E402
from datalint.target import lookup, profiles  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from datalint.rule.model import Rule

HEAD = "<!-- written by scripts/docs.py: edit {source}, then run `make docs` -->\n\n"

MISTAKES = (
    ("an unknown key", "title: A", "titel: A"),
    ("a key given twice", "family: misled", "family: misled\nfamily: stopped"),
    ("an alias", "tags: [splits]", "tags: [*splits]"),
    ("broken YAML", "tags: [splits]", "tags: [splits"),
    ("an unknown severity", "severity: error", "severity: eror"),
    ("a rule of your own without a namespace", "id: acme/site-imbalance", "id: Site-Imbalance"),
    ("an id that is not the file's name", "id: acme/site-imbalance", "id: acme/site"),
    ("an unknown type", "type: integer", "type: int"),
    ("a default outside its limits", "default: 1", "default: 0"),
    ("an unknown table", "from samples", "from sampels"),
    ("an unknown column", "split_part(path,", "split_part(pth,"),
    ("an unknown function", "split_part(path,", "split_prat(path,"),
    ("an unknown parameter", "< $min_per_site", "< $min_site"),
    ("a syntax error", "having n_train", "havign n_train"),
    ("reading a file", "from samples", "from read_csv('labels.csv')"),
    ("a second statement", "order by site", "order by site; drop table samples"),
    ("asking for the time", "group by site", "group by site, current_date"),
    ("an unknown column in a message", "{n_train} samples", "{n_trian} samples"),
    ("an unknown format in a message", "{n_train} samples", "{n_train:byte} samples"),
    ("an open brace in a message", "{n_train} samples", "{n_train samples"),
    ("a key column that is not returned", "key: [site]", "key: [sight]"),
    ("an unknown parameter in a test", "params: {min_per_site: 2}", "params: {min_site: 2}"),
    ("a wrong value in a test", "params: {min_per_site: 2}", "params: {min_per_site: two}"),
    ("an unknown table in a test", "samples:", "sampels:"),
    ("an unknown column in an expected row", "- {site: south,", "- {sight: south,"),
)
"""What goes wrong, and the edit of the rule in docs/rules-howto.md that shows it."""


def main(check: bool) -> int:
    stale = []
    for name, write in PAGES.items():
        path = ROOT / name
        old = path.read_text("utf-8") if path.exists() else ""
        new = write(old)
        if name == "README.md" and check:
            old, new = without_numbers(old), without_numbers(new)
        if new == old or without_time(new) == without_time(old):
            continue
        stale.append(name)
        if not check:
            path.write_text(new, "utf-8")
            print(f"wrote {name}")
    if check and stale:
        print(f"stale: {', '.join(stale)}; run `make docs`", file=sys.stderr)
        return 1
    return 0


def targets_page(_: str) -> str:
    """One row a machine; figures that nobody has looked up are in italics."""
    lines = [
        "# Targets\n",
        f"`target:` in the configuration and `--target` take one of these {len(profiles())} names, a machine of your",
        "own under `targets`, or `local`: what this process may really use. That is the least of the machine's",
        "memory and the limits of every cgroup above it, of the process and of its SLURM job, and the GPUs (or the",
        "MIG slice) that it may see. Figures in *italics* are unverified. A card alone says nothing of its host.\n",
        "| target | host memory | of it in use | cores | accelerator | memory of each | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, fields in profiles().items():
        machine = lookup(name)
        said = {
            "host_memory": "" if machine.host_memory is None else size(machine.host_memory),
            "host_used": "" if machine.host_used is None else size(machine.host_used),
            "cores": str(machine.cores or ""),
            "accelerator": f"{machine.accelerators} x {machine.accelerator}" if machine.accelerator else "none",
            "accelerator_memory": "" if machine.accelerator_memory is None else size(machine.accelerator_memory),
        }
        cells = [f"*{text}*" if key in fields.get("unverified", ()) else text for key, text in said.items()]
        lines.append(f"| `{name}` | {' | '.join(cells)} | {fields['source']} |")
    return HEAD.format(source="datalint/target/profiles.yaml") + "\n".join(lines) + "\n"


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


def prepared(_: str) -> str:
    """What DuckDB says of each query that ships, so that no run of `datalint check` asks again."""
    rules = builtin_rules()
    with RuleEngine(threads=1) as engine:
        return written(rules, engine.prepared(rules))


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
        if table.user_columns:
            lines[-1] += " Further columns of the user's manifest follow, under their own names and as text (VARCHAR)."
        lines += ["\n| column | type | unit | meaning |", "|---|---|---|---|"]
        lines += [f"| `{column.name}` | {column.type} | {column.unit} | {column.meaning} |" for column in table.columns]
    return HEAD.format(source="datalint/tables.py") + "\n".join(lines) + "\n"


def readme(old: str) -> str:
    """The README with the demo's real output between its markers."""
    return between(old, "demo", f"```console\n$ datalint check\n{demo()}```\n")


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


def howto(old: str) -> str:
    """The page with what datalint really answers to each mistake between its markers."""
    found = re.search(r"^```yaml\n(# \.datalint/rules/(\S+)\n.*?)^```$", old, re.MULTILINE | re.DOTALL)
    assert found, "no rule in docs/rules-howto.md"
    rule, file = found.groups()
    edits = [(right, wrong) for _, right, wrong in MISTAKES]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        answers = list(pool.map(lambda edit: answer(rule, file, *edit), edits))
    rows = ["| mistake | written | datalint says |", "|---|---|---|"]
    for (name, _, wrong), said in zip(MISTAKES, answers, strict=True):
        rows.append(f"| {name} | `{cell(wrong)}` | `{cell(said)}` |")
    return between(old, "mistakes", "\n".join(rows) + "\n")


def answer(rule: str, file: str, right: str, wrong: str) -> str:
    """The first line that `datalint test` says about the rule with one edit."""
    assert right in rule, f"{right!r} is not in the rule"
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / file).write_text(rule.replace(right, wrong, 1), "utf-8")
        run = subprocess.run(
            [sys.executable, "-m", "datalint", "test", file],
            cwd=folder,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
    if run.returncode != 2:
        raise SystemExit(f"{wrong!r} gave exit code {run.returncode}, expected 2\n{run.stdout}{run.stderr}")
    return run.stderr.splitlines()[0].removeprefix("datalint: ").removeprefix("error: ")


def cell(text: str) -> str:
    """Code in a table of Markdown, where neither a line end nor a bar may stand."""
    return text.replace("\n", " ⏎ ").replace("|", r"\|")


def between(text: str, name: str, content: str) -> str:
    """The text with other content between its two markers."""
    start, end = f"<!-- {name}:start -->\n", f"<!-- {name}:end -->"
    before, _, rest = text.partition(start)
    _, _, after = rest.partition(end)
    return f"{before}{start}{content}{end}{after}"


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"}


def without_numbers(text: str) -> str:
    """Times differ from run to run, and sizes of JPEGs from one version of their encoder to the next."""
    return re.sub(r"\d+(?:[.,]\d+)*", "N", text)


def without_time(text: str) -> str:
    """A page is not new because the demo took longer."""
    return re.sub(r"\bin \d+\.\d s\b", "in N s", text)


def config_page(page: str) -> str:
    """The keys of the schema, between two marks in a page that is otherwise written by hand."""
    begin, end = (f"<!-- generated from datalint/config.schema.json: {word} -->\n" for word in ("begin", "end"))
    before, _, rest = page.partition(begin)
    return f"{before}{begin}{config.reference()}{end}{rest.partition(end)[2]}"


PAGES: Mapping[str, Callable[[str], str]] = {
    f"rules/{PREPARED}": prepared,
    "docs/rules.md": rules_page,
    "docs/targets.md": targets_page,
    "docs/tables.md": tables_page,
    "docs/rules-howto.md": howto,
    "docs/config.md": config_page,
    "README.md": readme,
}

if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
