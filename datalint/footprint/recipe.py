"""How somebody trains: frozen values, with the defaults of Keras' image_dataset_from_directory."""

from __future__ import annotations

from dataclasses import dataclass, replace

from datalint.tables import TABLES, Data

ITEM_BYTES = {"uint8": 1, "float16": 2, "float32": 4, "float64": 8}
"""Bytes of one channel value."""

LOADERS = (
    "image_dataset_from_directory",
    "files",
    "tfrecord",
    "array",
    "from_tensor_slices",
    "sequence",
    "generator",
    "dataloader",
    "timm",
)
"""How images reach the model."""
STREAMS = ("image_dataset_from_directory", "files", "tfrecord")
"""Loaders that are tf.data pipelines over files."""
TORCH = ("dataloader", "timm")
"""Loaders that are a DataLoader of PyTorch; `timm` lists class folders in its own way."""
WORKED = ("sequence", "generator", *TORCH)
"""Loaders that may have worker processes."""
ARRAYS = ("array", "from_tensor_slices", "sequence")
"""Loaders that may hold the whole dataset in one array; a `sequence` does where `array_build` is said."""

OWN_TRAINER = ("yolo", "dota")
"""Formats that trainers of their own read, Ultralytics and MMRotate, with OpenCV or Pillow: Keras is not assumed."""

_READ_BY = {"tfrecord": "tfrecord", "webdataset": "dataloader", "hf-parquet": "dataloader"}
"""Formats without image files -> the loader that reads them: webdataset and Hugging Face's datasets feed a DataLoader,
and decode with Pillow."""
_UNSHUFFLED = ("files", "tfrecord", "from_tensor_slices")
"""Loaders without an argument `shuffle`."""
PREFETCH_FACTOR = 2
"""Batches that each worker of a DataLoader prepares ahead unless `prefetch_factor` says otherwise (PyTorch 2.13)."""
_FILED = ("names", "encoded")
"""Stages of a shuffle that come before images are decoded."""
_SHUFFLE_STAGE = {"image_dataset_from_directory": "batched", "files": "decoded", "tfrecord": "encoded"}


@dataclass(frozen=True, slots=True)
class Recipe:
    """The columns of table `training`; None where nobody said it."""

    loader: str = "image_dataset_from_directory"
    framework: str = "keras"
    input_height: int | None = 256
    input_width: int | None = 256
    input_channels: int | None = 3
    dtype: str = "float32"
    batch: int = 32
    drop_remainder: bool = False
    array_build: str | None = None
    array_scale: str = "none"
    array_split: str = "none"
    shuffle: bool | None = None
    """The loader's own argument; None for its default."""
    shuffle_buffer: int | None = None
    shuffle_stage: str | None = None
    cache: str = "none"
    prefetch: int | None = None
    """Batches; None for AUTOTUNE."""
    ram_budget: int | None = None
    """Bytes that AUTOTUNE may fill; None for TensorFlow's own half of the free memory."""
    parallel_calls: int | None = None
    """Elements decoded at once; None for AUTOTUNE, which uses every core."""
    workers: int | None = None
    """Worker processes of a DataLoader or a PyDataset; None for none."""
    prefetch_factor: int | None = None
    """Batches that each worker of a DataLoader prepares ahead; None for PyTorch's own."""
    replicas: int = 1
    """Accelerators that share one batch: each takes batch / replicas."""
    epochs: int | None = None
    steps_per_epoch: int | None = None
    validation_split: float | None = None
    monitor: str | None = None
    batch_norm: bool | None = None
    model: str | None = None
    """An application of Keras by name, a file with a model's description, or `module:function`."""
    optimizer: str | None = None
    precision: str | None = None
    gradient_accumulation: int | None = None
    """Steps whose gradients are summed up before one update; `batch` is that of one step."""
    executor: str | None = None
    step_seconds: float | None = None
    """Of one training step on the target, input aside."""
    time_limit: int | None = None
    """Seconds that the job may last."""
    declared: bool = False

    def row(self) -> Data:
        """The one row of table `training`."""
        return Data({column.name: [getattr(self, column.name)] for column in TABLES["training"].columns})

    @property
    def build(self) -> str | None:
        """How the array comes to be; None where there is no array."""
        return self.array_build or ("list" if self.loader in ARRAYS[:2] else None)

    @property
    def stage(self) -> str:
        """What the shuffle buffer holds: `names`, `encoded`, `decoded` or `batched`."""
        return self.shuffle_stage or _SHUFFLE_STAGE.get(self.loader, "decoded")

    @property
    def cached_in_batches(self) -> bool:
        """Whether `cache()` holds whole batches: the loader makes them, unless it is asked for single images.

        Single images it is asked for (`batch_size=None`) where they are shuffled, or where `batch` drops the remainder.
        """
        single = self.drop_remainder or (self.shuffle_buffer is not None and self.stage == "decoded")
        return self.loader == "image_dataset_from_directory" and not single

    @property
    def ahead(self) -> int:
        """Batches that all workers of a DataLoader together prepare ahead."""
        return (self.workers or 0) * (self.prefetch_factor or PREFETCH_FACTOR)

    @property
    def share(self) -> int:
        """Samples of a batch that one replica takes at most."""
        return -(-self.batch // self.replicas)


def contradiction(recipe: Recipe) -> tuple[str, str] | None:
    """The key that cannot be, and why; None for a recipe that somebody could run."""
    if recipe.array_scale == "divide_uint8" and recipe.dtype != "float64":
        return "array_scale", f"`X / 255.0` on uint8 makes float64, not {recipe.dtype}: say `dtype: float64`"
    if recipe.array_scale != "none" and recipe.dtype == "uint8":
        return "array_scale", "uint8 cannot hold values between 0 and 1: say `dtype: float32`"
    if recipe.loader not in ARRAYS:
        for key in ("array_build", "array_scale", "array_split"):
            if getattr(recipe, key) != getattr(_DEFAULT, key):
                return key, f"the loader {recipe.loader!r} builds no array"
    if recipe.loader == "image_dataset_from_directory":
        # Keras 3.15 raises ValueError for an `image_size` that is no pair of numbers, and knows three color modes.
        kept = "say `loader: files` where they are kept"
        if recipe.input_height is None or recipe.input_width is None:
            return "image_size", f"image_dataset_from_directory resizes all images: say their size, or {kept}"
        if recipe.input_channels is None:
            return "channels", f"image_dataset_from_directory converts all images: say 1, 3 or 4, or {kept}"
    if recipe.loader == "image_dataset_from_directory" and recipe.shuffle_stage in _FILED:
        words = f"what follows it cannot be {recipe.shuffle_stage}"
        return "shuffle_stage", f"image_dataset_from_directory gives batches: {words}"
    if recipe.shuffle_stage in _FILED and recipe.loader in ARRAYS:
        return "shuffle_stage", f"the loader {recipe.loader!r} has no files to shuffle: no names, nothing encoded"
    if recipe.loader == "array" and recipe.shuffle_buffer is not None:
        return "shuffle_buffer", "`fit` on an array shuffles indices and has no buffer"
    if recipe.shuffle is not None and recipe.loader in _UNSHUFFLED:
        return "shuffle", f"the loader {recipe.loader!r} has a buffer or none: say `shuffle_buffer`"
    if recipe.shuffle_stage is not None and recipe.shuffle_buffer is None:
        return "shuffle_stage", "there is no shuffle buffer: say `shuffle_buffer`"
    if recipe.cache != "none" and recipe.loader not in STREAMS:
        return "cache", f"the loader {recipe.loader!r} has no tf.data pipeline over files to cache"
    if recipe.ram_budget is not None and recipe.prefetch is not None:
        return "ram_budget", "a fixed prefetch is not tuned: `ram_budget` belongs to AUTOTUNE"
    if recipe.workers and recipe.loader not in WORKED:
        how = "a tf.data pipeline decodes in threads" if recipe.loader in STREAMS else "it feeds from one array"
        return "workers", f"the loader {recipe.loader!r} has no worker processes: {how}"
    if recipe.prefetch_factor is not None and recipe.loader not in TORCH:
        return "prefetch_factor", f"it belongs to a DataLoader of PyTorch, and the loader is {recipe.loader!r}"
    if recipe.prefetch_factor is not None and not recipe.workers:
        return "prefetch_factor", "without `workers` nothing is prepared ahead, and PyTorch raises ValueError"
    if recipe.replicas < 1:
        return "replicas", "a batch is shared between 1 or more accelerators"
    if recipe.loader == "timm" and recipe.framework != "pytorch":
        return "loader", "timm trains with PyTorch: say `framework: pytorch`, or leave it out"
    if recipe.executor not in (None, "torch") and recipe.framework == "pytorch":
        return "executor", f"PyTorch does not run under {recipe.executor!r}: say `executor: torch`"
    if recipe.executor == "torch" and recipe.framework == "keras":
        return "executor", "Keras on PyTorch is not predicted; `executor: torch` goes with `framework: pytorch`"
    return None


def for_format(recipe: Recipe, format: str, *, keras: bool = False) -> Recipe:  # noqa: A002 - the user's word
    """The same for a dataset of that format, of which a folder loader finds nothing, whoever said it or nobody.

    `keras` says that somebody named that framework: what only a DataLoader reads then comes through a generator.
    """
    loader = _READ_BY.get(format)
    if loader is None or recipe.framework != "keras" or recipe.loader != "image_dataset_from_directory":
        return recipe
    ways = [(loader, "keras")]
    if loader in TORCH:
        ways = [*([] if keras else [(loader, "pytorch")]), ("generator", "keras")]
    changed = (replace(recipe, loader=loader, framework=framework) for loader, framework in ways)
    # An executor of Keras, say, belongs to no DataLoader.
    return next((way for way in changed if contradiction(way) is None), recipe)


_DEFAULT = Recipe()
