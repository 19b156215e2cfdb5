"""The report's sections on what the checks found, with the worst pictures side by side."""

from collections.abc import Iterator

import numpy as np
from markupsafe import Markup
from PIL import Image

from vitforge.artifacts import TEST, TRAIN, VAL
from vitforge.data.checks.drift import distances
from vitforge.data.checks.finding import Examined, Finding
from vitforge.data.drawings import outlines
from vitforge.data.examine import Examination
from vitforge.preprocessing import decode_image
from vitforge.report import THUMBNAIL, image_wall, prose, table

_WALL = 8
"""Images a row; even, so that a pair stays side by side."""
_BINS = 30


def findings_section(found: Examination) -> Markup:
    """Each finding with what mends it, and its worst images under it."""
    if not found.findings:
        return prose("Nothing: no unreadable file, copy, leak, tiny class or odd picture.")
    return Markup("").join(_told(found.data, finding) for finding in found.findings)


def _told(data: Examined, finding: Finding) -> Markup:
    """Blocks and no table: a phone would squeeze its sentences to a word a line."""
    heading = Markup("<h3>{}: {}</h3>").format(finding.check, finding.severity)
    mend = [f"What mends it: {finding.mend}."] if finding.mend else []
    pictures = image_wall(_pictures(data, finding), _WALL) if finding.examples else Markup("")
    return heading + prose(f"{finding.cause}.", *mend) + pictures


def histogram_section(data: Examined) -> Markup:
    """Shorter side and brightness of all images, split by split."""
    splits = np.array(data.splits)
    panels = []
    for name, values in (
        ("shorter side, pixels", data.images.short_sides),
        ("brightness, of 255", data.images.brightness),
    ):
        edges = np.histogram_bin_edges(values, bins=_BINS)
        members = {split: values[splits == split] for split in (TRAIN, VAL, TEST)}
        shares = {
            split: np.histogram(some, edges)[0] / max(1, len(some))
            for split, some in members.items()
        }
        panels.append((name, edges, shares))
    return outlines(
        panels, "share of the split", "Splits that were drawn fairly lie on one another."
    )


def drift_section(data: Examined) -> Markup:
    """How far validation and test are from training, measure by measure."""
    rows = [
        (
            measure,
            split,
            distance,
            "drifted" if real else "as chance has it, or too little to matter",
        )
        for (measure, split), (distance, real) in distances(data).items()
    ]
    return prose(
        "Kolmogorov-Smirnov distance from the training images: 0 is equal, 1 is apart."
    ) + table(("Measure", "Split", "Distance", "Verdict"), rows)


def _pictures(data: Examined, finding: Finding) -> Iterator[tuple[Image.Image, str]]:
    for example in finding.examples:
        for row in example:
            image = data.images.raw[row]
            picture = decode_image(image.load(), data.config.max_pixels, at_least=THUMBNAIL)
            picture.thumbnail((THUMBNAIL, THUMBNAIL))
            yield picture, f"{data.splits[row]}: {image.label}, {image.id}"
