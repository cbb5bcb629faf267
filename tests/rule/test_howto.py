"""What docs/rules-howto.md says about SQL and about templates is what happens."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

import pytest

from datalint.errors import UsageError
from datalint.rule.engine import RuleEngine
from datalint.rule.load import load_rule
from datalint.rule.template import parse
from datalint.tables import Data
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (ROOT / "docs/rules-howto.md").read_text("utf-8")
FORMATS = re.findall(r"^\| `(\{.*?\})` \| ([\d.]+) \| (.+?) \|$", PAGE, re.MULTILINE)
TABLES = {
    "samples": Data({"file_id": [1, 1, 2], "path": ["a", "a", "b"], "split": ["train", "val", None]}),
    "files": Data({"file_id": [1, 2], "path": ["a", "b"]}),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[RuleEngine]:
    with RuleEngine(threads=1) as engine:
        yield engine


def test_what_the_page_says_may_be_left_out_and_nothing_else() -> None:
    [told] = re.findall(r"^- (.*?) may be left out; everything else may not", PAGE, re.MULTILINE)
    rule = re.search(r"```yaml\n(# \.datalint/rules/site-imbalance\.yaml\n.*?)```", PAGE, re.DOTALL)
    assert rule
    keys = re.split(r"^(?=\w+:)", rule[1].replace("$min_per_site", "1"), flags=re.MULTILINE)[1:]
    # Without params, nothing may name its parameter.
    whole = [key.replace(" (limit {min_per_site})", "").split("  - name: one below")[0] for key in keys]
    optional = set()
    for name in {key.partition(":")[0] for key in whole}:
        text = "".join(key for key in whole if not key.startswith(f"{name}:"))
        try:
            load_rule(text, "site-imbalance.yaml", builtin=False)
            optional.add(name)
        except UsageError:
            continue
    assert optional == set(re.findall(r"`(\w+)`", told))


def test_the_page_has_a_table_of_formats() -> None:
    assert len(FORMATS) >= 7


@pytest.mark.parametrize(("template", "value", "reads"), FORMATS)
def test_every_format_reads_as_the_page_says(template: str, value: str, reads: str) -> None:
    fields = parse(template.replace("\\|", "|"))
    assert fields.render({field.name: float(value) for field in fields.fields}) == reads


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select count(*) from samples where split <> 'train'", "1"),
        ("select count(*) from samples where split is distinct from 'train'", "2"),
        ("select count(*) from files where 'test' not in (select split from samples)", "0"),
        ("select count(*) from files where not exists (from samples where split = 'test')", "2"),
        ("select max(path) from samples where split = 'test'", ""),
        ("select max(path) from samples where split = 'test' having count(*) > 0", None),
        ("select count(*) from samples s join files f using (file_id)", "3"),
        ("select 7 / 2", "3.5"),
        ("select 7 // 2", "3"),
        ("select path from samples qualify count(*) over (partition by file_id) = 1", "b"),
    ],
)
def test_sql_bites_as_the_page_says(engine: RuleEngine, sql: str, expected: str | None) -> None:
    out = io.BytesIO()
    engine.export(TABLES, sql, format="csv", file=None, out=out)
    assert out.getvalue().decode().splitlines()[1:] == ([] if expected is None else [expected])
