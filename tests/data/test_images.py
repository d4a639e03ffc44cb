"""One opener for every picture, and pixels equal to open_clip's."""

import io
import os
import warnings

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image, ImageOps

from rsclip_lab.data import ImageError, normalise, open_image, resize_and_crop
from rsclip_lab.data.formats.signatures import SUFFIXES
from rsclip_lab.data.images import ImageFacts, image_facts

MEAN, STD = (0.48, 0.45, 0.41), (0.27, 0.26, 0.28)


def random_pixels(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [32, 33, 96])
@pytest.mark.parametrize(
    "shape", [(96, 96), (128, 128), (40, 61), (61, 40), (20, 20), (7, 50), (333, 96), (97, 101), (31, 500)]
)
def test_resize_crop_and_normalise_equal_open_clips_transform(shape, size):
    image = Image.fromarray(random_pixels(*shape))
    reference = image_transform_v2(PreprocessCfg(size=size, mean=MEAN, std=STD), is_train=False)(image)
    pixels = torch.from_numpy(np.array(resize_and_crop(image, size))).permute(2, 0, 1)[None]
    assert torch.equal(normalise(pixels, MEAN, STD)[0], reference)


def test_a_path_a_picture_and_an_array_give_the_same(tmp_path):
    pixels = random_pixels(9, 12)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for image in (tmp_path / "a.png", str(tmp_path / "a.png"), Image.fromarray(pixels), pixels):
        opened = open_image(image)
        assert opened.mode == "RGB" and np.array_equal(np.asarray(opened), pixels)


def test_the_picture_given_is_not_changed():
    image = Image.new("L", (4, 4), 7)
    open_image(image).putpixel((0, 0), (1, 2, 3))
    assert image.mode == "L" and image.getpixel((0, 0)) == 7


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "CMYK", "1"])
def test_every_common_mode_becomes_rgb(tmp_path, mode):
    image = Image.fromarray(np.full((8, 8, 3), 255, np.uint8)).convert(mode)
    path = tmp_path / "picture.tif"
    image.save(path)
    opened = open_image(path)
    assert opened.mode == "RGB" and opened.getpixel((3, 3)) == (255, 255, 255)


def test_a_palette_with_transparency_keeps_its_colours_without_a_warning(tmp_path, recwarn):
    image = Image.new("P", (4, 4), 1)
    image.putpalette([0, 0, 0, 10, 20, 30])
    image.save(tmp_path / "p.png", transparency=b"\x00\x80")
    assert open_image(tmp_path / "p.png").getpixel((0, 0)) == (10, 20, 30)
    assert not recwarn.list


def test_exif_rotation_is_applied(tmp_path):
    image = Image.new("RGB", (6, 4), "red")
    exif = Image.Exif()
    exif[0x0112] = 6  # shown turned by 90 degrees
    image.save(tmp_path / "turned.jpg", exif=exif)
    assert open_image(tmp_path / "turned.jpg").size == (4, 6)


def test_sixteen_bit_grey_is_stretched_rather_than_clipped(tmp_path):
    ramp = np.linspace(200, 3000, 64 * 64).reshape(64, 64).astype(np.uint16)  # as of a 12-bit sensor
    Image.fromarray(ramp).save(tmp_path / "deep.tif")
    values = np.asarray(open_image(tmp_path / "deep.tif"))[..., 0].astype(float)
    assert values.min() == 0 and values.max() == 255
    assert abs(values.mean() - 127.5) < 2 and np.all(np.diff(values.ravel()) >= 0)


def test_errors_name_the_file_the_cause_and_the_remedy(tmp_path):
    good = tmp_path / "good.jpg"
    Image.fromarray(random_pixels(64, 64)).save(good)
    broken = {"empty.png": b"", "text.jpg": b"not a picture", "cut.jpg": good.read_bytes()[:900]}
    broken["noise.tif"] = random_pixels(9, 9).tobytes()
    causes = {"empty.png": "is empty", "text.jpg": "plain text", "cut.jpg": "truncated"}
    causes["noise.tif"] = "not a known picture format"
    for name, data in broken.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError) as raised:
            open_image(tmp_path / name)
        message = str(raised.value)
        assert name in message and causes[name] in message and "; " in message and "leave it out" in message
    with pytest.raises(ImageError, match="missing.jpg: no such file; correct the path"):
        open_image(tmp_path / "missing.jpg")
    with pytest.raises(ImageError, match=str(tmp_path)):
        open_image(tmp_path)


def test_a_picture_above_the_pixel_limit_is_refused_before_it_is_decoded(tmp_path):
    Image.new("RGB", (40, 30)).save(tmp_path / "large.png")
    with pytest.raises(ImageError, match="large.png: 40 x 30.*tiles.*max_pixels"):
        open_image(tmp_path / "large.png", max_pixels=1000)
    assert open_image(tmp_path / "large.png", max_pixels=1200).size == (40, 30)


@pytest.mark.parametrize("array", [np.zeros((4, 4, 3)), np.zeros((3, 4, 5), np.uint8), np.zeros(4, np.uint8)])
def test_arrays_of_another_kind_are_refused(array):
    with pytest.raises(ImageError, match="uint8 .height, width, 3."):
        open_image(array)


def test_normalise_keeps_what_it_is_given():
    pixels = torch.full((1, 3, 2, 2), 51.0)
    result = normalise(pixels, MEAN, STD)
    assert pixels.eq(51).all()
    assert torch.allclose(result[0, :, 0, 0], (0.2 - torch.tensor(MEAN)) / torch.tensor(STD))


def test_a_strip_that_would_grow_gigantic_when_resized_is_refused(tmp_path):
    Image.new("RGB", (20_000, 2)).save(tmp_path / "strip.png")
    with pytest.raises(ImageError, match="strip.png.*times as long"):
        open_image(tmp_path / "strip.png")


def saved(image, path, **options):
    image.save(path, **options)
    return path


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".bmp", ".gif", ".webp", ".jp2"])
def test_every_format_gives_pillows_pixels_whatever_its_name_says(tmp_path, suffix):
    path = saved(Image.fromarray(random_pixels(20, 30)), tmp_path / f"a{suffix}")
    reference = np.asarray(Image.open(path).convert("RGB"))
    renamed = path.rename(tmp_path / "renamed.jpg")
    for image in (renamed, renamed.read_bytes()):
        assert np.array_equal(np.asarray(open_image(image)), reference)
        assert suffix in SUFFIXES[image_facts(image).format]


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_inks_come_out_in_natural_colours(tmp_path, suffix):
    colours = np.zeros((16, 64, 3), np.uint8)
    colours[:, 16:32], colours[:, 32:48], colours[:, 48:] = (255, 255, 255), (220, 30, 40), (30, 90, 200)
    # Pillow writes CMYK JPEG as Adobe does, inverted.
    path = saved(Image.fromarray(colours).convert("CMYK"), tmp_path / f"ink{suffix}")
    shown = np.asarray(open_image(path)).astype(int)
    assert np.abs(shown - colours)[:, ::8][:, 1::2].max() < 12
    assert image_facts(path).mode == "CMYK" and image_facts(path).bands == 4


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".tif"])
def test_every_exif_orientation_is_turned_upright_as_pillow_does(tmp_path, orientation, suffix):
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = Image.fromarray(random_pixels(16, 24))
    path = saved(image, tmp_path / f"a{suffix}", exif=exif)
    with Image.open(path) as opened:
        reference = np.asarray(ImageOps.exif_transpose(opened).convert("RGB"))
    upright = open_image(path)
    assert np.array_equal(np.asarray(upright), reference)
    assert np.array_equal(np.asarray(open_image(upright)), reference)  # once, however often it is opened
    assert (reference.shape[0] == 24) == (orientation >= 5)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
def test_broken_exif_data_leaves_the_picture_as_it_is(tmp_path):
    for number, exif in enumerate((b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0rubbish", b"Exif\0\0")):
        path = saved(Image.fromarray(random_pixels(8, 16)), tmp_path / f"{number}.png", exif=exif)
        assert np.array_equal(np.asarray(open_image(path)), random_pixels(8, 16))


def test_alpha_is_dropped_and_not_laid_over_black(tmp_path):
    bands = np.dstack([random_pixels(8, 8), np.zeros((8, 8), np.uint8)])
    path = saved(Image.fromarray(bands), tmp_path / "clear.png")
    assert np.array_equal(np.asarray(open_image(path)), random_pixels(8, 8))


def test_bands_are_chosen_by_number_from_0(tmp_path):
    bands = np.dstack([random_pixels(8, 8), np.full((8, 8), 9, np.uint8)])
    path = saved(Image.fromarray(bands), tmp_path / "four.png")
    for image in (path, bands, Image.open(path)):
        assert np.array_equal(np.asarray(open_image(image, bands=(3, 0, 1))), bands[..., [3, 0, 1]])
        assert np.array_equal(np.asarray(open_image(image, bands=[1])), bands[..., [1, 1, 1]])
        for wrong in ((0, 1, 4), (0, 1), (-1,), (0.0,)):
            with pytest.raises(ImageError, match="of a picture with 4; name one or three, counted from 0 to 3"):
                open_image(image, bands=wrong)


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"\xef\xbb\xbf <!-- moved -->\n<HTML>", "an HTML page"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b'<svg width="3">', "an SVG"),
        (b"<annotation>", "not a known|plain text"),
        (b"\x1f\x8b\x08", "compressed"),
        (b"PAR1\x15\x04", "parquet"),
        (b"\0\0\0\x18ftypheic", "HEIC"),
        (b"\0\0\0\x18ftypisom", "a video"),
        (b"\x89HDF\r\n", "HDF5"),
        ("日本".encode() * 200, "plain text"),
        (b'{"error": "quota"}', "JSON"),
        (bytes(2000), "only zero bytes"),
        (bytes(600) + b"x", "only zero bytes"),
    ],
)
def test_a_file_that_is_no_picture_is_called_what_it_seems_to_be(tmp_path, start, what):
    (tmp_path / "a.jpg").write_bytes(start)
    for look in (open_image, image_facts):
        with pytest.raises(ImageError, match=rf"a\.jpg: .*({what}).*; \w+"):
            look(tmp_path / "a.jpg")


def test_nothing_starts_another_program_for_postscript(tmp_path, monkeypatch):
    monkeypatch.setattr("subprocess.Popen", None)
    (tmp_path / "a.eps").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n")
    with pytest.raises(ImageError, match="a PostScript drawing, not a picture; save it as PNG"):
        open_image(tmp_path / "a.eps")


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match=r"pipe\.jpg: a pipe or a device"):
        open_image(tmp_path / "pipe.jpg")
    with pytest.raises(ImageError, match="null byte"):
        open_image("a\0.jpg")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may read all")
def test_a_file_that_may_not_be_read_says_so(tmp_path):
    path = saved(Image.fromarray(random_pixels(8, 8)), tmp_path / "a.png")
    path.chmod(0)
    with pytest.raises(ImageError, match="permissions"):
        open_image(path)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".bmp"])
def test_the_pixel_limit_is_the_callers_and_pillows_own_stays_silent(tmp_path, monkeypatch, suffix):
    path = saved(Image.fromarray(random_pixels(40, 40)), tmp_path / f"a{suffix}")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.array_equal(np.asarray(open_image(path)), random_pixels(40, 40))
        assert image_facts(path).width == 40


FACTS = {
    "L": ("L", 8, 1),
    "1": ("1", 1, 1),
    "P": ("P", 1, 1),  # Pillow writes as few bits as the palette needs
    "RGBA": ("RGBA", 8, 4),
    "LA": ("LA", 8, 2),
    "I;16": ("I;16", 16, 1),
}


@pytest.mark.parametrize("mode", FACTS)
def test_facts_come_from_the_header_alone(mode):
    buffer = io.BytesIO()
    Image.new(mode, (40, 30)).save(buffer, "PNG")
    assert image_facts(buffer.getvalue()[:2000]) == ImageFacts(40, 30, *FACTS[mode], "PNG")


def test_facts_of_a_giant_are_told_and_of_no_picture_refused(tmp_path):
    Image.new("1", (20_000, 10_000)).save(tmp_path / "giant.png")
    assert image_facts(tmp_path / "giant.png") == ImageFacts(20_000, 10_000, "1", 1, 1, "PNG")
    with pytest.raises(ImageError, match="no such file"):
        image_facts(tmp_path / "missing.png")


@pytest.mark.parametrize("value", [np.uint16(7), np.int32(-5), np.float32(2.5)])
def test_a_deep_picture_already_opened_is_stretched_too(value):
    ramp = (np.arange(64 * 64).reshape(64, 64) * 3).astype(value.dtype) + value
    shown = np.asarray(open_image(Image.fromarray(ramp)))[..., 0].astype(float)
    assert shown.min() == 0 and shown.max() == 255 and np.all(np.diff(shown.ravel()) >= 0)


def test_a_single_band_may_be_named_by_a_plain_number(tmp_path):
    path = saved(Image.fromarray(random_pixels(8, 8)), tmp_path / "a.png")
    for image in (path, random_pixels(8, 8), Image.open(path)):
        for number in (2, np.int64(2)):
            assert np.array_equal(np.asarray(open_image(image, bands=number)), random_pixels(8, 8)[..., [2, 2, 2]])


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
def test_wrong_bands_are_told_with_the_name_of_the_file(tmp_path, suffix):
    path = saved(Image.fromarray(random_pixels(8, 8)), tmp_path / f"a{suffix}")
    with pytest.raises(ImageError, match=rf"a\{suffix}: bands=7 of a picture with 3"):
        open_image(path, bands=7)
    with pytest.raises(ImageError, match="<array>: bands=3 of a picture with 1"):
        open_image(random_pixels(8, 8)[..., 0], bands=3)


@pytest.mark.parametrize(("brand", "what"), [(b"avif", "an AVIF picture"), (b"heic", "a HEIC picture")])
def test_a_picture_of_an_unread_format_is_called_a_picture(brand, what):
    with pytest.raises(ImageError, match=f"{what}.*, which is not read here; save it as PNG$"):
        open_image(b"\0\0\0\x18ftyp" + brand)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_file_cut_short_is_to_be_copied_again(tmp_path, suffix):
    options = {"compression": "tiff_lzw"} if suffix == ".tif" else {}
    path = saved(Image.fromarray(random_pixels(64, 64)), tmp_path / f"a{suffix}", **options)
    with pytest.raises(ImageError, match=r"(truncated|cut short).*; download or copy it again"):
        open_image(path.read_bytes()[:-900])


@pytest.mark.parametrize("thing", [io.BytesIO(b"secret"), None, torch.full((2, 2), 42), [1, 42], 42])
def test_what_is_no_picture_at_all_is_named_by_its_type_and_not_printed(thing):
    for look in (open_image, image_facts):
        with pytest.raises(ImageError, match=f"^<{type(thing).__name__}>: .*; pass a path") as raised:
            look(thing)
        assert "42" not in str(raised.value) and "secret" not in str(raised.value)


@pytest.mark.parametrize("shape", [(0, 5, 3), (5, 0, 3), (0, 0)])
def test_an_array_without_pixels_is_refused(shape):
    with pytest.raises(ImageError, match="<array>: .* pixels, nothing to see"):
        open_image(np.zeros(shape, np.uint8))


def test_an_array_of_yes_and_no_is_black_and_white():
    mask = random_pixels(6, 7)[..., 0] > 99
    assert np.array_equal(np.asarray(open_image(mask)), np.dstack([mask * np.uint8(255)] * 3))


@pytest.mark.parametrize("limit", [0, -1])
def test_a_pixel_limit_that_lets_nothing_through_is_refused(limit):
    with pytest.raises(ImageError, match=f"max_pixels={limit}: .*; pass a positive number"):
        open_image(random_pixels(4, 4), max_pixels=limit)
