"""Backbones of timm."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import timm
from timm.layers import Format
from torch import Tensor, nn

from vitforge.artifacts import BackboneSpec
from vitforge.backbones.hub import fetch
from vitforge.backbones.interface import Backbone
from vitforge.backbones.weights import find_weights
from vitforge.errors import VitforgeError

EMBEDDINGS = (
    "patch_embed",
    "pos_embed",
    "cls_token",
    "dist_token",
    "reg_token",
    "norm_pre",
    "rope",
    "stem",
)
OURS = ("num_classes", "in_chans")
"""Settings of a saved model that the data decides."""


class TimmBackbone(Backbone):
    """A timm classifier."""

    model: Any

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Normalised images, float, to logits of shape (N, K)."""
        logits: Tensor = self.model(images_NCHW)
        return logits

    def features(self, images_NCHW: Tensor) -> Tensor:
        """Normalised images to what the head sees, shape (N, D)."""
        pooled: Tensor = self.model.forward_head(
            self.model.forward_features(images_NCHW), pre_logits=True
        )
        return pooled

    @property
    def head(self) -> nn.Module:
        """The classifier; distilled DeiT has two, given as a list."""
        head = self.model.get_classifier()
        return nn.ModuleList(head) if isinstance(head, tuple) else head

    def embedding_parameters(self) -> list[nn.Parameter]:
        """Patch projection, position embeddings, class tokens: all that precedes the blocks."""
        named = self.model.named_parameters()
        return [p for name, p in named if name.split(".")[0] in EMBEDDINGS]

    @contextmanager
    def any_size(self) -> Iterator[None]:
        """While inside, a plain backbone takes images of any size that its patches divide."""
        patches = self.model.patch_embed
        kept = patches.strict_img_size, patches.flatten, patches.output_fmt
        patches.strict_img_size, patches.flatten, patches.output_fmt = False, False, Format.NHWC
        self.model.dynamic_img_size = True
        try:
            yield
        finally:
            patches.strict_img_size, patches.flatten, patches.output_fmt = kept
            self.model.dynamic_img_size = False


def build_timm(spec: BackboneSpec, num_classes: int, image_size: int = 0) -> TimmBackbone:
    """Build a timm model; see `vitforge.backbones.build`."""
    name, args = spec.name, dict(spec.args)
    overlay: dict[str, Any] = {}
    folder = Path(name)
    if folder.is_dir():
        name, kept, overlay = _read_folder(folder)
        args = {**kept, **args}
    if image_size and _is_sized(name):
        args["img_size"] = image_size
    if spec.pretrained:
        source = folder if folder.is_dir() else fetch(_repository(name))
        overlay = {**overlay, "file": str(find_weights(source)[0]), "source": ""}
    try:
        model = timm.create_model(
            name,
            pretrained=spec.pretrained,
            num_classes=num_classes,
            pretrained_cfg_overlay=overlay or None,
            **args,
        )
    except (TypeError, ValueError, AssertionError, RuntimeError) as error:
        raise VitforgeError(
            f"timm cannot build {name}: {error}",
            where=f"args {args}",
            mend="check the backbone's args",
        ) from error
    cfg = model.pretrained_cfg
    return TimmBackbone(
        model,
        spec.model_copy(update={"name": name, "args": args}),
        image_size=int(args.get("img_size") or image_size or cfg["input_size"][-1]),
        mean=tuple(cfg["mean"]),
        std=tuple(cfg["std"]),
    )


def _is_sized(name: str) -> bool:
    """Whether the architecture is built for one image size; a ConvNeXt is not."""
    found = timm.models.get_pretrained_cfg(name, allow_unregistered=True)
    return bool(found and found.fixed_input_size)


def _read_folder(folder: Path) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Architecture, its arguments, and the weights' settings, from timm's `config.json`."""
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    args = dict(config.get("model_args") or {})
    size = args.get("img_size")
    if isinstance(size, list) and len(set(size)) == 1:
        args["img_size"] = size[0]
    overlay = dict(config.get("pretrained_cfg") or {})
    if "num_classes" in config:
        overlay["num_classes"] = config["num_classes"]
    return config["architecture"], {k: v for k, v in args.items() if k not in OURS}, overlay


def _repository(name: str) -> str:
    """Hub id of an architecture's pretrained weights."""
    found = timm.models.get_pretrained_cfg(name)
    repository = found.hf_hub_id if found else None
    if not repository:
        raise VitforgeError(
            f"timm offers the weights of {name} only as a pickle",
            where=f"timm/{name}",
            mend="take one of the names that `timm.list_pretrained()` tells",
        )
    return str(repository)
