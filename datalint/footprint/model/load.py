"""What `training.model` names -> a network: an application of Keras by name, or a file beside the configuration."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import re
import zipfile
import zlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from datalint.footprint.model.network import Call, Network, NetworkError, unfold

if TYPE_CHECKING:
    from typing import BinaryIO

FILES = (".keras", ".json")
"""Suffixes of files: the whole model, or what `model.to_json()` returned."""
MOST_BYTES = 32 << 20
"""Of an unpacked description; that of NASNetLarge has 1 MiB."""
MOST_MEMBERS = 10_000
LEAST_SIDE = {"InceptionResNetV2": 75, "InceptionV3": 75, "Xception": 71}
"""Pixels: `min_size` in keras.applications 3.15, where it is not 32."""
_CONFIG = "config.json"
_FOLDER = Path(__file__).with_name("applications")


@cache
def applications() -> tuple[str, ...]:
    """Names that Keras gives them."""
    return tuple(sorted(path.name.removesuffix(".json.gz") for path in _FOLDER.glob("*.json.gz")))


def named(written: str) -> str | None:
    """The application that is meant: `resnet50` and `EfficientNet-B0` are understood; None without any."""
    return next((name for name in applications() if _bare(name) == _bare(written)), None)


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


@cache
def application(name: str) -> Network:
    """As Keras builds it by default, with its top of 1,000 classes."""
    told = json.loads(gzip.decompress((_FOLDER / f"{name}.json.gz").read_bytes()))
    calls = (Call(kind, config, tuple(inputs), weights) for kind, config, inputs, weights in told["calls"])
    outputs = (len(told["calls"]) - 1,)
    least = LEAST_SIDE.get(name, 32)
    return Network(told["name"], tuple(calls), outputs, fixed=False, least=least, identity=f"application {name}")


def read(content: bytes | BinaryIO, *, name: str) -> Network:
    """The network in a file of one of FILES; its weights are not read, and NetworkError says what is wrong with it."""
    text = description(content, name=name)
    try:
        return replace(unfold(json.loads(text)), identity=f"description {hashlib.sha256(text).hexdigest()}")
    except RecursionError:
        raise NetworkError("its description is nested too deep") from None
    except NetworkError:
        raise
    except (ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
        raise NetworkError(f"its description is not what Keras writes: {error}") from None


def description(content: bytes | BinaryIO, *, name: str) -> bytes:
    """What such a file says of the model, as Keras wrote it."""
    file = io.BytesIO(content) if isinstance(content, bytes) else content
    text = _member(file) if name.lower().endswith(".keras") else file.read(MOST_BYTES + 1)
    if len(text) > MOST_BYTES:
        raise NetworkError(f"its description is larger than {MOST_BYTES >> 20} MiB")
    return text


def _member(file: BinaryIO) -> bytes:
    """`config.json` out of the zip; never more than is believed, whatever the zip's directory says of its size."""
    try:
        with zipfile.ZipFile(file) as archive:
            if len(archive.infolist()) > MOST_MEMBERS:
                raise NetworkError(f"a zip of more than {MOST_MEMBERS:,} members")
            with archive.open(_CONFIG) as member:
                return member.read(MOST_BYTES + 1)
    except KeyError:
        raise NetworkError(f"there is no {_CONFIG} in it: it is no .keras file") from None
    except NetworkError:
        raise
    except zipfile.BadZipFile as error:
        raise NetworkError(f"it is no .keras file: {error}") from None
    except (zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError) as error:
        raise NetworkError(f"a damaged .keras file: {error}") from None
