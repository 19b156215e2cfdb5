"""The data report's charts as plain SVG; matplotlib's import alone takes longer than the page."""

from collections.abc import Iterable, Mapping, Sequence
from math import floor, log10

from markupsafe import Markup
from numpy.typing import ArrayLike

WIDTH = 540.0
"""Points, as wide as the other charts."""
_COLOURS = ("#4c86b8", "#d98a3d", "#5b9e77")
_GREY = "#8a9099"
_ROW, _BAR = 19.0, 14.0
_TOP, _BOTTOM, _PANEL = 24.0, 36.0, 120.0
_LETTER = 5.6
"""Width of a letter, points, about."""
_NAME = 28
"""Letters of a name that are shown."""


def stacked_bars(
    names: Sequence[str], parts: Mapping[str, Sequence[int]], unit: str, caption: str
) -> Markup:
    """A bar for each name, its parts end to end.

    Args:
        names: From top to bottom; a long one is cut, and whole where the pointer rests.
        parts: By part, at most three: a count for each name.
        unit: What is counted.
        caption: What is to be seen, one sentence.
    """
    left = 12 + _LETTER * min(_NAME, max(map(len, names)))
    most = max(map(sum, zip(*parts.values(), strict=True)))
    scale = (WIDTH - left - 18) / max(1, most)
    bottom = _TOP + _ROW * len(names)
    body = [_legend(parts, left)]
    body += [_tick(left + value * scale, _TOP, bottom, value) for value in _round_steps(most)]
    for number, name in enumerate(names):
        y, x = _TOP + _ROW * number, left
        shown = name if len(name) <= _NAME else name[: _NAME - 1] + "…"
        body.append(
            Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="end">{}<title>{}</title></text>')
            .format(left - 6, y + 13, shown, name)
        )  # fmt: skip
        for colour, (part, counts) in zip(_COLOURS, parts.items(), strict=False):
            width = counts[number] * scale
            body.append(
                Markup(
                    '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{}" fill="{}">'
                    "<title>{}, {}: {:,}</title></rect>"
                ).format(x, y + 3, width, _BAR, colour, name, part, counts[number])
            )
            x += width
    body.append(_text((left + WIDTH) / 2, bottom + 31, unit))
    return _figure(body, bottom + _BOTTOM, caption)


def outlines(
    panels: Sequence[tuple[str, ArrayLike, Mapping[str, ArrayLike]]], height: str, caption: str
) -> Markup:
    """Histograms as outlines laid over one another; several of them side by side.

    Args:
        panels: Of each: what is measured, the bins' edges, and by series, at most three, a height
            for each bin, 0 or more.
        height: What the heights are.
        caption: What is to be seen, one sentence.
    """
    import numpy as np

    bottom, wide = _TOP + _PANEL, WIDTH / len(panels)
    body = [_legend(panels[0][2], 40), _text(WIDTH - 10, 14, height, "end")]
    for place, (name, given, series) in enumerate(panels):
        edges = np.asarray(given, dtype=float)
        left, low, high = wide * place + 40, float(edges[0]), float(edges[-1])
        tallest = max(float(np.max(values)) for values in series.values()) or 1.0
        scale = (wide - 55) / max(high - low, 1e-9)
        body += [
            _tick(left + (value - low) * scale, _TOP, bottom, value)
            for value in _round_steps(high, low)
        ]
        for value in _round_steps(tallest):
            level = bottom - value / tallest * _PANEL
            body.append(_text(left - 4, level + 4, f"{value:,.4g}", "end"))
        x = np.repeat(left + (edges - low) * scale, 2)
        for colour, values in zip(_COLOURS, series.values(), strict=False):
            y = bottom - np.repeat(np.asarray(values, dtype=float), 2) / tallest * _PANEL
            corners = zip(x, (bottom, *y.tolist(), bottom), strict=True)
            points = " ".join(f"{across:.1f},{down:.1f}" for across, down in corners)
            body.append(
                Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="1.4"/>')
                .format(points, colour)
            )  # fmt: skip
        body.append(_text(left + (wide - 55) / 2, bottom + 31, name))
    return _figure(body, bottom + _BOTTOM, caption)


def _round_steps(high: float, low: float = 0.0) -> list[float]:
    """Three to seven values between, 1, 2 or 5 of a power of ten apart."""
    if high <= low:
        return [low]
    power = 10.0 ** floor(log10((high - low) / 3))
    step = max(power * digit for digit in (1, 2, 5) if power * digit <= (high - low) / 3 * 1.0001)
    first = -floor(-low / step)
    return [number * step for number in range(first, floor(high / step * 1.0001) + 1)]


def _legend(names: Iterable[str], x: float) -> Markup:
    entries = []
    for colour, name in zip(_COLOURS, names, strict=False):
        entries.append(
            Markup('<rect x="{:.1f}" y="5" width="10" height="10" fill="{}"/>{}').format(
                x, colour, _text(x + 14, 14, name, "start")
            )
        )
        x += 30 + _LETTER * len(name)
    return Markup("").join(entries)


def _tick(x: float, top: float, bottom: float, value: float) -> Markup:
    line = Markup('<line x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}" stroke="{3}" opacity="0.25"/>')
    return line.format(x, top, bottom, _GREY) + _text(x, bottom + 15, f"{value:,.6g}")


def _text(x: float, y: float, text: str, anchor: str = "middle") -> Markup:
    return Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>').format(
        x, y, anchor, text
    )


def _figure(body: Iterable[Markup], height: float, caption: str) -> Markup:
    return Markup(
        '<figure class="chart"><div class="scroll"><svg style="--natural: {0:.0f}pt" '
        'viewBox="0 0 {0:.0f} {1:.0f}" font-size="10" role="img" aria-label="{3}">{2}</svg>'
        "</div><figcaption>{3}</figcaption></figure>"
    ).format(WIDTH, height, Markup("").join(body), caption)
