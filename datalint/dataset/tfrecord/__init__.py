"""TFRecord: shards of tf.train.Example or SequenceExample, those of TFDS among them, read without TensorFlow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from datalint.dataset.keys import check_splits
from datalint.dataset.listing import listing
from datalint.dataset.model import Dataset, Rows, name_of, odd_entries
from datalint.dataset.tfrecord import shards
from datalint.entry import display

if TYPE_CHECKING:
    from collections.abc import Mapping

    from datalint.dataset.listing import Listing
    from datalint.dataset.options import Options
    from datalint.dataset.tfrecord.plan import Plan
    from datalint.dataset.tfrecord.tables import Read
    from datalint.dataset.tfrecord.tfds import Description
    from datalint.source import Source


def recognise(listing: Listing) -> str | None:
    """The first shard, where no images lie beside it."""
    if listing.has_images:
        return None
    return next((path for path in listing.files if shards.is_shard(listing, path)), None)


def read(source: Source, root: str, options: Options) -> Dataset:
    """Raises UsageError for a declared feature or split that is not there, UnfinishedError without CRC32C in C."""
    # Here, so that a dataset of another format imports none of it.
    from datalint.dataset.tfrecord import choose, oddities, reading, tables

    below = listing(source, root)
    # Where a feature names the split, `splits` is about its values.
    found, described = shards.find(below, None if "split" in options.columns else options.splits)
    problems, skipped, rows = Rows("problems"), Rows("skipped"), Rows("shards")
    odd_entries([shard.entry for shard in found if shard.entry is not None], problems)
    opened = [(shard, reading.open_shard(source, shard)) for shard in found]
    heads = list(reading.heads([place for _, place in opened if isinstance(place, reading.Place)]))
    plan, words = choose.choose(heads, options.columns, described, display(root))
    read_: list[Read] = []
    for shard, place in opened:
        index: object = place
        if isinstance(place, reading.Place):
            index = reading.read_shard(shard, place, plan, options.memory)
            if not isinstance(index, reading.Refusal):
                read_.append(tables.Read(shard, place, index))
        rows.add(**tables.shard_row(shard, index))
        if isinstance(index, reading.Refusal) and index.status == "pointer":
            skipped.add(path=display(shard.full), suffix="", reason="lfs-pointer")
    names = _class_names(read_, plan, described)
    box_names = _box_names(below, plan, described)
    samples = tables.Samples(plan, names, box_names, _is_described(plan, described), options.splits or {})
    for each in read_:
        samples.add(each)
    if "split" in options.columns and samples.met:
        check_splits(options.splits, samples.met, samples.met, "record whose split is")
    for row in (*oddities.problems(read_, plan), *oddities.names(read_, box_names)):
        problems.add(**row)
    if heads and plan.image is None:
        problems.add(kind="no-image-feature", path=display(root), detail=choose.names(heads))
        words = ()
    detection = plan.boxes is not None and plan.label is None
    return Dataset(
        name=name_of(root, source.base),
        format="tfrecord",
        root=display(root),
        manifest=None,
        files=samples.files,
        classes=(tables.categories(samples) if detection else tables.classes(samples)).data(),
        samples=samples.data(),
        folders=Rows("folders").data(),
        skipped=skipped.data(),
        problems=problems.data(),
        annotations=samples.annotations.data(),
        shards=rows.data(),
        task="detection" if detection else "classification",
        assumptions=words,
        group_column=options.columns.get("group"),
    )


def _is_described(plan: Plan, described: Description | None) -> bool:
    """Whether TFDS names the classes of the label, or else of the boxes."""
    from datalint.dataset.tfrecord.plan import shown

    feature = plan.label or (plan.boxes and plan.boxes.label)
    return described is not None and bool(feature) and shown(feature or b"") in described.classes


def _class_names(read_: list[Read], plan: Plan, described: Description | None) -> Mapping[int | str, str]:
    """Label -> name: described by TFDS, else where one text stands beside each number and no other."""
    from datalint.dataset.tfrecord.plan import shown

    if described is not None and plan.label is not None and shown(plan.label) in described.classes:
        return dict(enumerate(described.classes[shown(plan.label)]))
    beside: dict[int | str, set[str]] = {}
    for each in read_:
        for label, text, _ in each.index.texts:
            beside.setdefault(label, set()).add(text)
    named = {label: next(iter(texts)) for label, texts in beside.items() if len(texts) == 1}
    return named if len(named) == len(beside) == len(set(named.values())) else {}


def _box_names(below: Listing, plan: Plan, described: Description | None) -> Mapping[int, str]:
    """Number of a category -> name: described by TFDS, else by label_map.pbtxt."""
    from datalint.dataset.tfrecord import labelmap
    from datalint.dataset.tfrecord.plan import shown

    if plan.boxes is None:
        return {}
    if described is not None and plan.boxes.label is not None and shown(plan.boxes.label) in described.classes:
        return dict(enumerate(described.classes[shown(plan.boxes.label)]))
    return labelmap.read(below)
