"""What bytes are, by their first bytes: an image format, or something that was saved in its place."""

from __future__ import annotations

_IMAGES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"GIF87a", "gif"),
    (0, b"GIF89a", "gif"),
    (8, b"WEBP", "webp"),
    (0, b"BM", "bmp"),
    (0, b"II*\0", "tiff"),
    (0, b"MM\0*", "tiff"),
    (0, b"II+\0", "tiff"),
    (0, b"MM\0+", "tiff"),
    (0, b"\0\0\1\0", "ico"),
    (0, b"\0\0\2\0", "cur"),
    (0, b"\0\0\0\x0cjP  ", "jp2"),
    (0, b"\xff\x4f\xff\x51", "jp2"),
    (0, b"icns", "icns"),
    (0, b"8BPS", "psd"),
    (0, b"qoif", "qoi"),
    (0, b"DDS ", "dds"),
    (0, b"\xff\x0a", "jxl"),
    (0, b"\0\0\0\x0cJXL ", "jxl"),
    (0, b"v/1\x01", "exr"),
    (0, b"SIMPLE  =", "fits"),
    (128, b"DICM", "dicom"),
    (4, b"\x11\xaf", "fli"),
    (4, b"\x12\xaf", "fli"),
    (0, b"\x93NUMPY", "npy"),
)
_PNM = tuple(b"P%d" % number for number in range(1, 8))
_BRANDS = {b"avif": "avif", b"avis": "avif", b"heic": "heif", b"heix": "heif", b"mif1": "heif", b"hevc": "heif"}
_OTHERS: tuple[tuple[bytes, str, str], ...] = (
    (b"version https://git-lfs.github.com/spec/v1", "lfs-pointer", "a Git LFS pointer, not the image"),
    (b"\x00\x05\x16\x07", "appledouble", "macOS AppleDouble metadata, not an image"),
    (b"\x1f\x8b", "gzip", "a gzip archive"),
    (b"PK\x03\x04", "zip", "a ZIP archive"),
    (b"Rar!", "archive", "a RAR archive"),
    (b"7z\xbc\xaf", "archive", "a 7z archive"),
    (b"%PDF", "pdf", "a PDF document"),
    (b"\x7fELF", "program", "a program"),
    (b"MZ", "program", "a program"),
)
_TEXTS: tuple[tuple[bytes, str, str], ...] = (
    (b"<!doctype html", "html", "an HTML page, perhaps an error page saved by a download"),
    (b"<html", "html", "an HTML page, perhaps an error page saved by a download"),
    (b"<head", "html", "an HTML page, perhaps an error page saved by a download"),
    (b"<svg", "svg", "an SVG drawing"),
    (b"<", "xml", "an XML document, perhaps an error answer of object storage"),
    (b"{", "json", "a JSON document, perhaps an error answer of a server"),
    (b"[", "json", "a JSON document"),
)
# What text tools make of the PNG signature, \x89PNG CR LF \x1a LF; the longer start of two goes first.
_MANGLED: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\n\x1a\n", "line ends were converted to LF: its PNG signature has lost a CR"),
    (b"\x89PNG\r\x1a\r", "line ends were converted to CR: its PNG signature has lost an LF"),
    (b"\x89PNG\r\r\n", "line ends were converted to CR LF: its PNG signature has grown"),
    (b"\x89PNG\r\n\x1a\r\n", "line ends were converted to CR LF: its PNG signature has grown"),
    (b"\x89PNG\n\n", "line ends were converted to LF: every CR of its PNG signature became LF"),
    (b"\x89PNG\r\r", "line ends were converted to CR: every LF of its PNG signature became CR"),
    (b"\x09PNG\r\n", "the eighth bit was cleared: transferred as text"),
)


def image_format(data: bytes | bytearray | memoryview) -> str | None:
    """Name of the image format, or None; raises nothing."""
    head = bytes(data[:256])
    for offset, magic, name in _IMAGES:
        if head.startswith(magic, offset) and (name != "webp" or head.startswith(b"RIFF")):
            return name
    if head[:2] in _PNM and head[2:3] in (b" ", b"\n", b"\r", b"\t", b"#"):
        return "ppm"
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12])
    return None


def other(data: bytes | bytearray | memoryview) -> tuple[str, str]:
    """Cause and words for bytes that are no known image."""
    head = bytes(data[:512])
    for magic, cause, words in _OTHERS:
        if head.startswith(magic):
            return cause, words
    if not any(head) and not any(bytes(data[:65536])):
        return "zero-filled", f"{len(data):,} bytes, all zero"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    for start, cause, words in _TEXTS:
        if text.startswith(start):
            return cause, words
    printable = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in head)
    if head and printable == len(head):
        return "text", "plain text"
    return "unknown-format", f"of no known image format, its first bytes are {head[:4].hex(' ')}"


def damaged_png(data: bytes | bytearray | memoryview) -> bool:
    """Whether a PNG header chunk follows a signature that is not PNG's."""
    return b"IHDR" in bytes(data[8:24])


def line_ends(data: bytes | bytearray | memoryview) -> str | None:
    """Words for a PNG or other image whose line ends git or an FTP client changed, else None.

    The PNG signature was made for this: it holds both kinds of line end (PNG specification, 5.2).
    """
    head = bytes(data[:12])
    return next((words for start, words in _MANGLED if head.startswith(start)), None)


def grown_line_ends(data: bytes) -> bool:
    """Whether every LF follows a CR, in numbers that binary data does not show by chance (1/256 each)."""
    feeds = data.count(b"\n")
    return feeds >= 4 and feeds == data.count(b"\r\n")
