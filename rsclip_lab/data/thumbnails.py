"""Contact sheets: many pictures as one small one, without a plotting library."""

import textwrap
from collections.abc import Sequence

from PIL import Image, ImageDraw, ImageFont, ImageOps

from rsclip_lab.data.images import ImageLike, open_image

GAP, LINES, INK, PAPER = 4, 3, (34, 34, 34), (255, 255, 255)


def thumbnail_grid(
    images: Sequence[ImageLike], captions: Sequence[str] | None = None, columns: int = 6, size: int = 128
) -> Image.Image:
    """The pictures in rows of `columns`, each fitted whole into `size` x `size` pixels, the caption under it.

    captions: as many as pictures; they are wrapped, and cut after three lines.
    Raises ValueError for no pictures or another number of captions, ImageError for an unreadable picture.
    """
    images = list(images)
    if not images or columns < 1:
        raise ValueError("a contact sheet needs at least one picture and one column")
    captions = [""] * len(images) if captions is None else [str(caption) for caption in captions]
    if len(captions) != len(images):
        raise ValueError(f"{len(images)} pictures and {len(captions)} captions; give one caption a picture")
    font = ImageFont.load_default(max(10, size // 12))
    line = sum(font.getmetrics())
    cell_height = size + GAP + (LINES * line if any(captions) else 0)
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    sheet = Image.new("RGB", (columns * (size + GAP) + GAP, rows * cell_height + GAP), PAPER)
    draw = ImageDraw.Draw(sheet)
    for place, (image, caption) in enumerate(zip(images, captions, strict=True)):
        row, column = divmod(place, columns)
        corner = (GAP + column * (size + GAP), GAP + row * cell_height)
        sheet.paste(ImageOps.pad(open_image(image), (size, size), color=PAPER), corner)
        draw.multiline_text(
            (corner[0], corner[1] + size), _wrapped(caption, font, size), INK, font, spacing=0
        )
    return sheet


def _wrapped(caption: str, font: ImageFont.ImageFont, width: int) -> str:
    letters = max(1, int(width / (font.getlength("abcdefghij klmnopqrs tuvwxyz") / 28)))
    return "\n".join(textwrap.wrap(caption, letters, max_lines=LINES, placeholder=" …"))
