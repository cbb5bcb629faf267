"""GPUs described for a compiler: their names, what they agree on with the catalogue, and what XLA makes of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec

import pytest

from datalint.target import lookup, profiles
from datalint.target.cards import card, cards

xla = pytest.mark.skipif(find_spec("jax_cuda12_plugin") is None, reason="the xla extra is not installed")


@pytest.mark.parametrize(
    ("accelerator", "name"),
    [
        ("NVIDIA T4", "NVIDIA T4"),
        ("T4", "NVIDIA T4"),
        ("Tesla T4", "NVIDIA T4"),
        ("NVIDIA A100-SXM4-40GB", "NVIDIA A100 40GB"),
        ("nvidia h100 80gb hbm3", "NVIDIA H100 80GB"),
        ("NVIDIA GeForce RTX 3090", "NVIDIA RTX 3090"),
        # A slice has fewer multiprocessors than the card; nobody has described a TPU.
        ("NVIDIA A100-SXM4-40GB MIG 3g.20gb", None),
        ("NVIDIA H100 PCIe", None),
        ("TPU v3 core", None),
        ("", None),
        (None, None),
    ],
)
def test_a_card_is_known_by_the_names_that_people_and_drivers_use(accelerator: str | None, name: str | None) -> None:
    found = card(accelerator)
    assert (found.name if found else None) == name


def test_a_card_has_the_memory_that_the_catalogue_says() -> None:
    compared = set()
    for name in profiles():
        target = lookup(name)
        found = card(target.accelerator)
        if found and target.accelerator_memory:
            assert f"device_memory_size: {target.accelerator_memory}\n" in found.description, name
            compared.add(found.name)
    assert compared == set(cards())


def test_no_name_stands_for_two_cards() -> None:
    names = [name for known, fields in cards().items() for name in (known, *fields.get("also", ()))]
    assert len(names) == len(set(names))
    assert all(fields["source"] for fields in cards().values())


TOLD = """
import json, sys
from jax.experimental import topologies
for text in json.load(sys.stdin):
    [device] = topologies.get_topology_desc("", "cuda", target_config=text, topology="1x1x1").devices
    print(json.dumps([device.device_kind, device.core_count]))
"""


@xla
@pytest.mark.xla
def test_xla_takes_every_description() -> None:
    texts = [found.description for name in cards() if (found := card(name))]
    done = subprocess.run(
        [sys.executable, "-c", TOLD],
        input=json.dumps(texts),
        env={**os.environ, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        check=True,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told == [[name, fields["cores"]] for name, fields in cards().items()]
