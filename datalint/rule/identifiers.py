"""Names of tables and columns, as DuckDB compares them."""

from __future__ import annotations


def folded(name: str) -> str:
    """Letters of ASCII in lower case, no others: `É` and `é` are two names, and the Kelvin sign is no `k`."""
    return name.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")
