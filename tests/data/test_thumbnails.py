"""A contact sheet shows every picture in order, whole, with room for its caption."""

import numpy as np
import pytest
from PIL import Image

from rsclip_lab.data import thumbnail_grid

COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


def pictures():
    return [Image.new("RGB", (30, 30), colour) for colour in COLOURS]


def test_pictures_stand_row_by_row():
    sheet = thumbnail_grid(pictures(), columns=2, size=20)
    assert [sheet.getpixel(at) for at in ((14, 14), (38, 14), (14, 38))] == COLOURS
    assert sheet.getpixel((38, 38)) == (255, 255, 255)  # the empty place


def test_an_oblong_picture_is_shown_whole():
    pixels = np.zeros((10, 40, 3), np.uint8)
    pixels[:, :4] = pixels[:, -4:] = (255, 0, 0)
    sheet = np.asarray(thumbnail_grid([pixels], size=40)).astype(int)
    red = np.argwhere((sheet[..., 0] > 200) & (sheet[..., 1] < 50))
    assert red[:, 1].min() < 8 and red[:, 1].max() > 38 and np.ptp(red[:, 0]) < 12


def test_captions_are_drawn_below_and_cut_to_their_place():
    plain = thumbnail_grid(pictures(), size=60)
    short = thumbnail_grid(pictures(), ["a"] * 3, size=60)
    long = thumbnail_grid(pictures(), ["many boats lie in the harbour " * 20] * 3, size=60)
    assert plain.height < short.height == long.height and plain.width == long.width
    below = np.asarray(long)[4 + 60 :]
    assert (below < 128).any() and not (below[-4:] < 128).any()


def test_other_numbers_of_captions_and_no_pictures_are_refused():
    with pytest.raises(ValueError, match="3 pictures and 1 captions"):
        thumbnail_grid(pictures(), ["one"])
    with pytest.raises(ValueError, match="at least one picture"):
        thumbnail_grid([])
