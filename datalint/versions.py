"""Versions of what readings rest on, as they are installed, without importing any of it."""

from __future__ import annotations

from contextlib import suppress

_DISTRIBUTIONS = {
    "keras": ("keras",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-intel"),
    "jax": ("jax",),
    "compiler": ("jax-cuda12-pjrt",),
}


def installed() -> dict[str, str | None]:
    """None for one that is not there, as in an environment that is a hook's own."""
    from importlib import metadata  # 20 ms, for those alone who ask

    found: dict[str, str | None] = {}
    for name, distributions in _DISTRIBUTIONS.items():
        found[name] = None
        for distribution in distributions:
            with suppress(metadata.PackageNotFoundError):
                found[name] = metadata.version(distribution)
                break
    return found
