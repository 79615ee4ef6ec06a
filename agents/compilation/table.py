"""A table as a picture: the PNG that ARA wants beside every table, drawn with Pillow in milliseconds."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

SIZE, PADDING, LINE = 18, 14, 34


@cache
def _font(name: str) -> FreeTypeFont:
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"), SIZE)


def table_picture(header: Sequence[str], rows: Sequence[Sequence[str]], title: str) -> bytes:
    """PNG of a table with its title: columns as wide as their widest cell, numbers to the right."""
    from PIL import Image, ImageDraw

    plain, bold = _font("DejaVuSans"), _font("DejaVuSans-Bold")
    columns = list(zip(header, *rows, strict=True))
    widths = [
        2 * PADDING + int(max(bold.getlength(c[0]), *(plain.getlength(text) for text in c[1:]), 1)) for c in columns
    ]
    picture = Image.new("RGB", (sum(widths) + 2 * PADDING, LINE * (len(rows) + 2) + PADDING), "white")
    pen = ImageDraw.Draw(picture)
    pen.text((2 * PADDING, PADDING // 2), title, fill="black", font=bold)
    right = PADDING
    for column, width in zip(columns, widths, strict=True):
        numeric = len(column) > 1 and all(_numeric(text) for text in column[1:])
        for row, text in enumerate(column):
            font = plain if row else bold
            offset = width - PADDING - font.getlength(text) if numeric else PADDING
            pen.text((right + offset, LINE * (row + 1) + PADDING // 2), text, fill="black", font=font)
        right += width
    for row in (1, 2, len(rows) + 2):
        y = LINE * row + (0 if row > 1 else 2)
        pen.line((PADDING, y, right, y), fill="#888888" if row != 2 else "#444444", width=1)
    out = io.BytesIO()
    picture.save(out, format="PNG", optimize=False)
    return out.getvalue()


def _numeric(text: str) -> bool:
    return bool(text) and (text[0].isdigit() or text[0] in "-–[")
