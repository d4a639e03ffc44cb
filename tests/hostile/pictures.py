"""Pictures that are broken, are no pictures, or ask for more memory than there is."""

import io
import os
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import tifffile
from cases import Case
from PIL import Image

from rsclip_lab.checks import audit
from rsclip_lab.data import PixelStore, open_image

PIXELS = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
SHOWN = (32, 24)
GIANT = 60_000  # pixels a side


def refused(name: str, suffix: str, content: Callable[[], bytes], *words: str) -> Case:
    """open_image says no to a file of this content."""

    def make(folder: Path):
        path = folder / f"picture{suffix}"
        path.write_bytes(content())
        return lambda: open_image(path)

    return Case(name, make, "error", (rf"picture\{suffix}", *words))


def opened(
    name: str, suffix: str, content: Callable[[], bytes], right: Callable[[np.ndarray], bool] | None = None
) -> Case:
    """open_image gives a picture of the right size, and `right` of its pixels `[height, width, 3]`."""

    def make(folder: Path):
        path = folder / f"picture{suffix}"
        path.write_bytes(content())

        def run() -> bool:
            image = open_image(path)
            return (image.mode, image.size) == ("RGB", SHOWN) and bool(right is None or right(np.asarray(image)))

        return run

    return Case(name, make, "repaired")


def special(name: str, place: Callable[[Path], Path], *words: str) -> Case:
    """open_image says no to the path that `place` makes."""

    def make(folder: Path):
        path = place(folder)
        return lambda: open_image(path)

    return Case(name, make, "error", words)


def saved(format: str, pixels: np.ndarray = PIXELS, **options) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format, **options)
    return buffer.getvalue()


def exact(pixels: np.ndarray) -> bool:
    return np.array_equal(pixels, PIXELS)


# PNG -------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(*extra: bytes, width: int = 32, height: int = 24, data: bytes | None = None) -> bytes:
    """The picture as PNG, with more chunks before its pixels."""
    rows = b"".join(b"\0" + row.tobytes() for row in PIXELS) if data is None else data
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    packed = chunk(b"IDAT", rows if data is not None else zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(extra) + packed + chunk(b"IEND", b"")


def inflating(megabytes: int) -> bytes:
    """A zlib stream of about a thousandth of the zeros it inflates to."""
    deflate = zlib.compressobj(9)
    start = deflate.compress(b"") + deflate.flush(zlib.Z_FULL_FLUSH)
    block = deflate.compress(bytes(1 << 20)) + deflate.flush(zlib.Z_FULL_FLUSH)
    return start + block * megabytes + deflate.flush()


def many_frames() -> bytes:
    control = chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))
    frame = chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 32, 24, 0, 0, 1, 10, 0, 0))
    return png(control, frame)


# TIFF ------------------------------------------------------------------------------------------------------

SHORT, LONG, ASCII = 3, 4, 2


def tiff(tags: dict[int, tuple[int, int, int]], data: bytes = b"", following: int = 0) -> bytes:
    """A little-endian TIFF of one directory at byte 8; tags: number → type, count, value or offset.

    `data` begins right after the directory, at byte 14 + 12 * number of tags.
    """
    entries = [
        struct.pack("<HHI", tag, type, count) + struct.pack("<I", value) for tag, (type, count, value) in tags.items()
    ]
    directory = struct.pack("<H", len(tags)) + b"".join(entries) + struct.pack("<I", following)
    return b"II*\0" + struct.pack("<I", 8) + directory + data


def grey_tags(width: int = 32, height: int = 24, bits: int = 16, compression: int = 1) -> dict:
    """Tags of one band in one strip, in the order of their numbers."""
    first = {256: (LONG, 1, width), 257: (LONG, 1, height), 258: (SHORT, 1, bits), 259: (SHORT, 1, compression)}
    return first | {
        262: (SHORT, 1, 1),
        273: (LONG, 1, 14 + 12 * 9),
        277: (SHORT, 1, 1),
        278: (LONG, 1, height),
        279: (LONG, 1, 8),
    }


def strip_bomb(compression: int, packed: bytes) -> bytes:
    return tiff(grey_tags(compression=compression) | {279: (LONG, 1, len(packed))}, packed)


def written(pixels: np.ndarray, photometric: str = "minisblack", **options) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, pixels, photometric=photometric, **options)
    return buffer.getvalue()


def ramp(dtype) -> np.ndarray:
    return np.arange(24 * 32).reshape(24, 32).astype(dtype)


def with_holes() -> bytes:
    values = ramp(np.float32)
    values[0, :3] = np.nan, np.inf, -np.inf
    return written(values)


def half_masked() -> bytes:
    """16 bits whose second page says it is a mask of another size than the picture."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(ramp(np.uint16), photometric="minisblack")
        writer.write(np.ones((5, 5), bool), photometric="minisblack", subfiletype=4)
    return buffer.getvalue()


def near_infrared_as_alpha() -> bytes:
    bands = np.dstack([PIXELS, np.full((24, 32), 9, np.uint8)])
    return written(bands, "rgb", extrasamples=["assocalpha"])


def turned_in_circles() -> bytes:
    return tiff(grey_tags(), ramp(np.uint16).tobytes(), following=8)


def pages_in_circles() -> bytes:
    """Six bands as pages, after the last of which the first comes again."""
    data = bytearray(written(np.stack([ramp(np.uint16)] * 6)))
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        first, last = file.pages[0].offset, file.pages[5].offset
    (number,) = struct.unpack_from("<H", data, last)
    struct.pack_into("<I", data, last + 2 + 12 * number, first)
    return bytes(data)


def big_tiff_of_many_tags() -> bytes:
    return b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, 2**60) + bytes(64)


# Others ----------------------------------------------------------------------------------------------------


def jpeg_claiming(width: int, height: int, precision: int = 8) -> bytes:
    data = bytearray(saved("JPEG"))
    at = data.index(b"\xff\xc0") + 4
    data[at : at + 5] = struct.pack(">BHH", precision, height, width)
    return bytes(data)


def jpeg_of_endless_scans() -> bytes:
    """A progressive JPEG of a plain 9000 x 9000 whose last scan, of some hundred bytes, comes 2000 times."""
    buffer = io.BytesIO()
    Image.new("L", (9000, 9000)).save(buffer, "JPEG", progressive=True, quality=10)
    data = buffer.getvalue()
    return data[:-2] + data[data.rindex(b"\xff\xda") : -2] * 2000 + b"\xff\xd9"


def jpeg_with(exif: bytes) -> bytes:
    return saved("JPEG", quality=95, exif=b"Exif\0\0" + exif)


def gif_claiming(width: int, height: int) -> bytes:
    data = bytearray(saved("GIF", PIXELS[..., 0]))
    data[6:10] = struct.pack("<HH", width, height)
    return bytes(data)


def gif_of_a_large_frame() -> bytes:
    data = bytearray(saved("GIF", PIXELS[..., 0]))
    at = data.index(b",\0\0\0\0\x20\0\x18\0")
    data[at + 5 : at + 9] = struct.pack("<HH", 65535, 65535)
    return bytes(data)


def webp_canvas(side: int) -> bytes:
    frame = saved("WEBP", lossless=True)[12:]
    canvas = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (side - 1).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", 4 + len(canvas + frame)) + b"WEBP" + canvas + frame


def jpeg2000_claiming(side: int) -> bytes:
    data = saved("JPEG2000")
    return data.replace(struct.pack(">II", 24, 32), struct.pack(">II", side, side)).replace(
        struct.pack(">II", 32, 24), struct.pack(">II", side, side)
    )


def bmp_claiming(width: int, height: int) -> bytes:
    data = bytearray(saved("BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("picture.png", saved("PNG"))
    return buffer.getvalue()


def tarred() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("0001.jpg"), io.BytesIO())
    return buffer.getvalue()


def postscript_that_writes() -> bytes:
    return b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n(../beside/written) (w) file closefile\n"


# Places ----------------------------------------------------------------------------------------------------


def pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.jpg")
    return folder / "pipe.jpg"


def link(target: str) -> Callable[[Path], Path]:
    def place(folder: Path) -> Path:
        (folder / "link.jpg").symlink_to(target)
        return folder / "link.jpg"

    return place


def folder_named_jpg(folder: Path) -> Path:
    (folder / "folder.jpg").mkdir()
    return folder / "folder.jpg"


def sparse_webp(folder: Path) -> Path:
    with open(folder / "sparse.webp", "wb") as file:
        file.write(webp_canvas(64))
        file.truncate(20 << 30)
    return folder / "sparse.webp"


def sparse_tiff(folder: Path) -> Path:
    with open(folder / "sparse.tif", "wb") as file:
        file.write(tiff(grey_tags() | {279: (LONG, 1, 2**32 - 1)}))
        file.truncate(20 << 30)
    return folder / "sparse.tif"


# Whole sets ------------------------------------------------------------------------------------------------


def broken_set(folder: Path) -> pd.DataFrame:
    """A table of one good picture, one cut short, one page of HTML and one that is missing."""
    contents = {"good.png": saved("PNG"), "cut.jpg": saved("JPEG")[:700], "page.jpg": b"<!DOCTYPE html><html>"}
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    images = [str(folder / name) for name in (*contents, "missing.png")]
    columns = {"image": images, "caption": ["a harbour", "a beach", "a forest", "a field"]}
    unknown = dict.fromkeys(("split", "label"), [None] * 4)
    return pd.DataFrame({**columns, "image_id": range(4), **unknown}).astype({"split": object, "label": object})


def audited(folder: Path):
    table = broken_set(folder)
    return lambda: audit(table)


def bombs_audited(folder: Path):
    table = broken_set(folder)
    for image, content in zip(
        table["image"], (png(width=GIANT, height=GIANT), webp_canvas(16383), gif_claiming(65535, 65535)), strict=False
    ):
        Path(image).write_bytes(content)
    return lambda: audit(table)


def stored(name: str) -> Callable[[Path], Callable[[], object]]:
    def make(folder: Path):
        broken_set(folder)
        return lambda: PixelStore.decode([folder / "good.png", folder / name], 32)

    return make


def kept(folder: Path):
    """Decoding that fails leaves no file that would be taken for the finished one."""
    broken_set(folder)

    def run() -> bool:
        try:
            PixelStore.decode([folder / "good.png", folder / "cut.jpg"], 32, folder=folder / "cache")
        except ValueError as error:
            return "cut.jpg" in str(error) and not list(folder.glob("cache/*.npy"))
        return False

    return run


CASES = [
    refused("empty_picture", ".jpg", lambda: b"", "is empty", "replace it"),
    refused("only_zero_bytes", ".jpg", lambda: bytes(10_000), "only zero bytes", "fetch"),
    refused(
        "html_named_jpg", ".jpg", lambda: b"\n<!DOCTYPE html>\n<html><title>Log in</title>", "an HTML page", "fetch"
    ),
    refused("comments_without_a_page", ".jpg", lambda: b"<!---->" * 72 + b"x", "plain text", "fetch"),
    refused("page_after_comments", ".jpg", lambda: b"<!-- a -> b -->\n" * 9 + b"<html>", "an HTML page", "fetch"),
    refused(
        "git_lfs_pointer",
        ".png",
        lambda: b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        "Git LFS pointer",
        "git lfs pull",
    ),
    refused("zip_named_png", ".png", zipped, "a zip archive", "unpack"),
    refused("tar_named_jpg", ".jpg", tarred, "a tar archive", "read_captions"),
    refused(
        "svg_named_png",
        ".png",
        lambda: b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>',
        "an SVG drawing",
        "PNG",
    ),
    refused("pdf_named_jpg", ".jpg", lambda: b"%PDF-1.7\n", "a PDF document"),
    refused("postscript_named_jpg", ".jpg", postscript_that_writes, "PostScript"),
    refused("text_named_jpg", ".jpg", lambda: "Fotografía aérea\n".encode(), "plain text", "fetch"),
    refused("numpy_named_png", ".png", lambda: b"\x93NUMPY\x01\0v\0{'descr': '|O'}", "numpy array"),
    refused("noise_named_tif", ".tif", lambda: PIXELS.tobytes(), "not a known picture format"),
    refused("jpeg_cut_short", ".jpg", lambda: saved("JPEG")[:700], "truncated"),
    refused("png_cut_short", ".png", lambda: saved("PNG")[:900], "cannot be read"),
    refused(
        "tiff_cut_short",
        ".tif",
        lambda: written(ramp(np.uint16), compression="zlib")[:-400],
        "truncated",
        "copy it again",
    ),
    refused("gif_cut_short", ".gif", lambda: saved("GIF", PIXELS[..., 0])[:20], "cannot be read"),
    refused("png_signature_alone", ".png", lambda: png()[:8], "cannot be read"),
    refused("png_of_3600_million_pixels", ".png", lambda: png(width=GIANT, height=GIANT), "3600 million", "tiles"),
    refused("jpeg_of_4290_million_pixels", ".jpg", lambda: jpeg_claiming(65500, 65500), "4290 million", "tiles"),
    refused("gif_of_a_large_screen", ".gif", lambda: gif_claiming(65535, 65535), "4295 million"),
    refused("gif_of_a_large_frame", ".gif", gif_of_a_large_frame, "cannot be read|million"),
    refused("webp_of_a_large_canvas", ".webp", lambda: webp_canvas(16383), "cannot be read|million"),
    refused("jpeg2000_of_a_large_canvas", ".jp2", lambda: jpeg2000_claiming(GIANT), "3600 million"),
    refused("bmp_of_a_large_canvas", ".bmp", lambda: bmp_claiming(2**31 - 1, 2**31 - 1), "million"),
    refused("bmp_without_width", ".bmp", lambda: bmp_claiming(0, 24), "nothing to see|cannot be read"),
    refused("jpeg_of_twelve_bits", ".jpg", lambda: jpeg_claiming(32, 24, precision=12), "12"),
    refused("png_strip", ".png", lambda: png(width=30_000, height=1), "times as long"),
    refused("jpeg_of_endless_scans", ".jpg", jpeg_of_endless_scans, "scans"),
    refused("png_text_bomb", ".png", lambda: png(chunk(b"zTXt", b"Comment\0\0" + inflating(3000))), "too large"),
    refused("png_profile_bomb", ".png", lambda: png(chunk(b"iCCP", b"profile\0\0" + inflating(3000))), "too large"),
    refused("tiff_of_3600_million_pixels", ".tif", lambda: tiff(grey_tags(GIANT, GIANT)), "3600 million", "tiles"),
    refused(
        "tiff_of_many_bands",
        ".tif",
        lambda: tiff(grey_tags(5000, 5000) | {277: (SHORT, 1, 60_000)}),
        "GB when decoded",
    ),
    refused(
        "tiff_of_one_giant_tile",
        ".tif",
        lambda: tiff(grey_tags() | {322: (LONG, 1, 2**20), 323: (LONG, 1, 2**20)}),
        "GB when decoded",
    ),
    refused("tiff_deflate_bomb", ".tif", lambda: strip_bomb(8, inflating(3000)), "picture"),
    refused("tiff_of_complex_numbers", ".tif", lambda: written(ramp(np.complex64)), "complex64", "convert"),
    refused(
        "tiff_of_16_bit_ink", ".tif", lambda: written(np.zeros((24, 32, 4), np.uint16), "separated"), "photometric"
    ),
    refused("tiff_without_data", ".tif", lambda: written(np.full((24, 32), np.nan, np.float32)), "no pixel has data"),
    refused(
        "tiff_only_nodata",
        ".tif",
        lambda: written(np.full((24, 32), -9999, np.int16), extratags=[(42113, "s", 0, "-9999", True)]),
        "no pixel has data",
    ),
    refused(
        "tiff_of_unknown_compression",
        ".tif",
        lambda: tiff(grey_tags(compression=34887)),
        "compression 34887",
        "DEFLATE",
    ),
    refused(
        "tiff_photograph_of_unread_compression",
        ".tif",
        lambda: written(PIXELS, "rgb", compression="webp"),
        r"compression 50001 \(WebP\)",
        "DEFLATE",
    ),
    refused(
        "tiff_all_minus_9999_without_a_tag",
        ".tif",
        lambda: written(np.full((24, 32), -9999, np.int16)),
        "no pixel has data",
    ),
    refused("avif_named_jpg", ".jpg", lambda: b"\0\0\0\x18ftypavif", "not read here", "save it as PNG"),
    refused("tiff_directory_beyond_the_end", ".tif", lambda: b"II*\0" + struct.pack("<I", 2**31), "cut short"),
    refused(
        "tiff_tag_of_four_gigabytes", ".tif", lambda: tiff(grey_tags() | {700: (1, 2**32 - 1, 8)}), "tag 700 claims"
    ),
    refused("tiff_without_a_size", ".tif", lambda: tiff({258: (SHORT, 1, 8)}), "no size"),
    refused("big_tiff_of_many_tags", ".tif", big_tiff_of_many_tags, "tags"),
    special("pipe_named_jpg", pipe, r"pipe\.jpg: a pipe or a device"),
    special("device_named_jpg", link("/dev/zero"), r"link\.jpg: a pipe or a device"),
    special("link_to_itself", link("link.jpg"), r"link\.jpg: .*symbolic links"),
    special("file_that_cannot_be_read", link("/proc/self/mem"), r"link\.jpg: cannot be read"),
    special("folder_named_jpg", folder_named_jpg, r"folder\.jpg: a folder", "name a file"),
    special("null_byte_in_the_name", lambda folder: folder / "a\0.jpg", "null byte", "correct the path"),
    special("name_of_5000_letters", lambda folder: folder / ("a" * 1500 + ".jpg"), "too long"),
    special(
        "tiff_strip_of_four_gigabytes", sparse_tiff, r"sparse\.tif: a strip or tile has more than its 1536 bytes"
    ),
    special("webp_of_20_gigabytes", sparse_webp, r"sparse\.webp: 21.5 GB"),
    Case(
        "broken_pictures_audited",
        audited,
        "error",
        (r"cut\.jpg.*truncated", r"page\.jpg.*an HTML page", r"missing\.png.*no such file"),
    ),
    Case("bombs_audited", bombs_audited, "error", (r"good\.png.*million", r"page\.jpg.*million")),
    Case("cut_picture_decoded", stored("cut.jpg"), "error", (r"cut\.jpg.*truncated",)),
    Case("html_decoded", stored("page.jpg"), "error", (r"page\.jpg.*an HTML page", "fetch")),
    Case("missing_picture_decoded", stored("missing.png"), "error", (r"missing\.png.*no such file",)),
    Case("failed_decoding_leaves_nothing_finished", kept, "repaired"),
    opened("png_named_jpg", ".jpg", lambda: saved("PNG"), exact),
    opened("png_of_endless_frames", ".png", many_frames, exact),
    opened(
        "png_of_more_data_than_pixels",
        ".png",
        lambda: png(data=zlib.compress(b"".join(b"\0" + row.tobytes() for row in PIXELS) + bytes(30 << 20))),
        exact,
    ),
    opened("png_with_10_megabytes_of_exif", ".png", lambda: png(chunk(b"eXIf", b"II*\0" + bytes(10 << 20))), exact),
    opened("jpeg_with_broken_exif", ".jpg", lambda: jpeg_with(b"II*\0\xff\xff\xff\xff")),
    opened("jpeg_with_exif_in_circles", ".jpg", lambda: jpeg_with(tiff({0x8769: (LONG, 1, 8)}, following=8))),
    opened("jpeg_with_absurd_orientation", ".jpg", lambda: jpeg_with(tiff({0x0112: (SHORT, 1, 99)}))),
    opened("jpeg_with_orientation_as_text", ".jpg", lambda: jpeg_with(tiff({0x0112: (ASCII, 3, 0x3636)}))),
    opened("jpeg_with_a_broken_profile", ".jpg", lambda: saved("JPEG", icc_profile=b"no profile" * 9000)),
    opened("jpeg_with_rubbish_after_it", ".jpg", lambda: saved("JPEG") + b"<html>" * 1000),
    opened("tiff_of_pages_in_circles", ".tif", pages_in_circles, lambda pixels: pixels.max() == 255),
    opened("tiff_in_circles", ".tif", turned_in_circles, lambda pixels: pixels.max() == 255),
    opened("tiff_with_nan_and_infinity", ".tif", with_holes, lambda pixels: not pixels[0, :3].any()),
    opened(
        "tiff_of_one_value", ".tif", lambda: written(np.full((24, 32), 7, np.uint16)), lambda pixels: not pixels.any()
    ),
    opened("tiff_of_enormous_numbers", ".tif", lambda: written(ramp(np.float64) * 1e305 - 5e307)),
    opened(
        "tiff_with_a_nodata_word", ".tif", lambda: written(ramp(np.uint16), extratags=[(42113, "s", 0, "none", True)])
    ),
    opened("tiff_with_a_mask_of_another_size", ".tif", half_masked, lambda pixels: pixels.max() == 255),
    opened("tiff_with_infrared_as_alpha", ".tif", near_infrared_as_alpha, exact),
]
