"""ViT-family models of timm and transformers behind one small interface.

`resolve` turns what a person typed into a `BackboneSpec`, `build` turns that into a `Backbone`,
and `checkpoint` keeps one on disk.
"""

from vitforge.backbones.build import build
from vitforge.backbones.interface import Backbone
from vitforge.backbones.resolve import resolve

__all__ = ["Backbone", "build", "resolve"]
