"""YAML -> rows -> findings: what a rule is, how it is checked, run in a sandbox and judged."""
