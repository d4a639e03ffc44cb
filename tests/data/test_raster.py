"""TIFF and PNG beyond 8-bit colours: bands, stretch, nodata, layouts, and what they may not do."""

import io
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image

from rsclip_lab.data import ImageError, open_image
from rsclip_lab.data.formats.stretch import stretch
from rsclip_lab.data.images import ImageFacts, image_facts

RANDOM = np.random.default_rng(0)
DEEP = RANDOM.integers(200, 3000, (40, 56, 3), dtype=np.uint16)  # as of a 12-bit sensor
NODATA = 42113


def tiff(values, photometric="minisblack", planarconfig="contig", **options):
    """The bytes of a TIFF; values `[height, width, bands]`, or `[bands, height, width]` when planar."""
    buffer = io.BytesIO()
    layout = {"planarconfig": planarconfig} if values.ndim == 3 else {}
    tifffile.imwrite(buffer, values, photometric=photometric, **layout, **options)
    return buffer.getvalue()


def pixels_of(image, **options):
    return np.asarray(open_image(image, **options))


def stretched(values, valid=None):
    """By hand: all bands together, 2 to 98 %, what is not valid black."""
    values = values.astype(np.float64)
    valid = np.isfinite(values) if valid is None else np.broadcast_to(valid, values.shape)
    low, high = np.percentile(values[valid], (2, 98))
    shown = np.clip((values - low) / (high - low), 0, 1) * 255
    return np.where(valid, shown, 0)


def assert_shows(image, expected, **options):
    shown = pixels_of(image, **options).astype(float)
    expected = np.broadcast_to(expected.reshape(*expected.shape[:2], -1), shown.shape)
    assert np.abs(shown - expected).max() <= 0.51


LAYOUTS = {
    "plain": {},
    "big": {"bigtiff": True},
    "big_endian": {"byteorder": ">"},
    "tiled": {"tile": (16, 16)},
    "strips": {"rowsperstrip": 7},
    "deflate": {"compression": "zlib", "predictor": 2},
    "lzw": {"compression": "lzw"},
    "zstd": {"compression": "zstd"},
    "planar": {"planarconfig": "separate"},
    "planar_tiled": {"planarconfig": "separate", "tile": (16, 16), "compression": "zlib"},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_sixteen_bit_colours_are_stretched_together_in_every_layout(layout):
    values = np.moveaxis(DEEP, 2, 0) if "planar" in layout else DEEP
    assert_shows(tiff(values, photometric="rgb", **LAYOUTS[layout]), stretched(DEEP))


@pytest.mark.parametrize("dtype", ["uint16", "int16", "uint32", "int32", "float32", "float64", "int8"])
def test_one_band_of_every_number_type_is_stretched(dtype):
    values = RANDOM.normal(60, 10, (40, 56)).astype(dtype)
    assert_shows(tiff(values), stretched(values)[..., None])


def test_large_integers_keep_their_differences():
    values = (2**31 - 4000 + np.arange(40 * 56).reshape(40, 56)).astype(np.int32)
    assert_shows(tiff(values), stretched(values)[..., None])
    assert len(np.unique(pixels_of(tiff(values)))) == 256


def test_grey_stays_grey_and_the_ratio_of_bands_is_kept():
    values = np.dstack([DEEP[..., 0]] * 3)
    shown = pixels_of(tiff(values, photometric="rgb"))
    assert (shown == shown[..., :1]).all()
    dim = values // np.uint16([1, 2, 4])
    means = pixels_of(tiff(dim, photometric="rgb")).mean(axis=(0, 1))
    assert means[0] > 1.5 * means[1] > 1.5 * means[2]


def test_bands_of_a_stack_are_counted_from_0():
    stack = RANDOM.integers(0, 9000, (20, 30, 13), dtype=np.uint16)
    assert_shows(tiff(stack), stretched(stack[..., :3]))
    assert_shows(tiff(stack), stretched(stack[..., [3, 2, 1]]), bands=(3, 2, 1))
    assert_shows(tiff(stack), stretched(stack[..., [12]]), bands=[12])
    with pytest.raises(ImageError, match="bands=.3, 2, 13. of a picture with 13; name one or three"):
        open_image(tiff(stack), bands=(3, 2, 13))


def test_of_two_bands_the_first_is_shown():
    radar = RANDOM.normal(-12, 4, (20, 30, 2)).astype(np.float32)
    assert_shows(tiff(radar), stretched(radar[..., :1]))


@pytest.mark.parametrize("bands", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("planar", [False, True])
def test_eight_bit_bands_are_shown_as_they_are(bands, planar):
    values = RANDOM.integers(0, 256, (20, 30, bands), dtype=np.uint8)
    stored = np.moveaxis(values, 2, 0) if planar else values
    file = tiff(stored, planarconfig="separate" if planar else "contig")
    assert np.array_equal(pixels_of(file), values[..., :3] if bands > 2 else values[..., [0, 0, 0]])
    assert np.array_equal(pixels_of(file, bands=(bands - 1, 0, 1)), values[..., [bands - 1, 0, 1]])


@pytest.mark.parametrize("extra", ["unspecified", "assocalpha", "unassalpha"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_near_infrared_declared_as_alpha_leaves_the_colours(extra, dtype):
    values = RANDOM.integers(0, 256, (20, 30, 4)).astype(dtype)
    values[..., 3] //= 5
    file = tiff(values, photometric="rgb", extrasamples=[extra])
    colours = values[..., :3]
    assert_shows(file, colours if dtype == np.uint8 else stretched(colours))
    false_colours = values[..., [3, 0, 1]]
    assert_shows(file, false_colours if dtype == np.uint8 else stretched(false_colours), bands=(3, 0, 1))


def test_nan_infinity_and_nodata_are_left_out_and_black():
    values = RANDOM.normal(500, 50, (40, 56)).astype(np.float32)
    values[:4], values[4, 0], values[4, 1], values[5:9] = np.nan, np.inf, -np.inf, -3.4028235e38
    valid = np.isfinite(values) & (values > -1e38)
    for number in ("-3.4028234663852886e+38", "-3.40282347e+38"):
        file = tiff(values, extratags=[(NODATA, "s", 0, number, True)])
        assert_shows(file, stretched(values, valid)[..., None])
    whole = DEEP.copy()
    whole[10:20] = 0
    file = tiff(whole, photometric="rgb", extratags=[(NODATA, "s", 0, "0", True)])
    assert_shows(file, stretched(whole, whole > 0))


@pytest.mark.parametrize("compression", [None, "zlib"])
def test_the_mask_page_that_gdal_writes_is_left_out(compression):
    mask = np.zeros((40, 56), bool)
    mask[5:30, 10:50] = True
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(DEEP, photometric="rgb")
        writer.write(mask, photometric="mask", subfiletype=4, compression=compression)
    assert_shows(buffer.getvalue(), stretched(DEEP, mask[..., None]))


def test_of_several_pages_the_first_is_shown():
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(DEEP, photometric="rgb")
        writer.write(DEEP[::2, ::2], photometric="rgb", subfiletype=1)
    assert_shows(buffer.getvalue(), stretched(DEEP))


def test_white_as_zero_is_turned_round():
    values = DEEP[..., 0]
    assert_shows(tiff(values, photometric="miniswhite"), 255 - stretched(values)[..., None])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_deep_tiff_is_turned_upright_as_a_plain_one(orientation):
    tag = [(274, "H", 1, orientation, True)]
    grey = RANDOM.integers(0, 256, (20, 30), dtype=np.uint8)
    grey[:2], grey[-2:] = 0, 255  # so that the stretch changes nothing
    deep = pixels_of(tiff(grey.astype(np.uint16), extratags=tag))
    assert np.array_equal(deep, pixels_of(tiff(grey, extratags=tag)))


@pytest.mark.parametrize("values", [np.full((20, 30), 7, np.uint16), np.zeros((20, 30, 3), np.float32)])
def test_one_value_everywhere_is_black(values):
    assert not pixels_of(tiff(values)).any()


def test_a_few_objects_on_a_constant_ground_are_seen():
    values = np.zeros((100, 100), np.uint16)
    values[3:5, 3:5] = 1
    assert np.array_equal(pixels_of(tiff(values))[..., 0], values * 255)


def test_a_stretch_of_tiny_numbers_reaches_both_ends():
    values = RANDOM.uniform(1e-9, 2e-9, (20, 30, 1)).astype(np.float32)
    shown = stretch(values, "a.tif")
    assert shown.min() == 0 and shown.max() == 255


@pytest.mark.parametrize("channels", [2, 3, 4])
@pytest.mark.parametrize("filter_type", range(5))
def test_sixteen_bit_png_keeps_all_its_bits(channels, filter_type):
    values = RANDOM.integers(200, 3000, (20, 30, channels), dtype=np.uint16)
    shown = values[..., :3] if channels > 2 else values[..., :1]
    assert_shows(sixteen_bit_png(values, filter_type), stretched(shown))
    assert image_facts(sixteen_bit_png(values, filter_type)).bits == 16


def test_sixteen_bit_png_and_tiff_of_the_same_values_look_the_same():
    assert np.array_equal(pixels_of(sixteen_bit_png(DEEP, 0)), pixels_of(tiff(DEEP, photometric="rgb")))
    assert_shows(sixteen_bit_png(DEEP, 0), stretched(DEEP[..., [2, 1, 0]]), bands=(2, 1, 0))


def sixteen_bit_png(values, filter_type):
    """PNG by its specification (W3C, second edition), each row with one of the filters 0 to 4."""
    height, width, channels = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(height, -1).astype(int)
    step = 2 * channels
    left = np.pad(rows, ((0, 0), (step, 0)))[:, :-step]
    up = np.pad(rows, ((1, 0), (0, 0)))[:-1]
    corner = np.pad(left, ((1, 0), (0, 0)))[:-1]
    guess = left + up - corner
    distance = np.abs(np.stack([guess - left, guess - up, guess - corner]))
    paeth = np.choose(distance.argmin(0), [left, up, corner])
    filtered = (rows - [0 * rows, left, up, (left + up) // 2, paeth][filter_type]) % 256
    lines = np.pad(filtered, ((0, 0), (1, 0)), constant_values=filter_type).astype(np.uint8)
    header = struct.pack(">IIBBBBB", width, height, 16, {2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b"")]
    body = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(body)


@pytest.mark.parametrize("compression", [None, "lzw", "zlib", "jpeg", "packbits"])
def test_ordinary_photographs_as_tiff_are_pillows_without_tifffile(tmp_path, compression):
    photograph = RANDOM.integers(0, 256, (32, 48, 3), dtype=np.uint8)
    (tmp_path / "a.tif").write_bytes(tiff(photograph, photometric="rgb", compression=compression))
    reference = np.asarray(Image.open(tmp_path / "a.tif").convert("RGB"))
    assert np.array_equal(pixels_of(tmp_path / "a.tif"), reference)
    assert compression == "jpeg" or np.array_equal(reference, photograph)


FACTS = [
    (tiff(DEEP, photometric="rgb", bigtiff=True), ImageFacts(56, 40, "uint16", 16, 3, "TIFF")),
    (tiff(np.zeros((5, 7, 13), np.float32), byteorder=">"), ImageFacts(7, 5, "float32", 32, 13, "TIFF")),
    (tiff(np.zeros((5, 7), np.int16)), ImageFacts(7, 5, "int16", 16, 1, "TIFF")),
    (tiff(np.zeros((5, 7, 3), np.uint8), photometric="rgb"), ImageFacts(7, 5, "RGB", 8, 3, "TIFF")),
    (tiff(np.zeros((5, 7, 4), np.uint8), photometric="rgb"), ImageFacts(7, 5, "RGBA", 8, 4, "TIFF")),
    (tiff(np.zeros((5, 7, 6), np.uint8)), ImageFacts(7, 5, "uint8", 8, 6, "TIFF")),
    (tiff(np.zeros((5, 7), bool)), ImageFacts(7, 5, "1", 1, 1, "TIFF")),
]


@pytest.mark.parametrize(("file", "facts"), FACTS)
def test_facts_of_a_tiff_are_its_tags(file, facts):
    assert image_facts(file) == facts


def test_a_decoded_size_above_the_limit_is_refused_before_anything_is_read():
    with pytest.raises(ImageError, match="GB when decoded .13 bands of float64.; cut it into tiles"):
        open_image(tiff(np.zeros((40, 40, 13))), max_pixels=2000)


WITHOUT_IMAGECODECS = """
import sys
sys.modules["imagecodecs"] = None
from rsclip_lab.data import open_image
for path in sys.argv[1:]:
    try:
        print(open_image(path).size)
    except ValueError as error:
        print(error)
"""


def test_without_imagecodecs_deflate_is_read_its_bombs_are_not_and_the_package_is_named(tmp_path):
    files = {
        "deflate.tif": tiff(DEEP, photometric="rgb", compression="zlib", predictor=2),
        "lzw.tif": tiff(DEEP, photometric="rgb", compression="lzw"),
        "photograph.tif": tiff(DEEP.astype(np.uint8), photometric="rgb", compression="lzw"),
        "bomb.tif": deflate_bomb(),
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = [sys.executable, "-c", WITHOUT_IMAGECODECS, *(str(tmp_path / name) for name in files)]
    deflate, lzw, photograph, bomb = subprocess.run(command, capture_output=True, text=True).stdout.splitlines()
    assert deflate == photograph == "(56, 40)"
    assert 'lzw.tif: TIFF compression 5 needs the package imagecodecs; pip install "rsclip-lab[geotiff]"' in lzw
    assert "bomb.tif: a strip or tile has more than its 13440 bytes" in bomb


def deflate_bomb():
    """A TIFF whose only strip inflates to 50 MB instead of 40 rows."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        strips = iter([zlib.compress(bytes(50_000_000))])
        writer.write(strips, shape=(40, 56, 3), dtype="uint16", photometric="rgb", compression=8, rowsperstrip=40)
    return buffer.getvalue()


MEASURED = """
import sys, tracemalloc
import tifffile, imagecodecs
from rsclip_lab.data import open_image
tracemalloc.start()
open_image(sys.argv[1])
print(tracemalloc.get_traced_memory()[1])
"""


@pytest.mark.parametrize("layout", ["contig", "separate", "tiled"])
def test_a_large_raster_takes_little_more_memory_than_its_chosen_bands(tmp_path, layout):
    shape = (8, 1500, 1500) if layout == "separate" else (1500, 1500, 8)
    options = {"tile": (256, 256), "compression": "zlib"} if layout == "tiled" else {}
    values = np.zeros(shape, np.float32)
    values[:] = np.arange(1500)[:, None] if layout == "tiled" else RANDOM.random(1, np.float32)
    planar = "separate" if layout == "separate" else "contig"
    (tmp_path / "a.tif").write_bytes(tiff(values, planarconfig=planar, **options))
    command = [sys.executable, "-c", MEASURED, str(tmp_path / "a.tif")]
    peak = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    chosen, result = 1500 * 1500 * 3 * 4, 1500 * 1500 * 3
    assert peak < 1.5 * chosen + result + (12 << 20)  # and a piece of the file, and a strip to be scaled


def test_a_large_picture_is_stretched_by_a_sample_as_if_by_all_its_pixels():
    values = RANDOM.gamma(3, 400, (1700, 1300, 1)).astype(np.float32)
    values[:300] = np.nan
    assert np.abs(stretch(values, "a.tif") - stretched(values)).max() < 2.5


def test_what_a_sample_misses_is_still_seen_where_all_else_is_equal_or_unknown():
    values = np.zeros((2000, 1500, 1), np.uint16)
    values[1001, 777] = 9
    assert np.array_equal(stretch(values, "a.tif"), (values > 0) * 255)
    values = np.full((2000, 1500, 1), np.nan, np.float32)
    values[1001, 777:779, 0] = 3, 4
    assert np.argwhere(stretch(values, "a.tif")).tolist() == [[1001, 778, 0]]


UNTAGGED = [("int16", -32768), ("int16", -9999), ("int32", -9999), ("float32", -9999), ("float64", -9999)]
UNTAGGED += [("float32", sign * value) for value in (3.4028235e38, 3.40282306e38) for sign in (-1, 1)]
UNTAGGED += [("float64", sign * value) for value in (3.4028235e38, np.finfo(float).max, 1.79e308) for sign in (-1, 1)]


@pytest.mark.parametrize(("dtype", "nodata"), UNTAGGED)
def test_the_usual_nodata_values_need_no_tag(dtype, nodata):
    values = RANDOM.normal(500, 50, (40, 56)).astype(dtype)
    values[5:15] = nodata
    assert_shows(tiff(values), stretched(values, values != np.array(nodata, dtype))[..., None])


@pytest.mark.parametrize("nodata", [-9999, -32768])
def test_a_value_that_others_come_near_or_that_is_rare_is_a_value(nodata):
    rare, near = (RANDOM.normal(500, 50, (40, 56)).astype(np.int16) for _ in range(2))
    rare[0, :2] = nodata
    near[5:15] = np.linspace(nodata, 500, 560).reshape(10, 56)
    near[16] = nodata
    for values in (rare, near):
        assert_shows(tiff(values), stretched(values)[..., None])


def test_a_tag_is_believed_rather_than_the_usual_values():
    values = RANDOM.normal(500, 50, (40, 56)).astype(np.float32)
    values[5:15], values[20:22] = -9999, 0
    file = tiff(values, extratags=[(NODATA, "s", 0, "0", True)])
    assert_shows(file, stretched(values, values != 0)[..., None])


LOUD = """
import logging, sys
from rsclip_lab.data import open_image
for path in sys.argv[1:]:
    try:
        open_image(path)
    except ValueError as error:
        print(error)
import tifffile
assert not tifffile.logger().filters and tifffile.logger().level == logging.NOTSET
tifffile.logger().warning("still heard")
"""


def test_nothing_is_printed_of_odd_tags_and_broken_files(tmp_path):
    values = RANDOM.normal(500, 50, (40, 56)).astype(np.float32)
    photograph = RANDOM.integers(0, 256, (32, 48, 3), dtype=np.uint8)
    files = [
        tiff(values, extratags=[(NODATA, "s", 0, "-3.4028234663852886e+38", True)]),
        tiff(values.astype(np.uint16), extratags=[(NODATA, "s", 0, "-9999", True)]),
        tiff(values, extratags=[(NODATA, "s", 0, "none", True)]),
        tiff(values)[:-500],
        tiff(photograph, photometric="rgb", compression="webp"),
        tiff(photograph, photometric="rgb", compression="lzw")[:-500],
    ]
    paths = [tmp_path / f"{number}.tif" for number in range(len(files))]
    for path, file in zip(paths, files, strict=True):
        path.write_bytes(file)
    done = subprocess.run([sys.executable, "-c", LOUD, *map(str, paths)], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == "still heard\n"
    assert [line.split(": ")[0] for line in done.stdout.splitlines()] == [str(path) for path in paths[3:]]


@pytest.mark.parametrize("compression", ["webp", "jpeg2000", "lerc"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_compression_that_is_not_read_is_told_with_the_remedy(compression, dtype):
    if (compression, dtype) == ("webp", np.uint16):
        pytest.skip("WebP has 8 bits")
    name = {"webp": "WebP", "jpeg2000": "JPEG 2000", "lerc": "LERC"}[compression]
    file = tiff(DEEP.astype(dtype), photometric="rgb", compression=compression)
    with pytest.raises(ImageError, match=rf"compression \d+ .{name}. is not read; save it uncompressed or with DEFL"):
        open_image(file)


def pages(values, **options):
    """Each band `[height, width]` of values as a page of its own, by a writer that says nothing of the whole."""
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for band in values:
            writer.write(band, photometric="minisblack", contiguous=False, metadata=None, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("options", [{}, {"compression": "zlib", "tile": (16, 16)}])
def test_many_pages_of_one_band_each_are_the_bands_of_a_picture(dtype, options):
    stack = RANDOM.integers(0, 256, (13, 20, 30)).astype(dtype)
    for file in (pages(stack, **options), tiff(stack, bigtiff=True, planarconfig=None, **options)):
        for bands in ((3, 2, 1), (12,), None):
            expected = np.moveaxis(stack[list(bands or (0, 1, 2))], 0, 2)
            assert_shows(file, expected if dtype == np.uint8 else stretched(expected), bands=bands)
        assert image_facts(file).bands == 13
        with pytest.raises(ImageError, match="bands=13 of a picture with 13"):
            open_image(file, bands=13)


@pytest.mark.parametrize("writer", [{}, {"imagej": True}, {"ome": True}])
def test_few_pages_are_bands_where_their_writer_says_so(writer):
    stack = RANDOM.integers(0, 9000, (3, 20, 30), dtype=np.uint16)
    assert_shows(tiff(stack, planarconfig=None, **writer), stretched(np.moveaxis(stack, 0, 2)))
    assert_shows(pages(stack), stretched(stack[0])[..., None])


def test_pages_of_other_sizes_are_not_bands():
    page = RANDOM.integers(0, 9000, (40, 56), dtype=np.uint16)
    buffer = io.BytesIO()
    with tifffile.TiffWriter(buffer) as writer:
        for step in (1, 1, 1, 1, 1, 2):
            writer.write(page[::step, ::step], photometric="minisblack", contiguous=False, metadata=None)
    assert image_facts(buffer.getvalue()).bands == 1
    assert_shows(buffer.getvalue(), stretched(page)[..., None])


def test_strips_that_are_not_stored_are_nodata():
    values = np.full((40, 56), 7, np.float32)
    values[:20] = RANDOM.normal(500, 50, (20, 56))
    buffer = io.BytesIO()
    strips = (zlib.compress(values[:20].tobytes()), b"")
    tag = [(NODATA, "s", 0, "-3.4028234663852886e+38", True)]
    with tifffile.TiffWriter(buffer) as writer:
        writer.write(
            iter(strips), shape=(40, 56), dtype="float32", photometric="minisblack", compression=8, rowsperstrip=20,
            extratags=tag,
        )
    valid = np.arange(40)[:, None] < 20
    assert_shows(buffer.getvalue(), stretched(values, valid)[..., None])
