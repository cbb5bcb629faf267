"""Templates: how values read in a sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from datalint.rule.template import TemplateError, parse
from datalint.ruleset import builtin_rules

if TYPE_CHECKING:
    from datalint.rule.model import Rule


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("{a}", 12345, "12345"),
        ("{a:,}", 12345, "12,345"),
        ("{a}", 3.0, "3"),
        ("{a}", 0.1 + 0.2, "0.3"),
        ("{a:.1f}", 2.25, "2.2"),
        ("{a:,}", 12345.0, "12,345"),
        ("{a:,}", 1234.5, "1,234.5"),
        ("{a:,.1f}", 12345.67, "12,345.7"),
        ("{a:g}", 20.0, "20"),
        ("{a:bytes}", 1023, "1023 B"),
        ("{a:bytes}", 1024, "1.0 KiB"),
        ("{a:bytes}", 12 * 2**30, "12.0 GiB"),
        ("{a:bytes}", 2**70, "1048576.0 PiB"),
        ("{a:percent}", 0.8, "80%"),
        ("{a:percent}", 0.1234, "12.3%"),
        ("{a:percent}", 12.345, "1234%"),
        ("{a}", None, "none"),
        ("{a:bytes}", None, "none"),
        ("{a:bytes}", float("inf"), "inf"),
        ("{a:.1f} times", "inf", "inf times"),
        ("{a:duration}", "-inf", "-inf"),
        ("{a:percent}", "nan", "nan"),
        ("{a}", True, "true"),
        ("{a}", ["RGB", "L"], "RGB, L"),
        ("{{{a}}}", 1, "{1}"),
        ("{ a : .2f }", 1, "1.00"),
        ("100%", 1, "100%"),
        ("{a} {a:image is|images are} red", 1, "1 image is red"),
        ("{a} {a:image is|images are} red", 2, "2 images are red"),
        ("{a} image{a:|s}", 0, "0 images"),
        ("{a} image{a:|s}", 1.0, "1 image"),
    ],
)
def test_render(text: str, value: object, expected: str) -> None:
    assert parse(text).render({"a": value}) == expected


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("ab {", 3),
        ("}", 0),
        ("{}", 0),
        ("{0}", 0),
        ("x{a.b}", 1),
        ("{a[0]}", 0),
        ("{a!r}", 0),
        ("{a:>99999999}", 0),
        ("{a:x|y|z}", 0),
    ],
)
def test_refused(text: str, offset: int) -> None:
    with pytest.raises(TemplateError) as caught:
        parse(text)
    assert caught.value.offset == offset


NEVER_ONE = {"class-name-variants", "empty-replica-batch", "last-batch-of-one", "numeric-class-order"}
"""Rules whose query returns findings about two or more only."""


@pytest.mark.parametrize("rule", builtin_rules(), ids=lambda rule: rule.id)
def test_built_in_messages_read_well_for_one(rule: Rule) -> None:
    for template in rule.templates.values():
        text = template.render({field.name: 1 for field in template.fields})
        said = re.search(r"(?<!of )\b1 (\w+ )?(images|files|samples|classes|folders|subfolders)\b", text)
        assert not said or rule.id in NEVER_ONE, text


def test_a_text_is_no_number() -> None:
    with pytest.raises(TypeError, match="not a number"):
        parse("{a:bytes}").render({"a": "x"})
