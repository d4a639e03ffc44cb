"""One opener for every picture, and pixels equal to open_clip's."""

import numpy as np
import pytest
import torch
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from rsclip_lab.data import ImageError, normalise, open_image, resize_and_crop

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
    causes = {"empty.png": "is empty", "text.jpg": "not a known picture format", "cut.jpg": "truncated"}
    for name, data in broken.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(ImageError) as raised:
            open_image(tmp_path / name)
        message = str(raised.value)
        assert name in message and causes[name] in message and "replace it" in message
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
