"""The queries that ship with datalint, and the process that asks them: it starts while all else is imported."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from datalint.rule.engine import RuleEngine
from datalint.rule.prepared import Known

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from datalint.request import Request

_HERE = Path(__file__).parent
# A wheel carries the rules inside the package; an editable install finds them in the checkout.
BUILTIN_RULES = next(folder for folder in (_HERE / "rules", _HERE.parent / "rules") if folder.is_dir())
PREPARED = "prepared.json"


def known_queries() -> Known:
    """What DuckDB would say of the rules that ship; `make docs` writes it, and what is stale there is asked again."""
    return Known((BUILTIN_RULES / PREPARED).read_text("utf-8"))


def rule_engine(request: Request, running: RuleEngine | None = None) -> AbstractContextManager[RuleEngine]:
    """For a `with` block around all that is judged of a request; one that runs already goes on to after it."""
    if running is not None:
        return nullcontext(running)
    return RuleEngine(timeout=request.rule_timeout, known=known_queries())
