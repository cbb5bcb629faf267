"""The rule file that `datalint new-rule` writes: one that works, with a test of each kind."""

from __future__ import annotations

import re

CUSTOM_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*/[a-z0-9]+(?:-[a-z0-9]+)*")

_TEXT = """\
id: {id}
title: Image is smaller than our backbone's input
severity: warning             # error | warning | info; a returned column `severity` overrides it
family: misled                # killed | bad-file | mismatch | stopped | starved | misled

params:                       # written $side in the query, {{side}} in the message
  side: {{type: integer, default: 32, min: 1, doc: shortest side in pixels}}

docs: |
  Why this harms a training run, for whoever meets the finding. A picture that is scaled up has no detail that the
  network could learn.

message: "{{path}} is {{width}} x {{height}} pixels (limit {{side}})"
remedy: "Leave it out, or train at a smaller size."
key: [path]                   # columns that make it the same finding tomorrow

# Each row that the query returns is one finding. `datalint facts` shows the tables; docs/tables.md lists them.
sql: |
  select path, width, height
  from files
  where status = 'ok' and least(width, height) < $side
  order by path

tests:                        # columns that are not given are NULL
  - name: at the limit is silent
    given:
      files: [{{path: a.png, status: ok, width: 32, height: 40}}]
    expect: []
  - name: one pixel less is told
    given:
      files: [{{path: a.png, status: ok, width: 31, height: 40}}]
    expect:
      - {{path: a.png, message: "a.png is 31 x 40 pixels (limit 32)"}}
"""


def text_of(name: str) -> str:
    """The file's text for the rule `namespace/name`."""
    return _TEXT.format(id=name)
