"""The parts of a page, as HTML: paragraphs, tables, key figures, images, outcomes.

Every helper escapes plain strings and passes on what another helper made (`Markup`), so a badge
may stand in a table cell.
"""

import base64
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape
from PIL import Image

TINY = 64
"""Largest side, pixels, of an image that is shown with hard pixel edges."""
THUMBNAIL = 128
"""Largest side, pixels, that an image is embedded with."""


def prose(*paragraphs: str) -> Markup:
    """Paragraphs of plain text."""
    return Markup("\n").join(Markup("<p>{}</p>").format(text) for text in paragraphs)


def table(headers: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """A table that scrolls inside its own box on a narrow screen.

    Args:
        headers: Column names.
        rows: Cells; None shows a dash, an int gets thousands separators, a float four digits;
            a column of nothing but numbers and dashes is aligned right.
    """
    body = [list(row) for row in rows]
    numeric = [
        any(_is_number(row[column]) for row in body)
        and all(row[column] is None or _is_number(row[column]) for row in body)
        for column in range(len(headers))
    ]
    kinds = [Markup(' class="number"') if number else Markup("") for number in numeric]
    head = Markup("").join(
        Markup("<th scope=col{}>{}</th>").format(kind, name)
        for kind, name in zip(kinds, headers, strict=True)
    )
    lines = Markup("\n").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(
                Markup("<td{}>{}</td>").format(kind, _show(cell))
                for kind, cell in zip(kinds, row, strict=True)
            )
        )
        for row in body
    )
    return Markup(
        '<div class="scroll"><table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n'
        "</table></div>"
    ).format(head, lines)


def facts(values: Mapping[str, Any]) -> Markup:
    """Key figures as cards: a name, and a value that is short."""
    cards = Markup("\n").join(
        Markup("<div><dt>{}</dt><dd{}>{}</dd></div>").format(
            name, Markup(' class="long"') if len(str(shown)) > 12 else Markup(""), shown
        )
        for name, shown in ((name, _show(value)) for name, value in values.items())
    )
    return Markup('<dl class="facts">\n{}\n</dl>').format(cards)


def image_wall(images: Iterable[tuple[Image.Image, str]], columns: int) -> Markup:
    """Small images in a grid.

    Args:
        images: RGB or grey images with their captions; an empty caption is left out. Images over
            `THUMBNAIL` pixels are shrunk.
        columns: Images a row on a wide screen; a phone shows half as many, at least 3.
    """
    tiles = Markup("\n").join(_tile(image, caption) for image, caption in images)
    return Markup('<div class="wall" style="--columns: {}; --narrow: {}">\n{}\n</div>').format(
        columns, max(3, (columns + 1) // 2), tiles
    )


def image_rows(rows: Iterable[tuple[str, Iterable[Image.Image]]], columns: int) -> Markup:
    """One titled row of small images for each group; a row that is short stays short.

    Args:
        rows: Titles and their images, `columns` or fewer.
        columns: Images a row, on every screen.
    """
    lines = Markup("\n").join(
        Markup("<div><h3>{}</h3>{}</div>").format(
            title, image_wall(((image, "") for image in images), columns)
        )
        for title, images in rows
    )
    return Markup('<div class="rows">\n{}\n</div>').format(lines)


def badge(outcome: str) -> Markup:
    """An outcome (PASS, FAIL, INCONCLUSIVE) in its colour, any other word in grey."""
    kind = outcome.lower() if outcome in ("PASS", "FAIL", "INCONCLUSIVE", "ALARM") else "other"
    return Markup('<span class="badge {}">{}</span>').format(kind, outcome)


def _tile(image: Image.Image, caption: str) -> Markup:
    small = image.convert("RGB") if image.mode not in ("L", "RGB") else image.copy()
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    tiny = max(small.size) <= TINY
    buffer = io.BytesIO()
    if tiny:
        small.save(buffer, "PNG", optimize=True)
    else:
        small.save(buffer, "JPEG", quality=78, optimize=True)
    source = (
        f"data:image/{'png' if tiny else 'jpeg'};base64,"
        f"{base64.b64encode(buffer.getvalue()).decode()}"
    )
    below = Markup("<figcaption>{}</figcaption>").format(caption) if caption else Markup("")
    return Markup('<figure><img{} src="{}" width="{}" height="{}" alt="{}">{}</figure>').format(
        Markup(' class="tiny"') if tiny else Markup(""), source, *small.size, caption, below
    )


def _is_number(value: Any) -> bool:
    return hasattr(value, "__float__") and not isinstance(value, bool)


def _show(value: Any) -> Markup:
    if value is None:
        return Markup("–")
    if _is_number(value):
        whole = hasattr(value, "__index__")
        return escape(f"{int(value):,}" if whole else f"{float(value):.4g}")
    return escape(value)
