"""What a file is by its first bytes, whatever its name says; and a path as an open picture file."""

import io
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

HEAD_BYTES = 512
MAX_FILE_BYTES = 1 << 29  # some decoders take the whole file into memory; TIFF is read in pieces
REMEDY = "replace it, convert it to 8-bit RGB (PNG or JPEG), or leave it out"
AGAIN = "download or copy it again, or leave it out"
CUT_SHORT = r"truncat|cut short|end of file|EOF|not enough image data"  # in what decoders say of such files
DOWNLOAD = "the download went wrong: fetch the picture itself, or leave it out"

FORMATS = {
    rb"\xff\xd8\xff": "JPEG",
    rb"\x89PNG\r\n\x1a\n": "PNG",
    rb"II[\x2a\x2b]\x00|MM\x00[\x2a\x2b]": "TIFF",
    rb"GIF8[79]a": "GIF",
    rb"BM": "BMP",
    rb"RIFF....WEBP": "WEBP",
    rb"\x00\x00\x00\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51": "JPEG2000",
}
# The usual endings of each format's file names; an MPO of a drone is a JPEG.
SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jfif", ".mpo"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "JPEG2000": (".jp2", ".j2k"),
}
IMAGE_SUFFIXES = frozenset(suffix for suffixes in SUFFIXES.values() for suffix in suffixes)
# Taken off by themselves: as the beginning of a longer pattern many would be tried in exponentially many ways, and
# possessive quantifiers, which would prevent that, match wrongly before Python 3.11.5.
COMMENTS = re.compile(rb"(?:\s*<!--.*?-->)*", re.DOTALL)
HTML = rb"\s*(?:<!doctype html|<html|<head|<body)"
# What lies about under a picture's name, and what to do then; the first that matches.
DISGUISES = [
    (rb"\x00*\Z", "only zero bytes", DOWNLOAD),
    (rb"\s*version https://git-lfs", "a Git LFS pointer", "run `git lfs pull` where it comes from"),
    (HTML, "an HTML page", DOWNLOAD),
    (rb".*<svg\b", "an SVG drawing", "save it as PNG"),
    (rb"\s*<\?xml", "an XML file", "read annotations with read_captions; name the picture here"),
    (rb"PK(\x03\x04|\x05\x06)", "a zip archive", "unpack it"),
    (rb"\x1f\x8b|BZh\d|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd", "a compressed file", "unpack it"),
    (rb".{257}ustar", "a tar archive", "read a WebDataset shard with read_captions, or unpack it"),
    (rb"PAR1", "a parquet file", "read it with read_captions"),
    (rb"%PDF", "a PDF document", "save its picture as PNG or JPEG"),
    (rb"%!PS|\xc5\xd0\xd3\xc6", "a PostScript drawing", "save it as PNG"),
    (rb"....ftyp(avif|avis)", "an AVIF picture", "save it as PNG"),
    (rb"....ftyp(heic|heix|mif1|msf1)", "a HEIC picture, as phones take them", "save it as PNG"),
    (rb"....ftyp|RIFF....AVI |\x1a\x45\xdf\xa3", "a video", "save its frames as pictures"),
    (rb"\x89HDF|CDF[\x01\x02\x05]", "an HDF5 or NetCDF file", "save the bands wanted as GeoTIFF"),
    (rb"NITF|EHFA_HEADER_TAG", "a raster of another kind", "convert it with gdal_translate to GeoTIFF"),
    (rb"\x93NUMPY", "a numpy array", "save it as a picture; open_image takes uint8 arrays themselves"),
    (rb"8BPS", "a Photoshop document", "save it as PNG or JPEG"),
    (rb"\s*[\[{]", "JSON text", DOWNLOAD),
]


class ImageError(ValueError):
    """A picture that cannot be used; the message names the file, the cause and the remedy."""


def format_of(head: bytes) -> str | None:
    """The picture format whose files begin like this, a key of SUFFIXES; None for anything else."""
    return next((name for start, name in FORMATS.items() if re.match(start, head, re.DOTALL)), None)


def disguise_of(head: bytes) -> tuple[str, str]:
    """What a file that is no picture seems to be ("an HTML page, not a picture"), and the remedy."""
    text = head.removeprefix(b"\xef\xbb\xbf")
    text = text[COMMENTS.match(text).end() :] or text
    for start, what, remedy in DISGUISES:
        if re.match(start, text, re.DOTALL | re.IGNORECASE):
            return f"{what}, {'which is not read here' if 'picture' in what else 'not a picture'}", remedy
    text = head.decode("utf-8", errors="ignore")  # the last character may be cut
    if len(text.encode()) > len(head) - 4 and all(c.isprintable() or c.isspace() for c in text):
        return "plain text, not a picture", DOWNLOAD
    return "not a known picture format", REMEDY


@contextmanager
def picture_file(source: str | Path | bytes) -> Iterator[tuple[BinaryIO, bytes, str]]:
    """The file, or the file's bytes, open for reading with a `.name`; its first bytes; the format they tell.

    Raises ImageError for what is missing, empty, no regular file (a pipe would wait for ever) or no picture,
    and in place of whatever a decoder raises while the file is open.
    """
    if not isinstance(source, (str, Path, bytes)):
        raise ImageError(
            f"<{type(source).__name__}>: no picture and no name of one; "
            "pass a path, the bytes of a file, a PIL image or a uint8 array"
        )
    name = "<bytes>" if isinstance(source, bytes) else str(source)
    try:
        with _opened(source, name) as file:
            head = file.read(HEAD_BYTES)
            format = _require_format(head, name)
            size = file.seek(0, os.SEEK_END)
            if size > MAX_FILE_BYTES and format != "TIFF":
                raise ImageError(f"{name}: {size / 1e9:.1f} GB, too much for one {format} picture; {REMEDY}")
            if format == "WEBP" and size < 8 + int.from_bytes(head[4:8], "little"):
                raise ValueError("truncated")  # which its decoder does not say
            file.seek(0)
            yield file, head, format
    except ImageError:
        raise
    except FileNotFoundError:
        raise ImageError(f"{name}: no such file; correct the path or the image folder") from None
    except PermissionError:
        raise ImageError(f"{name}: this user may not read it; change its permissions (chmod u+r)") from None
    except Exception as error:  # decoders meet broken files with errors of every class
        cause = str(error) or type(error).__name__
        remedy = AGAIN if re.search(CUT_SHORT, cause, re.IGNORECASE) else REMEDY
        raise ImageError(f"{name}: cannot be read as a picture ({cause:.200}); {remedy}") from error


def _opened(source: str | Path | bytes, name: str) -> BinaryIO:
    if isinstance(source, bytes):
        file = io.BytesIO(source)
        file.name = name
        return file
    if "\0" in name:
        raise ImageError(f"{name!r}: no file name has a null byte in it; correct the path")
    kind = os.stat(source).st_mode
    if stat.S_ISDIR(kind):
        raise ImageError(f"{name}: a folder, not a picture; name a file in it")
    if not stat.S_ISREG(kind):
        raise ImageError(f"{name}: a pipe or a device, not a file; {REMEDY}")
    return open(source, "rb")


def _require_format(head: bytes, name: str) -> str:
    if not head:
        raise ImageError(f"{name}: the file is empty; {REMEDY}")
    format = format_of(head)
    if format is None:
        what, remedy = disguise_of(head)
        raise ImageError(f"{name}: {what}; {remedy}")
    return format
