"""Backbones of transformers."""

import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import transformers
from torch import Tensor, nn
from transformers import AutoConfig, AutoModelForImageClassification

from vitforge.artifacts import BackboneSpec
from vitforge.backbones.hub import fetch
from vitforge.backbones.interface import IMAGENET_MEAN, IMAGENET_STD, Backbone, Triple
from vitforge.backbones.positions import resize_positions
from vitforge.backbones.weights import find_weights
from vitforge.errors import VitforgeError

HEADS = ("classifier", "cls_classifier", "distillation_classifier")


class TransformersBackbone(Backbone):
    """A transformers image classifier, asked for logits only.

    With soft labels transformers would silently take another loss, so labels never reach it.
    """

    model: Any

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Normalised images, float, to logits of shape (N, K)."""
        if images_NCHW.shape[-1] == self.image_size:
            logits: Tensor = self.model(pixel_values=images_NCHW).logits
        else:  # inside `any_size`; the argument is not every model's
            logits = self.model(pixel_values=images_NCHW, interpolate_pos_encoding=True).logits
        return logits

    def features(self, images_NCHW: Tensor) -> Tensor:
        """Normalised images to what the head sees, shape (N, D)."""
        seen: list[Tensor] = []
        head = self.head[0] if isinstance(self.head, nn.ModuleList) else self.head
        hook = head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
        try:
            self(images_NCHW)
        finally:
            hook.remove()
        return seen[0]

    @property
    def head(self) -> nn.Module:
        """The classifier; distilled DeiT has two, given as a list."""
        found = [getattr(self.model, name) for name in HEADS if hasattr(self.model, name)]
        return found[0] if len(found) == 1 else nn.ModuleList(found)

    def embedding_parameters(self) -> list[nn.Parameter]:
        """Patch projection, position embeddings, class tokens: all that precedes the blocks."""
        return [p for name, p in self.model.named_parameters() if ".embeddings." in name]

    def any_size(self) -> AbstractContextManager[None]:
        """While inside, a plain backbone takes images of any size that its patches divide."""
        return nullcontext()


def build_transformers(
    spec: BackboneSpec, num_classes: int, image_size: int = 0
) -> TransformersBackbone:
    """Build a transformers model; see `vitforge.backbones.build`."""
    folder: Path | None = Path(spec.name) if Path(spec.name).is_dir() else None
    if folder is None and (spec.pretrained or not _config_is_known(spec)):
        folder = fetch(spec.name, weights=spec.pretrained)
    if folder is not None and spec.pretrained:
        find_weights(folder)
    config = _config(spec, folder)
    config.num_labels = num_classes
    config.architectures = config.architectures or []  # None is one that DeiT cannot read
    vision = getattr(config, "vision_config", config)  # SigLIP's lies a step deeper
    if image_size:
        vision.image_size = image_size
    try:
        if spec.pretrained and folder is not None:
            model = _load(folder, config)
        else:
            model = AutoModelForImageClassification.from_config(config)
    except (KeyError, ValueError, TypeError) as error:
        raise VitforgeError(
            f"transformers cannot build {spec.display}: {error}", mend="check the backbone's args"
        ) from error
    mean, std = _normalisation(folder)
    # The whole config travels in the spec, so that a checkpoint needs neither folder nor hub.
    args = {**json.loads(config.to_json_string()), "model_type": config.model_type}
    name = config.model_type if Path(spec.name).is_dir() else spec.name
    return TransformersBackbone(
        model,
        spec.model_copy(update={"name": name, "args": args}),
        image_size=int(vision.image_size),
        mean=mean,
        std=std,
    )


def _config_is_known(spec: BackboneSpec) -> bool:
    return "model_type" in spec.args or spec.name in transformers.CONFIG_MAPPING


def _config(spec: BackboneSpec, folder: Path | None) -> Any:
    args = dict(spec.args)
    if folder is not None:
        return AutoConfig.from_pretrained(folder, local_files_only=True, **args)
    return AutoConfig.for_model(args.pop("model_type", spec.name), **args)


def _load(folder: Path, config: Any) -> Any:
    """Load safetensors; only the head may differ, and position embeddings are interpolated."""
    model, told = AutoModelForImageClassification.from_pretrained(
        folder,
        config=config,
        use_safetensors=True,
        ignore_mismatched_sizes=True,
        local_files_only=True,
        output_loading_info=True,
    )
    keys = {key[0] if isinstance(key, tuple) else key for key in told["mismatched_keys"]}
    keys |= set(told["missing_keys"])
    keys -= resize_positions(model, folder, keys)
    strangers = sorted(key for key in keys if key.split(".")[0] not in HEADS)
    if strangers:
        raise VitforgeError(
            f"the weights do not fit the architecture: {', '.join(strangers[:3])}",
            where=str(folder),
            mend="leave args, and the image size too, as the weights were trained with",
        )
    return model


def _normalisation(folder: Path | None) -> tuple[Triple, Triple]:
    file = folder / "preprocessor_config.json" if folder is not None else None
    if file is None or not file.is_file():
        return IMAGENET_MEAN, IMAGENET_STD
    told = json.loads(file.read_text(encoding="utf-8"))
    return (
        tuple(told.get("image_mean") or IMAGENET_MEAN),
        tuple(told.get("image_std") or IMAGENET_STD),
    )
