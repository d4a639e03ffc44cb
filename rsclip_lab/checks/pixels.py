"""Sizes, shapes and stored formats, and pixels in which there is little or nothing to see."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from rsclip_lab.checks.kinds import Problem, counted
from rsclip_lab.checks.pictures import DARK, Picture

TINY_SIDE = 32  # pixels of the shorter side; below it hardly any object of an aerial picture can be made out
HUGE_PIXELS = 25_000_000  # slow to decode, and at a model's 224 pixels its objects shrink to nothing
LONG = 2  # times as long as wide: the centre crop then loses more than half
NODATA_SHARE = 0.5
TAG_NODATA = "tag it: `gdal_edit.py -a_nodata VALUE FILE`; or cut the part that has data, or leave it out"


def size_problems(pictures: Sequence[Picture], image_size: int | None) -> Iterator[Problem]:
    """pictures: readable ones. image_size: of the model, in pixels."""
    small = []
    for picture in pictures:
        width, height = size = picture.look.size
        detail = f"{width} x {height} pixels"
        if min(size) < TINY_SIDE:
            yield Problem("tiny_picture", picture.row, picture.path, detail)
        elif image_size and min(size) < image_size:
            small.append(picture)
        if width * height > HUGE_PIXELS:
            yield Problem("huge_picture", picture.row, picture.path, detail)
        if max(size) > LONG * min(size):
            lost = 1 - min(size) / max(size)
            yield Problem("long_picture", picture.row, picture.path, f"{detail}; the centre crop loses {lost:.0%}")
    if small:
        are = "is" if len(small) == 1 else "are"
        detail = f"{counted(len(small), 'picture')} {are} below the model's {image_size} pixels and enlarged"
        yield Problem("small_pictures", small[0].row, small[0].path, detail)
    yield from _mixed_sizes(pictures)


def _mixed_sizes(pictures: Sequence[Picture]) -> Iterator[Problem]:
    sizes = Counter(picture.look.size for picture in pictures)
    if len(sizes) > 1:
        least, most = (pick(sizes, key=lambda size: size[0] * size[1]) for pick in (min, max))
        (width, height), often = sizes.most_common(1)[0]
        detail = f"{len(sizes):,} sizes from {least[0]} x {least[1]} to {most[0]} x {most[1]} pixels, most often "
        yield Problem("mixed_sizes", None, None, f"{detail}{width} x {height} ({counted(often, 'picture')})")


def format_problems(pictures: Sequence[Picture]) -> Iterator[Problem]:
    """Stored in another form than 8-bit RGB; one problem for each form. pictures: readable ones."""
    modes, depths = defaultdict(list), defaultdict(list)
    for picture in pictures:
        if picture.look.stored.bits > 8:
            depths[picture.look.stored.bits].append(picture)
        elif picture.look.stored.mode != "RGB":
            modes[picture.look.stored.mode].append(picture)
    for mode, some in modes.items():
        detail = f"{counted(len(some), 'picture')} stored as {mode}, converted to RGB"
        yield Problem("not_rgb", some[0].row, some[0].path, detail)
    for bits, some in depths.items():
        detail = f"{counted(len(some), 'picture')} of {bits} bits, stretched from their 2nd to 98th percentile"
        yield Problem("deep_picture", some[0].row, some[0].path, detail)


def pixel_problems(pictures: Sequence[Picture]) -> Iterator[Problem]:
    """pictures: readable ones."""
    for picture in pictures:
        look = picture.look
        value = {(0, 0, 0): "black", (255, 255, 255): "white"}.get(look.common, f"the one value {look.common}")
        if look.blank:
            yield Problem("blank_picture", picture.row, picture.path, f"all of it is {value}")
        elif look.dark_share > 0.99 and look.stored.bits <= 8:
            detail = f"99 % of its values are below {DARK} of 255, as when 16 bits are read as 8"
            yield Problem("dark_picture", picture.row, picture.path, detail)
        elif look.common_share > NODATA_SHARE:
            untagged = "; perhaps nodata without a tag" if look.stored.bits > 8 else ""
            detail = f"{look.common_share:.0%} of it is {value}{untagged}"
            yield Problem("mostly_nodata", picture.row, picture.path, detail, TAG_NODATA if untagged else None)
