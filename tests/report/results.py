"""Results that every format is shown with: one of today, and the same dataset compared with a commit."""

from __future__ import annotations

from dataclasses import replace

from datalint.finding import (
    DatasetInfo,
    Family,
    Finding,
    NotChecked,
    ResourceChange,
    Result,
    RuleInfo,
    SampleChange,
    Severity,
    Since,
    Summary,
    Verdict,
    fingerprint,
)

GIB = 1024**3


def finding(rule: str, path: str | None, message: str, **more: object) -> Finding:
    found = Finding(
        rule=rule,
        severity=Severity.ERROR,
        family=Family.BAD_FILE,
        path=path,
        message=message,
        remedy=f"mend {rule}",
        fingerprint=fingerprint(rule, {"path": path}),
        values={"path": path},
    )
    return replace(found, **more)  # type: ignore[arg-type]


_MISSING = finding("missing-file", "labels.csv", "a.jpg is not there", line=7)
_SKEW = finding("class-skew", None, "'rose' has 2 samples (limit 20x)", severity=Severity.WARNING, family=Family.MISLED)

RESULT = Result(
    verdict=Verdict.UNTRAINABLE,
    dataset=DatasetInfo("flowers", "imagefolder", "images/flowers", 4317, 5, 2),
    target="local",
    summary=Summary(13, 1, 1, 2, 3, 4317, 4290, 1.84),
    findings=[
        *(finding("truncated-image", f"train/tulip/{n}.jpg", f"train/tulip/{n}.jpg ends early") for n in range(12)),
        _MISSING,
        _SKEW,
        finding("path-not-portable", "train/a\nb.jpg", "odd name", severity=Severity.INFO, other_path="train/a b.jpg"),
    ],
    not_checked=[NotChecked("train/x.jpg", "its content was not fetched")],
    notes=["format imagefolder was detected"],
    rules=[
        RuleInfo(
            "class-skew",
            "Classes differ much in size",
            Severity.WARNING,
            Family.MISLED,
            ("classes",),
            "A model learns the *largest* class.\nIt looks good and is not.\n\nWeigh the loss.",
        ),
        RuleInfo("truncated-image", "Image ends early", Severity.ERROR, Family.BAD_FILE, ("files",), "It stops there."),
    ],
)

SINCE = replace(
    RESULT,
    summary=Summary(1, 1, 0, 0, 0, 4317, 4290, 1.84),
    findings=[RESULT.findings[0], _SKEW],
    not_checked=[],
    since=Since(
        base="origin/main",
        commit="1b4f4a6d5e9c1b4f4a6d5e9c1b4f4a6d5e9c1b4f",
        old=[
            _MISSING,
            replace(_MISSING, line=8, message="b.jpg is not there"),
            replace(_SKEW, message="'lily' has 3 samples (limit 20x)", fingerprint=fingerprint("class-skew", {"l": 1})),
        ],
        mended=[finding("truncated-image", "train/tulip/99.jpg", "train/tulip/99.jpg ends early")],
        samples=[
            SampleChange("train", "rose", added=120, removed=2, renamed=1, relabelled=3, changed=4),
            SampleChange("val", "tulip", removed=40),
            SampleChange("val", "rose"),
        ],
        footprint=[
            ResourceChange("host_memory", "bytes", 9.8 * GIB, 39.0 * GIB, 31.0 * GIB, 12000),
            ResourceChange("accelerator_memory", "bytes", 2.0 * GIB, 2.0 * GIB, 15.0 * GIB, None),
            ResourceChange("time", "seconds", None, 95.0, None, None),
        ],
    ),
)
