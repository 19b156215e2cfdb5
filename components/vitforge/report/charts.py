"""Matplotlib figures as inline SVG that follows the page's light or dark colours."""

import hashlib
import io
import re
from contextlib import AbstractContextManager
from typing import Any

from markupsafe import Markup

_GREY = "#8a9099"
_STYLE = {
    "axes.edgecolor": _GREY,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    # Mid-tones that stand out from white and from near-black paper, also for colour-blind eyes.
    "axes.prop_cycle": "cycler('color', ['4c86b8', 'd98a3d', '5b9e77', 'b0648f', '8a7fc0'])",
    "figure.figsize": (7.5, 3.2),
    "figure.constrained_layout.use": True,
    "font.size": 10,
    "grid.alpha": 0.25,
    "grid.color": _GREY,
    "legend.frameon": False,
    "xtick.color": _GREY,
    "xtick.labelcolor": "black",
    "ytick.color": _GREY,
    "ytick.labelcolor": "black",
}


def chart_style() -> AbstractContextManager[Any]:
    """The reports' look for figures made inside `with chart_style():`. Black becomes the ink."""
    import matplotlib as mpl

    return mpl.rc_context(_STYLE)


def figure_svg(figure: Any, caption: str = "") -> Markup:
    """Inline a figure; the same figure gives the same bytes.

    Args:
        figure: A `matplotlib.figure.Figure` (make it directly; pyplot is not needed).
        caption: What is to be seen, one sentence.
    """
    import matplotlib as mpl

    buffer = io.StringIO()
    # Text stays text: small, selectable, and in the page's colour.
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "vitforge"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    svg = buffer.getvalue()
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) width="([\d.]+)pt"', r'\1 style="--natural: \2pt"', svg, count=1)
    svg = re.sub(r"#000000\b", "currentColor", svg)
    # Ids are made unique, for a page holds several figures.
    own = "f" + hashlib.sha256((svg + caption).encode()).hexdigest()[:8] + "-"
    svg = re.sub(r'\bid="', f'id="{own}', svg)
    svg = re.sub(r'href="#', f'href="#{own}', svg)
    svg = re.sub(r"url\(#", f"url(#{own}", svg)
    below = Markup("<figcaption>{}</figcaption>").format(caption) if caption else Markup("")
    return Markup('<figure class="chart"><div class="scroll">{}</div>{}</figure>').format(
        Markup(svg), below
    )
