"""From a recipe to bounds, a verdict and what would fit."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace

import pytest

from datalint import footprint
from datalint.footprint import advice
from datalint.footprint.estimate import TOTAL, Estimate, Stage, largest, table, total
from datalint.footprint.host import RESOURCE, host_memory, unpredicted
from datalint.footprint.images import Images
from datalint.footprint.pipeline import NAME, pipeline_stages
from datalint.footprint.recipe import ITEM_BYTES, Recipe
from datalint.tables import TABLES

GIB = 2**30
IMAGES = Images(train=8000, val=2000, encoded_mean=60_000, decoded_mean=250_000, decoded_max=1e6, measured=10_000)
STREAM = Recipe(loader="files", input_height=224, input_width=224, prefetch=2, parallel_calls=2)
ELEMENT = 224 * 224 * 3 * 4
ARRAY = Recipe(loader="array", array_build="preallocated", input_height=224, input_width=224)


@dataclass(frozen=True)
class Machine:
    usable: int | None = None
    cores: int | None = 2
    accelerator_memory: int | None = None
    accelerators: int | None = None
    disk: int | None = None
    shm: int | None = None


def sizes(recipe: Recipe, images: Images = IMAGES, *, cores: int = 2) -> dict[str, float]:
    return {stage.name: stage.size for stage in pipeline_stages(recipe, images, cores=cores)}


def summed(recipe: Recipe, images: Images = IMAGES, usable: int | None = None) -> Estimate:
    [found] = [row for row in host_memory(recipe, images, Machine(usable)) if row.stage == TOTAL]
    return found


def row(low: float, high: float, available: float | None) -> Estimate:
    return Estimate("host_memory", TOTAL, low, (low + high) / 2, high, "", available)


@pytest.mark.parametrize(
    ("low", "high", "available", "fit"),
    [
        (10, 95, 100, "fits"),
        (10, 95.1, 100, "tight"),
        (100, 120, 100, "tight"),
        (100.1, 120, 100, "will not fit"),
        (1, 2, None, "unknown"),
    ],
)
def test_the_verdict_changes_at_its_limits(low: float, high: float, available: float | None, fit: str) -> None:
    assert row(low, high, available).fit == fit


def test_a_total_is_the_sum_of_what_is_alive() -> None:
    parts = [replace(row(1, 3, None), stage="a"), replace(row(10, 30, None), stage="b")]
    found = total(parts, available=5)
    assert (found.low, found.expected, found.high, found.formula) == (11, 22, 33, "a + b")


@pytest.mark.parametrize("limit", [1, 2, 3, 1000, 1023, 1024, 1025])
def test_the_largest_number_that_fits_is_exact(limit: int) -> None:
    assert largest(lambda number: number <= limit) == limit


def test_nothing_and_everything_may_fit() -> None:
    assert largest(lambda _: False) == 0
    assert largest(lambda _: True) is None


def test_a_shuffle_buffer_weighs_what_it_holds() -> None:
    buffer = replace(STREAM, shuffle_buffer=1000)
    assert sizes(replace(buffer, shuffle_stage="decoded"))["shuffle decoded"] == pytest.approx(1000 * ELEMENT, rel=0.2)
    assert sizes(replace(buffer, shuffle_stage="encoded"))["shuffle encoded"] == pytest.approx(1000 * 60_000, rel=1)
    # More batches than there are: the whole training split.
    assert sizes(replace(buffer, shuffle_stage="batched"))["shuffle batches"] == pytest.approx(8000 * ELEMENT, rel=0.2)


def test_a_buffer_is_never_larger_than_the_split() -> None:
    huge = replace(STREAM, shuffle_buffer=1_000_000, shuffle_stage="decoded")
    assert sizes(huge) == sizes(replace(huge, shuffle_buffer=8000))


def test_a_cache_keeps_both_splits_and_a_decoded_buffer_shares_it() -> None:
    cached = replace(STREAM, cache="memory")
    assert sizes(cached)["cache"] == pytest.approx(10_000 * ELEMENT, rel=0.1)
    assert "cache" not in sizes(replace(STREAM, cache="disk"))
    beside = sizes(replace(cached, shuffle_buffer=1000, shuffle_stage="decoded"))
    assert beside.pop("shuffle decoded") <= 0.1 * 1000 * ELEMENT
    # Behind the buffer, batches are still made when the cache is full.
    assert sizes(cached)["prefetch"] < beside.pop("prefetch") < sizes(STREAM)["prefetch"]
    assert beside.items() <= sizes(cached).items()


def test_a_buffer_behind_a_cached_directory_holds_the_batches_of_the_cache() -> None:
    """Real runs of 1,200 JPEGs at 180 x 180: 995 MiB with both, 994 with the cache alone, 996 with the buffer alone.

    Batching behind a cache copies the images (1,460 MiB), and so does `cache().unbatch().shuffle(1000)` (1,435 MiB),
    for which the bounds of a buffer of images have room.
    """
    directory = Recipe(input_height=180, input_width=180, cache="memory", prefetch=2, shuffle_buffer=1000)
    images = Images(1200, encoded_mean=15_000, decoded_mean=120_000, decoded_max=120_000, measured=1200)
    files = replace(directory, loader="files", shuffle_stage="batched")
    for recipe, seen in (
        (directory, 995),
        (replace(directory, shuffle_buffer=None), 994),
        (replace(directory, cache="none"), 996),
        (files, 1460),
    ):
        assert summed(recipe, images).expected / 2**20 == pytest.approx(seen, rel=0.03), recipe
    rows = {row.stage: row for row in host_memory(replace(directory, shuffle_stage="decoded"), images, Machine())}
    assert rows["shuffle decoded"].low / 2**20 < 40 < 380 < rows["shuffle decoded"].high / 2**20
    alone = rows[TOTAL].expected - rows["shuffle decoded"].expected + rows["shuffle decoded"].high
    assert alone / 2**20 == pytest.approx(1435, rel=0.03)


@pytest.mark.parametrize(
    ("side", "batch", "decoded", "seen"),
    [(96, 4, 96 * 96 * 3, 859), (40, 4, 96 * 96 * 3, 581)],
)
def test_a_cached_directory_is_one_of_batches(side: int, batch: int, decoded: float, seen: int) -> None:
    """Real runs of 3,000 JPEGs: batches leave no holes of images between them, so the bounds are near."""
    recipe = Recipe(input_height=side, input_width=side, cache="memory", prefetch=2, batch=batch)
    images = Images(3000, encoded_mean=4000, decoded_mean=decoded, decoded_max=decoded, measured=3000)
    assert summed(recipe, images).expected / 2**20 == pytest.approx(seen, rel=0.03)
    rows = {row.stage: row for row in host_memory(recipe, images, Machine())}
    assert rows["cache"].high < 1.2 * 3000 * side * side * 3 * 4


def test_what_is_split_off_an_array_is_not_fed() -> None:
    """A real run of 1,200 images at 180 x 180 in float64, a fifth of them split off, took 3,369 MiB, 521 of them before
    its data: at any size the lower bound has to be below.
    """
    recipe = Recipe(loader="array", array_build="list_freed", array_scale="divide_uint8", array_split="copied")
    recipe = replace(recipe, dtype="float64", input_height=180, input_width=180)
    for times in (1, 100):
        found = summed(recipe, Images(1200 * times))
        assert found.low < 2**20 * (521 + 2848 * times) < found.expected


def test_prefetch_and_batch_are_in_flight() -> None:
    deeper = sizes(replace(STREAM, prefetch=7))["prefetch"] - sizes(STREAM)["prefetch"]
    assert deeper == pytest.approx(5 * 32 * ELEMENT, rel=0.1)
    few = replace(IMAGES, train=32, val=0)
    assert sizes(replace(STREAM, prefetch=7), few)["prefetch"] == sizes(replace(STREAM, prefetch=70), few)["prefetch"]


def test_what_is_decoded_at_once_follows_the_cores_unless_it_is_said() -> None:
    automatic = replace(STREAM, parallel_calls=None)
    assert sizes(automatic, cores=8) == sizes(replace(STREAM, parallel_calls=8))
    assert sizes(automatic, cores=8)["decode"] == pytest.approx(4 * sizes(STREAM)["decode"])


def test_autotune_is_a_range_up_to_its_budget() -> None:
    steady = replace(STREAM, prefetch=2)
    automatic = replace(STREAM, prefetch=None)
    many = replace(IMAGES, train=1_000_000)
    assert summed(automatic, many, 64 * GIB).expected == summed(steady, many, 64 * GIB).expected
    assert summed(automatic, many, 64 * GIB).high - summed(steady, many, 64 * GIB).high > 30 * GIB
    bounded = summed(replace(automatic, ram_budget=4 * GIB), many, 64 * GIB)
    assert 3 * GIB < bounded.high - summed(steady, many, 64 * GIB).high < 4 * GIB


@pytest.mark.parametrize("recipe", [ARRAY, replace(STREAM, cache="memory")])
def test_the_largest_dataset_fits_and_one_more_does_not(recipe: Recipe) -> None:
    most = summed(recipe, IMAGES, 16 * GIB).largest_n_samples
    assert most is not None
    assert summed(recipe, IMAGES.grown(most), 16 * GIB).fit == "fits"
    assert summed(recipe, IMAGES.grown(most + 1), 16 * GIB).fit != "fits"


def test_the_largest_batch_fits_and_one_more_does_not() -> None:
    most = summed(STREAM, IMAGES, 4 * GIB).largest_batch
    assert most is not None
    assert most > STREAM.batch
    assert summed(replace(STREAM, batch=most), IMAGES, 4 * GIB).fit == "fits"
    assert summed(replace(STREAM, batch=most + 1), IMAGES, 4 * GIB).fit != "fits"


def test_streams_take_a_dataset_of_any_size() -> None:
    assert summed(STREAM, IMAGES, 8 * GIB).largest_n_samples is None


def test_growing_keeps_the_shares_of_the_splits() -> None:
    grown = IMAGES.grown(100_000)
    assert (grown.train, grown.val, grown.loaded) == (80_000, 20_000, 100_000)


@pytest.mark.parametrize(
    ("recipe", "images", "word"),
    [
        (Recipe(framework="pytorch", loader="files"), IMAGES, "framework pytorch"),
        (Recipe(framework="pytorch", loader="dataloader", replicas=2), IMAGES, "2 replicas"),
        (Recipe(framework="pytorch", loader="dataloader", workers=2), Images(train=0), "no training samples"),
        (Recipe(framework="pytorch", loader="dataloader"), Images(train=10), "the size of no image"),
        (Recipe(loader="sequence", array_build="list", workers=2), IMAGES, "with worker processes"),
        (Recipe(loader="generator"), IMAGES, "loader generator"),
        (Recipe(loader="sequence"), IMAGES, "loader sequence"),
        (STREAM, Images(train=0), "no training samples"),
        (STREAM, Images(train=10), "the size of no image"),
        (Recipe(loader="array", input_height=None, input_width=None), Images(train=10), "none of their sizes"),
        (
            Recipe(loader="array", input_height=None, input_width=None),
            replace(IMAGES, sizes=2),
            "differ in size: no array",
        ),
        (
            Recipe(loader="array", input_height=None, input_width=None, batch=1),
            replace(IMAGES, sizes=2),
            "differ in size: no array",
        ),
        (
            Recipe(loader="files", input_height=None, input_width=None, batch=1),
            replace(IMAGES, sizes=2),
            "differ in size: single ones are not predicted",
        ),
    ],
)
def test_what_is_not_predicted_says_why(recipe: Recipe, images: Images, word: str) -> None:
    assert word in str(unpredicted(recipe, images))
    assert footprint.predict(recipe, images, Machine(GIB)) == []
    assert word in footprint.unpredicted((), recipe, images, Machine(GIB))[RESOURCE]


def test_an_array_of_unresized_images_is_predicted_where_they_agree() -> None:
    asis = replace(ARRAY, input_height=None, input_width=None)
    assert summed(asis, replace(IMAGES, decoded_mean=224 * 224 * 3)) == summed(ARRAY)


def test_the_table_has_a_rank_by_the_upper_bound() -> None:
    rows = host_memory(replace(STREAM, shuffle_buffer=5000, shuffle_stage="decoded"), IMAGES, Machine(GIB))
    columns = table(rows).columns
    assert set(columns) == {column.name for column in TABLES["footprint"].columns}
    ranked = dict(zip(columns["stage"], columns["rank"], strict=True))
    assert (ranked["shuffle decoded"], ranked[TOTAL]) == (1, None)
    assert columns["available"] == [GIB] * len(rows)
    assert columns["fit"] == [None] * (len(rows) - 1) + ["will not fit"]


def test_every_change_that_is_proposed_fits() -> None:
    buffer = replace(STREAM, shuffle_buffer=20_000, shuffle_stage="decoded", cache="none")
    machine = Machine(3 * GIB)
    found = list(advice.changes(buffer, IMAGES, machine))
    assert "shuffle file names before they are read" in [change.what for change in found]
    for change in found:
        assert summed(change.recipe, IMAGES, 3 * GIB).fit == "fits"
        again = summed(change.recipe, IMAGES, 3 * GIB)
        assert (again.low, again.expected, again.high) == (change.total.low, change.total.expected, change.total.high)


def test_an_array_that_does_not_fit_may_be_streamed() -> None:
    changes = [change.what for change in advice.changes(ARRAY, IMAGES.grown(100_000), Machine(8 * GIB))]
    assert any("tf.data" in change for change in changes)


def test_the_smallest_machine_is_the_one_with_the_least_memory_that_fits() -> None:
    machines = {"small": Machine(GIB // 2), "middle": Machine(4 * GIB), "large": Machine(64 * GIB), "odd": Machine()}
    assert advice.smallest(STREAM, IMAGES, machines) == "middle"
    assert advice.smallest(ARRAY, IMAGES.grown(10_000_000), machines) is None


def test_a_stage_names_its_numbers() -> None:
    stages = pipeline_stages(replace(STREAM, shuffle_buffer=1000, shuffle_stage="batched"), IMAGES, cores=2)
    assert all(isinstance(stage, Stage) and stage.formula for stage in stages)
    [buffer] = [stage for stage in stages if stage.name == "shuffle batches"]
    assert "250 batches of 32 x 602,112 B" in buffer.formula


def test_a_shuffle_buffer_of_large_pictures_takes_what_its_user_saw() -> None:
    """tensorflow#28759: 1,000 pictures of 600 x 600 x 3 in float32 take about 4.0 GiB."""
    recipe = Recipe(loader="files", input_height=600, input_width=600, shuffle_buffer=1000, prefetch=1, batch=1)
    images = Images(train=100_000, encoded_mean=1e5, decoded_mean=1.08e6, decoded_max=1.08e6, measured=1)
    assert sizes(recipe, images, cores=1)["shuffle decoded"] / 2**30 == pytest.approx(4.0, rel=0.1)


def test_a_cache_on_a_full_disk_is_no_way_out() -> None:
    recipe = Recipe(loader="files", input_height=512, input_width=512, cache="memory", prefetch=2)
    images = Images(train=600, encoded_mean=6e4, decoded_mean=2.3e5, decoded_max=2.3e5, measured=600)
    told = {}
    for disk in (GIB, 100 * GIB):
        changes = advice.changes(recipe, images, Machine(2 * GIB, disk=disk))
        told[disk] = any("cache to a file" in change.what for change in changes)
    assert told == {GIB: False, 100 * GIB: True}


def test_a_batch_that_fits_is_shared_evenly_between_replicas() -> None:
    recipe = Recipe(input_height=1024, input_width=1024, batch=126, replicas=3, prefetch=2)
    images = Images(train=600, encoded_mean=6e4, decoded_mean=2.3e5, decoded_max=2.3e5, measured=600)
    [batch] = [
        change.recipe.batch
        for change in advice.changes(recipe, images, Machine(4 * GIB))
        if change.what.startswith("a batch of ")
    ]
    assert (batch % 3, batch < 126) == (0, True)


def stays(recipe: Recipe, images: Images, *, name: str = "cache") -> float:
    """Bytes that are taken for one byte of decoded images that stay."""
    [found] = [row for row in host_memory(recipe, images, Machine()) if row.stage == name]
    element = (recipe.input_height or 0) * (recipe.input_width or 0) * 3 * ITEM_BYTES[recipe.dtype]
    return found.expected / (images.loaded * element)


def test_images_decoded_at_many_sizes_leave_holes_between_those_that_stay() -> None:
    """Real runs: 775 of 768 KiB cached, of JPEGs of 160 to 1600 pixels, took 1.16 to 1.2 times their bytes."""
    cached = replace(STREAM, input_height=256, input_width=256, cache="memory")
    same = replace(IMAGES, decoded_mean=2.4e6, decoded_max=2.4e6, sizes=1)
    many = replace(IMAGES, decoded_mean=2.4e6, decoded_max=7.2e6, sizes=9000)
    alike = replace(many, decoded_max=2.8e6)
    assert stays(cached, same) == stays(cached, alike) < 1.1 < stays(cached, many) < 1.2


def test_small_images_beside_small_ones_have_wide_bounds() -> None:
    """Real runs: one pipeline of 798 images of 192 KiB, decoded to 192 KiB, took 675 to 819 MiB in eight runs."""
    recipe = replace(STREAM, input_height=128, input_width=128, cache="memory", batch=8, prefetch=4, parallel_calls=3)
    images = Images(798, encoded_mean=12_900, decoded_mean=256 * 256 * 3, decoded_max=256 * 256 * 3, measured=798)
    rows = {row.stage: row for row in host_memory(recipe, images, Machine())}
    spread = rows["cache"].high - rows["cache"].low
    assert spread > (819 - 675) * 2**20
    uint8 = {row.stage: row for row in host_memory(replace(recipe, dtype="uint8"), images, Machine())}
    assert (uint8["cache"].high - uint8["cache"].low) * 4 < spread


def of_one_size(side: int, samples: int = 1200) -> Images:
    """JPEGs of side x side pixels."""
    values = side * side * 3
    return Images(samples, encoded_mean=12_900, decoded_mean=values, decoded_max=values, measured=samples)


@pytest.mark.parametrize(
    ("loader", "decoded", "side", "seen"),
    [
        ("files", 256, 90, (0.96, 0.97)),
        ("files", 256, 91, (1.33, 1.38)),
        ("files", 256, 96, (1.19, 1.36)),
        ("tfrecord", 256, 96, (1.13, 1.35)),
        ("files", 224, 96, (1.11, 1.15)),
        ("files", 224, 128, (0.97, 1.20)),
        ("files", 256, 128, (1.03, 1.41)),
        ("tfrecord", 256, 128, (1.36, 1.88)),
        ("tfrecord", 224, 128, (0.99, 1.57)),
    ],
)
def test_holes_of_decoded_images_are_filled_by_as_many_as_fit(
    loader: str, decoded: int, side: int, seen: tuple[float, float]
) -> None:
    """Real runs: caches of 834 or 1,200 images in float32. Two of 90 x 90 fit where one of 256 x 256 was, of 91 one."""
    recipe = replace(STREAM, loader=loader, input_height=side, input_width=side, cache="memory")
    assert seen[0] - 0.07 < stays(recipe, of_one_size(decoded)) < seen[1] + 0.07


def test_a_single_decoder_of_files_has_its_place_to_itself() -> None:
    """Real runs: images of 192 KiB, decoded to 192 KiB, took 1.03 and 1.04 for a byte; with more decoders see above."""
    recipe = replace(STREAM, input_height=128, input_width=128, cache="memory", parallel_calls=1)
    assert stays(recipe, of_one_size(256)) == pytest.approx(1.04, abs=0.02)


def test_images_of_many_sizes_fit_into_the_holes_of_others() -> None:
    """Real runs: JPEGs of 200 to 270 pixels a side, cached at 128 x 128 and 96 x 96, took 0.98 to 1.05 for a byte."""
    recipe = replace(STREAM, loader="tfrecord", input_height=128, input_width=128, cache="memory")
    same, many = of_one_size(235), replace(of_one_size(235), decoded_max=270 * 270 * 3, sizes=834)
    assert stays(recipe, many) < 1.06 < stays(recipe, same)


def test_a_shuffle_buffer_that_is_drawn_through_grows() -> None:
    """Real runs: a buffer of 500 took 1.48 times its bytes after 1,200 images. Of one that holds all, none is drawn."""
    recipe = replace(STREAM, input_height=96, input_width=96, shuffle_buffer=500, shuffle_stage="decoded")
    images = replace(IMAGES.grown(1200), train=1200, val=0, decoded_mean=2.4e6, decoded_max=7.2e6, sizes=1000)

    def grown(buffer: int) -> float:
        changed = replace(recipe, shuffle_buffer=buffer)
        return sizes(changed, images)["shuffle decoded"] / (min(buffer, 1200) * 96 * 96 * 3 * 4)

    assert grown(500) == pytest.approx(1.48, abs=0.1)
    assert grown(1200) < 1.05 < grown(1000) < grown(500)


@pytest.mark.parametrize(
    ("loader", "dtype", "side", "seen"),
    [
        ("files", "uint8", 96, 0.8),
        ("files", "uint8", 128, 0.69),
        ("files", "uint8", 160, 0.45),
        ("files", "uint8", 192, 0.34),
        ("files", "float32", 96, 0.31),
        ("files", "float32", 128, 0.28),
        ("tfrecord", "uint8", 192, 0.92),
        ("tfrecord", "float32", 96, 1.07),
    ],
)
def test_cached_images_fill_the_holes_of_files_and_not_of_records(
    loader: str, dtype: str, side: int, seen: float
) -> None:
    """Real runs: of the strings of a full buffer, 67 to 144 MiB, so much was left when the cache was full."""
    recipe = replace(STREAM, loader=loader, input_height=side, input_width=side, dtype=dtype, cache="memory")
    recipe = replace(recipe, shuffle_buffer=1000, shuffle_stage="encoded")
    images = Images(1000, encoded_mean=150_822, decoded_mean=2.4e6, decoded_max=7.2e6, measured=1000, sizes=998)
    assert sizes(recipe, images)["shuffle encoded"] / (1000 * 150_822) == pytest.approx(seen, abs=0.09)


def test_one_decoder_has_fewer_batches_in_flight_than_two() -> None:
    alone, more = sizes(replace(STREAM, parallel_calls=1)), sizes(replace(STREAM, parallel_calls=2))
    assert 1 < (more["prefetch"] - alone["prefetch"]) / (32 * ELEMENT) < 1.5
    assert sizes(replace(STREAM, parallel_calls=3))["prefetch"] == more["prefetch"]
    assert sizes(replace(STREAM, parallel_calls=None), cores=1)["prefetch"] == alone["prefetch"]


@pytest.mark.parametrize("loader", ["files", "tfrecord"])
def test_a_buffer_of_names_takes_next_to_nothing(loader: str) -> None:
    plain = replace(STREAM, loader=loader)
    named = replace(plain, shuffle_buffer=8000, shuffle_stage="names")
    assert sizes(named)["shuffle names"] == 8000 * NAME
    assert 2 * 8000 * NAME <= summed(named).high - summed(plain).high <= 2.5 * 8000 * NAME
    assert sizes(replace(named, shuffle_stage="encoded"))["shuffle encoded"] > 100 * sizes(named)["shuffle names"]


@pytest.mark.tensorflow
@pytest.mark.parametrize("labels", [False, True])
def test_tensorflow_takes_as_much_for_names_as_is_predicted(labels: bool) -> None:
    """In a fresh process: resident bytes of a full buffer of 300,000 paths, with a label or without."""
    pytest.importorskip("tensorflow")
    code = (
        "import tensorflow as tf\n"
        "def resident():\n"
        "    return int(open('/proc/self/statm').read().split()[1]) * 4096\n"
        "paths = ['/data/train/class/%09d.jpg' % number for number in range(300_000)]\n"
        f"data = tf.data.Dataset.from_tensor_slices({'(paths, [0] * len(paths))' if labels else 'paths'})\n"
        "for _ in data.take(3): pass\n"
        "before = resident()\n"
        "iterator = iter(data.shuffle(len(paths)))\n"
        "next(iterator)\n"
        "print((resident() - before) / len(paths))\n"
    )
    quiet = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, env=quiet)
    assert 0.8 * NAME < float(run.stdout) < 2.2 * NAME
