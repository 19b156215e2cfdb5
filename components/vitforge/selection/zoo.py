"""The backbones that are known without asking a hub: `zoo.yaml`."""

import functools
from importlib import resources
from typing import Any

import yaml

from vitforge.config import Section, parse
from vitforge.config.section import AtLeastOne, Fraction, Positive


class ZooEntry(Section):
    """One set of weights."""

    backbone: str
    """`timm/NAME`, which is its hub id too."""
    family: str
    """Which line of work it belongs to: ViT, DeiT, Swin v2…"""
    parameters: AtLeastOne
    """With a head of 1,000 classes, count."""
    gflops: Positive
    """10^9 multiplications and additions of one image's forward pass."""
    image_size: AtLeastOne
    """Height and width, pixels."""
    pretraining: str
    """The data that the weights have seen, in order."""
    licence: str
    """Of the weights, an SPDX identifier in lower case where there is one."""
    top1: Fraction | None
    """Published accuracy on ImageNet-1k; None where the weights have no classifier."""


@functools.cache
def zoo() -> tuple[ZooEntry, ...]:
    """All entries, in the file's order."""
    text = resources.files(__package__).joinpath("zoo.yaml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = yaml.safe_load(text)
    return tuple(parse(ZooEntry, row, f"zoo.yaml, entry {at}") for at, row in enumerate(rows))


def find_entry(backbone: str) -> ZooEntry | None:
    """The entry of that backbone; None where the zoo does not know it."""
    return next((entry for entry in zoo() if entry.backbone == backbone), None)
