"""The public contract that rules are written against: every table and column a rule may read.

`docs/tables.md` is generated from here. Rooms to the left of the rules produce these tables; integers join
them (`file_id`, `sample_id`, `content_key`), never paths.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True)
class Column:
    """A column with its DuckDB type (VARCHAR, BIGINT, DOUBLE, BOOLEAN), unit and meaning; any may be NULL."""

    name: str
    type: str
    meaning: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    row: str
    """What one row stands for."""
    columns: tuple[Column, ...]
    user_columns: bool = False
    """Whether user columns (VARCHAR) may follow the declared ones."""

    @property
    def types(self) -> dict[str, str]:
        """DuckDB type of each declared column."""
        return {column.name: column.type for column in self.columns}


Columns = dict[str, list[object]]
"""Columnar data of one table: column name -> values; all lists have one length, in Python's own types."""


@dataclass(frozen=True, slots=True)
class Data:
    """Rows of one table. Columns that are absent are NULL; `extra` names user columns (all VARCHAR)."""

    columns: Columns
    extra: tuple[str, ...] = field(default=())

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def extended(self, rows: Iterable[Mapping[str, object]]) -> Data:
        """With more rows; columns that a row does not name are NULL."""
        more = list(rows)
        return Data(
            {name: [*column, *(row.get(name) for row in more)] for name, column in self.columns.items()}, self.extra
        )


def text(cell: object) -> str | None:
    """A cell as text; NULL stays None."""
    return None if cell is None else str(cell)


def texts(column: Sequence[object]) -> Sequence[str | None]:
    """The cells of a column as text; nearly always they are."""
    if set(map(type, column)) <= {str, type(None)}:
        return cast("Sequence[str | None]", column)
    return list(map(text, column))


def _table(
    name: str, row: str, *columns: tuple[str, str, str] | tuple[str, str, str, str], user_columns: bool = False
) -> Table:
    return Table(name, row, tuple(Column(*column) for column in columns), user_columns)


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        _table(
            "dataset",
            "dataset: always one",
            ("name", "VARCHAR", "name of the root folder or manifest"),
            (
                "format",
                "VARCHAR",
                "detected or declared: imagefolder, csv, tsv, jsonl, parquet, tfrecord, webdataset, coco, ...",
            ),
            ("task", "VARCHAR", "classification, detection or segmentation"),
            ("root", "VARCHAR", "path of the dataset root"),
            ("manifest", "VARCHAR", "path of the manifest, NULL for a folder"),
            ("source", "VARCHAR", "worktree, index or tree: where the bytes were read"),
            ("n_samples", "BIGINT", "training examples in all splits"),
            ("group_column", "VARCHAR", "column of the manifest that group_key comes from; NULL where there is none"),
            ("group_pattern", "VARCHAR", "pattern on paths that group_key comes from; NULL where there is none"),
            (
                "group_guessed",
                "BOOLEAN",
                "nobody declared that column or pattern: its name, or those of the files, led to it",
            ),
        ),
        _table(
            "samples",
            "training example",
            ("sample_id", "BIGINT", "number of the sample"),
            ("file_id", "BIGINT", "its file in `files`"),
            ("path", "VARCHAR", "path of the image"),
            ("split", "VARCHAR", "train, val, test or as named by the user; NULL where the dataset has no splits"),
            (
                "label",
                "VARCHAR",
                "class name as written; of numbers that pandas reads as one (0 and 00) the most frequent spelling",
            ),
            ("label_index", "BIGINT", "class index that the loader gives it within its split"),
            ("group_key", "VARCHAR", "patient, video, scene: what must not cross splits"),
            ("manifest", "VARCHAR", "manifest that names it, NULL for a folder"),
            ("line", "BIGINT", "line in the manifest, counted from 1"),
            ("record", "BIGINT", "record or row in its shard, counted from 0; NULL where images are files"),
            ("declared_width", "BIGINT", "width that the annotations state; NULL where they do not", "pixels"),
            ("declared_height", "BIGINT", "height that the annotations state; NULL where they do not", "pixels"),
            user_columns=True,
        ),
        _table(
            "classes",
            "class, as one loader would index it within one split",
            ("name", "VARCHAR", "class name"),
            (
                "index",
                "BIGINT",
                "index the loader gives it, from 0; of COCO the id of the category; NULL if it changes from run to run",
            ),
            ("split", "VARCHAR", "split, NULL where there are none"),
            (
                "loader",
                "VARCHAR",
                "keras, torchvision, generator (ImageDataGenerator), timm, manifest, webdataset, tfrecord, coco, yolo, "
                "voc, labelme, dota, cvat or datasets (Hugging Face): whose order this is",
            ),
            ("n_samples", "BIGINT", "samples that this loader finds in it"),
            ("directory", "VARCHAR", "source folder, NULL for a manifest"),
            ("hidden", "BOOLEAN", "the folder's name starts with a dot"),
        ),
        _table(
            "folders",
            "folder below the dataset root (ImageFolder only)",
            ("path", "VARCHAR", "path of the folder"),
            ("name", "VARCHAR", "its last part"),
            ("role", "VARCHAR", "root, split, class or nested (below a class)"),
            ("split", "VARCHAR", "split it belongs to"),
            ("named_split", "VARCHAR", "split that its name usually means, wherever it lies; NULL for none"),
            ("label", "VARCHAR", "class it belongs to"),
            ("hidden", "BOOLEAN", "its name starts with a dot"),
            ("n_files", "BIGINT", "files directly in it"),
            ("n_images", "BIGINT", "samples in it and below it"),
        ),
        _table(
            "skipped",
            "file below the dataset root that is not a sample",
            ("path", "VARCHAR", "path of the file"),
            ("suffix", "VARCHAR", "lower-case suffix with its dot"),
            ("size_bytes", "BIGINT", "size", "bytes"),
            (
                "reason",
                "VARCHAR",
                "os-junk, appledouble, hidden, ignored-suffix, outside-class, linked-folder, lfs-pointer, "
                "documentation, unlisted (no row or list of images names it), no-split (annotated, and no split names "
                "it)",
            ),
            ("split", "VARCHAR", "split it lies in"),
            ("label", "VARCHAR", "class folder it lies in"),
        ),
        _table(
            "problems",
            "defect met while the dataset was listed or its manifest read",
            (
                "kind",
                "VARCHAR",
                "missing-file, absolute-path, remote-path, backslash-path, missing-path, missing-label, "
                "missing-split, split-spelling, unread-manifest, unread-boxes, bad-row, missing-column, bad-encoding, "
                "link-loop, broken-link, unreadable-folder, not-a-file; of TFRecord no-image-feature, missing-feature "
                "(of image or label), sparse-feature (of another), feature-type, feature-length, array-size, "
                "box-lists, label-name, bad-record; of archives incomplete-sample, optional-member, split-sample, "
                "repeated-member, duplicate-key, shared-key, dotted-key, no-image-member, bad-label-member, "
                "no-label-member, unsafe-member-name, link-member, special-member, sparse-member; of DVC dvc-missing, "
                "dvc-unknown (missing, and not even the names of its files are here), dvc-beside (missing, and "
                "perhaps no data), dvc-changed, bad-dvc-file; of Hugging Face metadata-refused, metadata-lost, "
                "null-image; of Hugging Face and TFRecord label-out-of-range; of Croissant declared-file-missing, "
                "declared-content-differs, placeholder-checksum, unknown-reference; of YOLO bad-data-yaml, "
                "odd-data-yaml, missing-split-folder, missing-test-folder, shared-split-folder, bad-annotation-line, "
                "not-normalised, barely-not-normalised, duplicate-annotation, no-label-file, empty-label-file, "
                "label-without-image, unread-labels, label-cache; of Pascal VOC bad-annotation-file, "
                "missing-annotation-file, wrong-file-name, other-file-name, machine-path, zero-based-box, "
                "unlisted-category, split-list-disagrees, class-list-disagrees; of COCO truncated-json, "
                "malformed-json, missing-section, duplicate-section, repeated-key, duplicate-id, text-id, "
                "orphan-annotation, bad-entry, bad-polygon, bad-mask, bad-keypoints; of COCO and TFRecord "
                "non-finite-number",
            ),
            ("path", "VARCHAR", "path concerned, as written"),
            ("manifest", "VARCHAR", "manifest concerned"),
            ("line", "BIGINT", "line in the manifest, counted from 1"),
            ("record", "BIGINT", "record or row in a shard, counted from 0"),
            ("annotation", "VARCHAR", "id of the annotation concerned, as written"),
            ("feature", "VARCHAR", "feature of the records concerned"),
            ("detail", "VARCHAR", "what was seen, in words"),
            ("n", "BIGINT", "how many more of its kind and manifest it stands for; NULL for itself alone"),
        ),
        _table(
            "files",
            "distinct file that a sample names",
            ("file_id", "BIGINT", "number of the file"),
            ("path", "VARCHAR", "path of the file"),
            ("path_utf8", "BOOLEAN", "whether its path is UTF-8; where it is not, `path` shows such a byte as \\xNN"),
            (
                "content_id",
                "VARCHAR",
                "identity of the bytes: git's blob id, which any bytes have; DVC's hash where only its pointer is here",
            ),
            ("content_key", "BIGINT", "a number for the bytes themselves: the same for equal bytes, wherever they lie"),
            ("size_bytes", "BIGINT", "encoded size", "bytes"),
            ("suffix", "VARCHAR", "lower-case suffix with its dot"),
            (
                "format",
                "VARCHAR",
                "by content: jpeg, png, gif, bmp, webp, tiff, avif, heif, ico, ppm, ...; raw for pixels as they are",
            ),
            ("width", "BIGINT", "stored width", "pixels"),
            ("height", "BIGINT", "stored height", "pixels"),
            ("channels", "BIGINT", "channels as stored; 1 for a palette"),
            ("mode", "VARCHAR", "Pillow mode: L, RGB, RGBA, P, CMYK, I;16, ..."),
            ("bit_depth", "BIGINT", "bits per channel", "bits"),
            ("frames", "BIGINT", "frames; more than 1 is animated or multi-page"),
            ("orientation", "BIGINT", "EXIF orientation, 1 to 8; NULL where there is none"),
            ("megapixels", "DOUBLE", "width x height / 1e6", "megapixels"),
            ("decoded_bytes", "BIGINT", "width x height x channels x bytes per channel", "bytes"),
            ("progressive", "BOOLEAN", "progressive JPEG or interlaced PNG"),
            (
                "status",
                "VARCHAR",
                "strict verdict: ok, damaged, unreadable, unsupported, missing, pointer, oversized, "
                "empty, not-image, crashed, remote (a URL: nothing was fetched), "
                "raw (pixels whose shape nobody states)",
            ),
            (
                "cause",
                "VARCHAR",
                "truncated, zero-filled, bit-rot, crlf-mangled, html, json, xml, text, gzip, zip, pdf, "
                "lfs-pointer, dvc-missing, object-missing, submodule, appledouble, bad-header, bad-checksum, bomb, "
                "decoder-crash, decoder-hang, decoder-memory, "
                "permission, vanished, io-error, not-a-file, ...",
            ),
            ("detail", "VARCHAR", "what the decoder said, in words"),
            ("pillow", "BOOLEAN", "Pillow (PyTorch) decodes it; NULL where it was not tried"),
            ("tensorflow", "BOOLEAN", "tf.io.decode_image(channels=3) accepts it; NULL where it was not tried"),
            ("tensorflow_1", "BOOLEAN", "the same with channels=1 (color_mode grayscale)"),
            ("tensorflow_4", "BOOLEAN", "the same with channels=4 (color_mode rgba)"),
            (
                "tensorflow_channels",
                "BIGINT",
                "channels that it gives without being asked (channels=0); 0 where it refuses, NULL where not known",
            ),
            ("tensorflow_width", "BIGINT", "width that it gives; NULL where it refuses or is not known", "pixels"),
            ("tensorflow_height", "BIGINT", "height that it gives; NULL where it refuses or is not known", "pixels"),
            (
                "misread",
                "VARCHAR",
                "what it takes for something else without an error: palette, order, cropped, alpha; "
                "NULL where nothing is known",
            ),
            ("trailing_bytes", "BIGINT", "bytes after the end marker; harmless", "bytes"),
            (
                "metadata_bytes",
                "BIGINT",
                "bytes of a JPEG's application segments and comments (EXIF, XMP, ICC), which decode to nothing",
                "bytes",
            ),
            ("brightness", "DOUBLE", "mean luminance, 0 to 1"),
            ("contrast", "DOUBLE", "standard deviation of luminance, 0 to 0.5"),
            ("sharpness", "DOUBLE", "variance of the Laplacian at about 1/2 scale"),
            ("entropy", "DOUBLE", "of the luminance histogram, 0 to 8", "bits"),
            (
                "colour_entropy",
                "DOUBLE",
                "the largest of red, green and blue, 0 to 8; measured where `entropy` is below 1, else NULL",
                "bits",
            ),
            ("phash", "BIGINT", "perceptual hash of 63 bits; NULL of a flat picture"),
        ),
        _table(
            "annotations",
            "box, polygon or mask",
            ("annotation_id", "BIGINT", "number of the annotation"),
            ("sample_id", "BIGINT", "its sample"),
            ("written_id", "VARCHAR", "its id as the annotations write it; NULL where they have none"),
            ("kind", "VARCHAR", "box, polygon, obb (oriented box), ellipse, line, keypoints, rle or mask"),
            ("category", "VARCHAR", "class name; NULL where its id has none"),
            ("category_id", "BIGINT", "number of the class as written; NULL where classes are written by name"),
            ("x", "DOUBLE", "left, of a polygon its extent; NULL where it cannot be worked out", "pixels"),
            ("y", "DOUBLE", "top", "pixels"),
            ("width", "DOUBLE", "width; negative where it is written so", "pixels"),
            ("height", "DOUBLE", "height; negative where it is written so", "pixels"),
            ("area", "DOUBLE", "area as written", "pixels"),
            ("points", "BIGINT", "points of the polygon or line, or keypoints; NULL for a plain box"),
            ("iscrowd", "BOOLEAN", "COCO's flag"),
            ("difficult", "BOOLEAN", "Pascal VOC's flag: evaluation does not count it"),
            (
                "shape_distance",
                "DOUBLE",
                "how far an edge of the box lies from that of its polygons or mask, at the worst; NULL without both",
                "pixels",
            ),
            ("shape_area", "DOUBLE", "area of its polygons or mask; of several polygons the sum", "pixels"),
            ("normalised", "BOOLEAN", "written as fractions of the image (YOLO)"),
            (
                "fractions",
                "BOOLEAN",
                "a fraction of the image where the format has pixels: so are all boxes of its image",
            ),
            ("path", "VARCHAR", "source file"),
            ("line", "BIGINT", "line in it, counted from 1; NULL where the format has no lines"),
        ),
        _table(
            "masks",
            "segmentation mask; masks are no rows of `files`",
            ("mask_id", "BIGINT", "number of the mask"),
            ("sample_id", "BIGINT", "the sample whose image it describes; NULL where that is not there"),
            ("path", "VARCHAR", "path of the mask"),
            ("split", "VARCHAR", "split that its folder means; NULL where none does"),
            ("kind", "VARCHAR", "by its name: classes, instances (numbers of objects) or colours (for people)"),
            ("width", "BIGINT", "stored width", "pixels"),
            ("height", "BIGINT", "stored height", "pixels"),
            ("orientation", "BIGINT", "EXIF orientation, 1 to 8; NULL where there is none"),
            ("format", "VARCHAR", "by content: png, bmp, tiff, jpeg, ..."),
            ("mode", "VARCHAR", "Pillow mode: L, P (palette), RGB, I;16, ..."),
            ("channels", "BIGINT", "channels as stored; 1 for a palette"),
            ("bit_depth", "BIGINT", "bits per channel", "bits"),
            (
                "values",
                "VARCHAR",
                "the first 20 stored values, ascending: numbers (of a palette its indices), or #rrggbb",
            ),
            ("n_values", "BIGINT", "distinct values"),
            ("min_value", "BIGINT", "smallest number; NULL for colours"),
            ("max_value", "BIGINT", "largest number; NULL for colours"),
            ("class_list", "VARCHAR", "file that lists the classes; NULL where there is none"),
            ("n_classes", "BIGINT", "classes that it lists"),
            ("unknown", "VARCHAR", "the first 20 values that are no class; 255 is left out everywhere (void)"),
            ("n_unknown", "BIGINT", "how many of the first 300 values are no class; NULL without a list"),
            ("status", "VARCHAR", "as in `files`"),
            ("cause", "VARCHAR", "as in `files`"),
            ("detail", "VARCHAR", "what the decoder said, in words"),
        ),
        _table(
            "near",
            "pair of pictures that are copies of one another, though not byte by byte (docs/near-duplicates.md)",
            ("file_id", "BIGINT", "one file; of equal bytes in one split the first alone"),
            ("other_file_id", "BIGINT", "the other, whose number is larger"),
            ("distance", "BIGINT", "differing bits of the perceptual hashes, after the turn", "bits"),
            ("similarity", "DOUBLE", "verified on pixels, 0.94 to 1"),
            ("transform", "VARCHAR", "what turns the one into the other, as `rotated 90°`; NULL where they lie alike"),
            ("group_id", "BIGINT", "file that both are copies of; NULL where they are so of two different ones"),
        ),
        _table(
            "shards",
            "TFRecord, tar or Parquet file",
            ("path", "VARCHAR", "path of the shard"),
            ("split", "VARCHAR", "split it belongs to; NULL where there are none"),
            ("series", "VARCHAR", "what its name shares with the others of its set (train for train-00000-of-00010)"),
            ("number", "BIGINT", "its number in the set, from 0; NULL where its name has none"),
            ("declared_shards", "BIGINT", "shards of the set as its name states; NULL where it does not"),
            ("records", "BIGINT", "records or samples that were read in it"),
            ("declared_records", "BIGINT", "records that a description beside it states; NULL where there is none"),
            ("size_bytes", "BIGINT", "size", "bytes"),
            ("compression", "VARCHAR", "none, gzip, zlib, snappy, zstd"),
            ("status", "VARCHAR", "ok, damaged, empty, pointer, missing, unreadable or unsupported"),
            (
                "cause",
                "VARCHAR",
                "truncated, bad-length-crc, bad-data-crc, lfs-pointer, ...; of archives also bad-checksum, bad-header, "
                "bad-data, zip, html, not-a-tar, no-end-marker, members-after-end, data-after-end",
            ),
            ("detail", "VARCHAR", "what was seen, in words"),
            ("record", "BIGINT", "number of the first damaged record, from 0"),
            ("offset", "BIGINT", "where that record starts, in the bytes as they are decompressed", "bytes"),
        ),
        _table(
            "training",
            "recipe: always one",
            (
                "loader",
                "VARCHAR",
                "image_dataset_from_directory, files, array, dataloader, timm, ...",
            ),
            (
                "framework",
                "VARCHAR",
                "keras or pytorch; NULL where nobody said it and the format has trainers of its own (yolo, dota)",
            ),
            ("input_height", "BIGINT", "height fed to the model; NULL when images are not resized", "pixels"),
            ("input_width", "BIGINT", "width fed to the model; NULL when images are not resized", "pixels"),
            ("input_channels", "BIGINT", "channels that the loader converts to; NULL when it does not convert"),
            ("dtype", "VARCHAR", "uint8, float16, float32"),
            ("batch", "BIGINT", "samples per step, on all replicas together"),
            ("drop_remainder", "BOOLEAN", "an incomplete last batch is dropped"),
            ("array_build", "VARCHAR", "list, list_freed or preallocated: how images become one array"),
            (
                "array_scale",
                "VARCHAR",
                "none, in_place, divide, cast_and_divide, divide_uint8 or per_image: how its values are scaled",
            ),
            ("array_split", "VARCHAR", "none, copied or source_freed: what train_test_split leaves"),
            ("shuffle_buffer", "BIGINT", "elements of the shuffle buffer"),
            (
                "shuffle_stage",
                "VARCHAR",
                "names, encoded, decoded or batched: what such an element is; NULL where not said",
            ),
            ("cache", "VARCHAR", "none, memory or disk"),
            ("prefetch", "BIGINT", "batches; NULL for AUTOTUNE"),
            ("ram_budget", "BIGINT", "what AUTOTUNE may fill; NULL for half of the free memory", "bytes"),
            ("parallel_calls", "BIGINT", "images decoded at once; NULL for AUTOTUNE"),
            ("workers", "BIGINT", "worker processes of a DataLoader or PyDataset; NULL for none"),
            (
                "prefetch_factor",
                "BIGINT",
                "batches that a worker of a DataLoader prepares ahead; NULL for PyTorch's 2",
            ),
            ("replicas", "BIGINT", "accelerators that share one batch"),
            ("epochs", "BIGINT", "epochs"),
            ("steps_per_epoch", "BIGINT", "steps; NULL when the loader decides"),
            (
                "shuffle",
                "BOOLEAN",
                "the loader shuffles (its argument `shuffle`); NULL where not said: the loader's default",
            ),
            ("validation_split", "DOUBLE", "share that the loader splits off for validation"),
            ("monitor", "VARCHAR", "metric that EarlyStopping or ReduceLROnPlateau watches"),
            ("batch_norm", "BOOLEAN", "the model has batch normalisation; NULL when unknown"),
            (
                "model",
                "VARCHAR",
                "application of Keras, file of the model, or module:function; NULL where none is declared",
            ),
            ("optimizer", "VARCHAR", "adam, sgd, momentum, ...; NULL for the model's own, else adam"),
            ("precision", "VARCHAR", "float32, mixed_float16 or mixed_bfloat16; NULL for the model's own"),
            ("gradient_accumulation", "BIGINT", "steps whose gradients make one update"),
            ("executor", "VARCHAR", "tf-graph, xla, jax or torch; NULL where any that the framework may use"),
            ("step_seconds", "DOUBLE", "one training step on the target, input aside; NULL when unknown", "seconds"),
            ("time_limit", "BIGINT", "how long the job may last; NULL for as long as it takes", "seconds"),
            ("declared", "BOOLEAN", "the user declared a recipe; false: these are stated defaults"),
        ),
        _table(
            "target",
            "target machine: always one",
            ("name", "VARCHAR", "name of the target"),
            ("host_memory", "BIGINT", "host memory, as the system reports it or a limit allows", "bytes"),
            ("host_used", "BIGINT", "of it taken by the system and its services; NULL where not known", "bytes"),
            ("shm", "BIGINT", "size of /dev/shm", "bytes"),
            ("disk", "BIGINT", "free disk", "bytes"),
            ("cores", "BIGINT", "allowed CPU cores"),
            ("accelerator", "VARCHAR", "model name, NULL for none"),
            ("accelerator_memory", "BIGINT", "of one accelerator", "bytes"),
            ("accelerators", "BIGINT", "how many"),
            ("source", "VARCHAR", "where the figures come from"),
        ),
        _table(
            "footprint",
            "resource and stage; a resource that is not predicted has no row",
            ("resource", "VARCHAR", "host_memory, accelerator_memory, shm, disk, input_time, job_time or shuffle_fill"),
            (
                "stage",
                "VARCHAR",
                "total, or a part of it that is alive at the same time: framework, runtime, list, unscaled, cast, "
                "array, batches, split, fit, fit cast, validation, validation cast, cache, "
                "shuffle names, shuffle encoded, shuffle decoded, shuffle batches, prefetch, decode, slack; "
                "of an accelerator: "
                "context, weights, optimizer, accumulators, gradients, activations, allocator, array; of time: decode, "
                "resize, epochs",
            ),
            ("low", "DOUBLE", "lower bound"),
            ("expected", "DOUBLE", "expected value"),
            ("high", "DOUBLE", "upper bound"),
            (
                "available",
                "DOUBLE",
                "what there is of the resource: memory of the target, seconds that the model's steps last, the time "
                "limit; NULL where it is not known",
            ),
            ("fit", "VARCHAR", "fits, tight, will not fit or unknown; of the total, NULL elsewhere"),
            ("rank", "BIGINT", "1 for the largest part of its resource by the upper bound; NULL for the total"),
            ("unit", "VARCHAR", "bytes or seconds"),
            ("formula", "VARCHAR", "the arithmetic with its numbers"),
            ("largest_n_samples", "BIGINT", "largest dataset that fits; NULL where its size does not matter"),
            ("largest_batch", "BIGINT", "largest batch that fits; NULL where it does not matter"),
            (
                "change",
                "VARCHAR",
                "what to change so that it fits, with what is then expected; of a total that is tight or will not fit, "
                "NULL where nothing is known",
            ),
        ),
        _table(
            "changed",
            "path at or below the dataset root that differs from the base commit (--staged: the last one; --tree: "
            "its parent; else that of --base, and no row without it)",
            ("path", "VARCHAR", "path now, or that of the deleted file"),
            ("status", "VARCHAR", "A added, M modified, T other type, D deleted, R renamed with the same bytes"),
            ("old_path", "VARCHAR", "path before a rename"),
            ("folder", "VARCHAR", "class folder that the file lay in before the change; NULL where in none"),
            ("label", "VARCHAR", "name of that class folder"),
        ),
        _table(
            "locked",
            "file that is not what the lock file says, or that it does not know; no row without a lock file",
            ("path", "VARCHAR", "path from the configuration: that of the file now, or that of the missing file"),
            (
                "status",
                "VARCHAR",
                "changed (its content), relabelled (its split or label, also where it was moved), moved, missing, "
                "dropped (it is there, and no part of the dataset any more), added, unchecked (not compared)",
            ),
            ("old_path", "VARCHAR", "path before it was moved"),
            ("content_id", "VARCHAR", "as in `files`; NULL where it is missing or was not read"),
            ("old_content_id", "VARCHAR", "the locked one; NULL for what was added"),
            ("size_bytes", "BIGINT", "size now", "bytes"),
            ("old_size_bytes", "BIGINT", "the locked one", "bytes"),
            ("split", "VARCHAR", "split now; several where several samples name the file"),
            ("old_split", "VARCHAR", "the locked one"),
            ("label", "VARCHAR", "label now; several likewise"),
            ("old_label", "VARCHAR", "the locked one"),
            ("lock", "VARCHAR", "name of the lock file"),
        ),
        _table(
            "parts",
            "part of the data as the recipe uses it, split that it comes from, and class",
            ("part", "VARCHAR", "train, val, test or the name of another split, once validation_split is cut off"),
            ("split", "VARCHAR", "split of its samples; NULL where the dataset has no splits"),
            ("label", "VARCHAR", "class name; NULL without classes, and where chance or the user's own code decides"),
            ("n", "BIGINT", "samples; 0 too, of what validation_split cuts"),
            ("exact", "BOOLEAN", "false where the user's own code may round to one sample more or less"),
            ("cut", "BOOLEAN", "validation_split made this part"),
        ),
    )
}
