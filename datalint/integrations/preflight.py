"""The check that a training script makes before `fit`: is this the dataset that passed?"""

from __future__ import annotations

import hashlib
import io
import os
import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from datalint import progress, report
from datalint.check import check
from datalint.entry import display
from datalint.errors import DatalintError
from datalint.finding import Verdict
from datalint.report.style import Style
from datalint.report.words import count
from datalint.request import Request

if TYPE_CHECKING:
    from datalint.check import Judged
    from datalint.finding import Result

FailOn = Literal["error", "warning"]
VERSION = "datalint-1"
"""How a fingerprint begins, and what is hashed; another number for another recipe."""


@dataclass(frozen=True, slots=True)
class Passed:
    """What a dataset was that may be trained on."""

    fingerprint: str
    """Of every sample: path below the dataset, split, class, class index, bytes."""
    verdict: Verdict
    samples: int
    classes: int
    splits: int
    warnings: int


class DatasetError(DatalintError):
    """The dataset must not be trained on; the message is the report that `datalint check` would show."""

    def __init__(self, message: str, result: Result, fingerprint: str | None) -> None:
        super().__init__(message)
        self.result = result
        """Verdict, findings, what was not checked."""
        self.fingerprint = fingerprint
        """None where some image was not read."""


def preflight(
    path: str | os.PathLike[str] | None = None,
    *,
    fail_on: FailOn = "error",
    expected: str | None = None,
    target: str | None = None,
    config: str | os.PathLike[str] | None = None,
    format: str | None = None,  # noqa: A002 - the user's word
    use_cache: bool = True,
) -> Passed:
    """Judge the dataset as `datalint check PATH` does in the working directory, and return its fingerprint.

    DatasetError where an error was found, with `fail_on="warning"` a warning (here or in the configuration, whose
    `never` does not count), where anything was not checked, and where the fingerprint is not `expected`. Ignores and
    the baseline hold. UsageError and UnfinishedError where nothing could be judged: all three are DatalintError.

    The fingerprint depends on the samples alone, not on the machine, the place of the dataset or the working
    directory. Images that datalint's cache knows by size, time and inode are not read again; `use_cache=False`
    reads them all.
    """
    if fail_on not in get_args(FailOn):
        raise ValueError(f"fail_on {fail_on!r} is neither {' nor '.join(map(repr, get_args(FailOn)))}")
    request = Request(
        path=None if path is None else os.fspath(path),
        config=None if config is None else os.fspath(config),
        format=format,
        target=target,
        use_cache=use_cache,
    )
    with progress.bar("reading images") as advance:
        judged = check(request, progress=advance)
    result, found = judged.result, _fingerprint(judged)
    strict = "warning" in (fail_on, judged.fail_on)
    reasons = []
    if result.summary.errors or (strict and result.summary.warnings):
        found_there = [count(result.summary.errors, "error")] * bool(result.summary.errors)
        found_there += [count(result.summary.warnings, "warning")] * bool(strict and result.summary.warnings)
        reasons.append(" and ".join(found_there))
    if result.verdict is Verdict.UNDECIDED or result.not_checked:
        reasons.append(f"{count(len(result.not_checked), 'thing')} not checked")
    if found is None and not result.not_checked:
        reasons.append("an image that nobody read, so there is no fingerprint")
    if expected is not None and found != expected:
        reasons.append(f"another fingerprint than the expected one ({found}, expected {expected})")
    if reasons:
        raise DatasetError(_message(result, reasons), result, found)
    assert found is not None
    about = result.dataset
    return Passed(found, result.verdict, about.samples, about.classes, about.splits, result.summary.warnings)


def _message(result: Result, reasons: list[str]) -> str:
    text = io.StringIO()
    report.load("text").render(result, text, Style(color=False))
    return f"{'; '.join(reasons)}\n{text.getvalue().rstrip()}"


def _fingerprint(judged: Judged) -> str | None:
    """Of the samples in the order of their paths; None where the bytes of one are not known."""
    evidence = judged.evidence
    columns, contents = evidence.dataset.samples.columns, evidence.gathered.data.columns["content_id"]
    root = judged.workspace.root
    if evidence.dataset.manifest is not None and display(root) != (evidence.dataset.root or "."):
        # The path is that of the manifest itself, not of the folder that holds it.
        root = posixpath.dirname(root)
    prefix = "" if root in ("", ".") else root.rstrip("/") + "/"
    paths = [_below(entry.path, prefix) for entry in evidence.dataset.files]
    files: list[int] = columns["file_id"]  # type: ignore[assignment]
    splits, labels, indices = columns["split"], columns["label"], columns["label_index"]
    order = sorted(range(len(files)), key=lambda row: (paths[files[row]], str(splits[row]), str(labels[row])))
    digest = hashlib.sha256(VERSION.encode())
    for row in order:
        content = contents[files[row]]
        if content is None:
            return None
        # `ascii` quotes whatever a name may hold, and a million samples in a fraction of the time of JSON.
        sample = ascii((paths[files[row]], splits[row], labels[row], indices[row], content))
        digest.update(sample.encode("ascii") + b"\n")
    return f"{VERSION}:{digest.hexdigest()}"


def _below(path: str, prefix: str) -> str:
    if path.startswith(prefix):
        return path[len(prefix) :]
    return posixpath.relpath(path, prefix or ".")
