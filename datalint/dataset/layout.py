"""How loaders read a folder: suffixes they take, files that operating systems leave."""

from __future__ import annotations

from datalint.dataset import timm

# torchvision.datasets.folder.IMG_EXTENSIONS
TORCHVISION = frozenset({".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp"})
# keras.utils.image_dataset: ALLOWLIST_FORMATS
KERAS = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png"})
# keras.src.legacy.preprocessing.image.Iterator.white_list_formats
GENERATOR = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".ppm", ".tif", ".tiff"})
# image_dataset_from_directory, ImageFolder, ImageDataGenerator.flow_from_directory, ReaderImageFolder
LOADERS = {"keras": KERAS, "torchvision": TORCHVISION, "generator": GENERATOR, "timm": timm.SUFFIXES}
# What people take for an image, whether or not a loader does.
IMAGE_LIKE = (
    KERAS
    | TORCHVISION
    | frozenset(
        {
            ".apng", ".arw", ".avif", ".cr2", ".dcm", ".dib", ".dng", ".exr", ".hdr", ".heic", ".heif", ".icb",
            ".icns", ".ico", ".im", ".j2k", ".jfif", ".jif", ".jp2", ".jpe", ".jpx", ".jxl", ".mpo", ".nef", ".pbm",
            ".pcx", ".pic", ".pict", ".pnm", ".psd", ".raw", ".sgi", ".svg", ".tga", ".xbm", ".xpm",
        }
    )
)  # fmt: skip
# Arrays and packed files: among the images of a class somebody takes them for images, elsewhere they are data.
ARRAYS = frozenset({".gz", ".npy", ".npz"})
OS_JUNK = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".directory", "icon\r"})
OS_JUNK_FOLDERS = frozenset({"__macosx", ".spotlight-v100", ".trashes", ".fseventsd", "$recycle.bin"})


def suffix(path: str) -> str:
    """Lower-case suffix with its dot. A file that is called `.jpg` ends like an image, and loaders take it for one."""
    stem, dot, end = path.rpartition(".")
    if not dot or "/" in end:
        return ""
    ending = f".{end}".lower()
    # What stands before the dot belongs to the name unless it is a folder.
    return ending if (stem and stem[-1] != "/") or ending in IMAGE_LIKE else ""


def reader(framework: str, loader: str) -> str:
    """The folder loader of a recipe, one of LOADERS."""
    if loader == "timm":
        return "timm"
    if framework == "pytorch":
        return "torchvision"
    return "generator" if loader == "generator" else "keras"


def is_junk(path: str) -> bool:
    """What operating systems leave: `.DS_Store`, `__MACOSX/`, and `._cat.jpg` beside `cat.jpg`."""
    return skip_reason(path, in_class=False) in ("os-junk", "appledouble")


def skip_reason(path: str, *, in_class: bool) -> str:
    """Why a file below the root is not a sample, for one whose suffix the loader does not take."""
    parts = path.lower().split("/")
    if parts[-1] in OS_JUNK or any(part in OS_JUNK_FOLDERS for part in parts[:-1]):
        return "os-junk"
    if parts[-1].startswith("._"):
        return "appledouble"
    if suffix(path) in (IMAGE_LIKE | ARRAYS if in_class else IMAGE_LIKE):
        return "ignored-suffix"
    return "hidden" if parts[-1].startswith(".") else "documentation"
