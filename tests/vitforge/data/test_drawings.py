import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest

from vitforge.data.drawings import _round_steps, outlines, stacked_bars


def test_bars_are_as_long_as_their_counts_and_lie_end_to_end() -> None:
    drawn = ElementTree.fromstring(
        stacked_bars(["cat", "<dog>"], {"a": [30, 5], "b": [10, 0]}, "images", "x & y")
    )
    bars = [rect for rect in drawn.iter("rect") if rect.find("title") is not None]
    widths = [float(bar.get("width", "nan")) for bar in bars]
    starts = [float(bar.get("x", "nan")) for bar in bars]
    assert widths == pytest.approx([widths[0], widths[0] / 3, widths[0] / 6, 0], abs=0.1)
    assert starts[1] == pytest.approx(starts[0] + widths[0], abs=0.2)
    assert starts[0] == starts[2]
    assert [bar.findtext("title") for bar in bars][2] == "<dog>, a: 5"
    assert drawn.findtext("figcaption") == "x & y"


def test_an_outline_rises_to_its_heights_over_its_bins() -> None:
    panel = ("size", np.array([0.0, 1.0, 3.0]), {"train": [0.25, 1.0], "val": [0.5, 0.5]})
    drawn = ElementTree.fromstring(outlines([panel], "share", "One."))
    first, second = (
        np.array([corner.split(",") for corner in line.get("points", "").split()], dtype=float)
        for line in drawn.iter("polyline")
    )
    base, top = first[0, 1], first[:, 1].min()
    heights = (base - first[:, 1]) / (base - top)
    assert heights == pytest.approx([0, 0.25, 0.25, 1, 1, 0], abs=0.01)
    assert ((base - second[1:-1, 1]) / (base - top)) == pytest.approx([0.5] * 4, abs=0.01)
    left, right = first[0, 0], first[-1, 0]
    assert (first[2, 0] - left) / (right - left) == pytest.approx(1 / 3, abs=0.01)


@pytest.mark.parametrize(
    ("high", "low", "steps"),
    [
        (1000, 0, [0, 200, 400, 600, 800, 1000]),
        (255, 0, [0, 50, 100, 150, 200, 250]),
        (3, 0, [0, 1, 2, 3]),
        (0.13, 0, [0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12]),
        (8.5, 7.5, [7.6, 7.8, 8.0, 8.2, 8.4]),
        (4, 4, [4]),
    ],
)
def test_steps_are_round(high: float, low: float, steps: list[float]) -> None:
    assert _round_steps(high, low) == pytest.approx(steps)


def test_the_page_needs_no_matplotlib() -> None:
    code = (
        "import sys, numpy as np; from vitforge.data import page, page_findings, drawings;"
        "drawings.outlines([('x', [0, 1], {'a': [1]})], 'y', 'z');"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
