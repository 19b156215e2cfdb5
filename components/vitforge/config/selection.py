"""Settings of `select_model`."""

from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from vitforge.config.section import AtLeastOne, Count, Section

Use = Literal["research", "commercial"]
ZOO = "zoo"


class Candidate(Section):
    """One backbone to try."""

    backbone: str
    """`timm/NAME`, `transformers/NAME`, a hub id such as `google/vit-base-patch16-224`, or a local
    folder holding `config.json` and safetensors."""

    pretrained: bool = True
    """Load weights (true) or start from random ones (false, needs `timm/` or a local config)."""

    args: dict[str, Any] = Field(default_factory=dict)
    """Architecture settings passed on to the library, e.g. `{img_size: 32, patch_size: 4}`."""

    label: str = ""
    """Short name for reports; empty takes `backbone`."""

    licence: str = ""
    """Of the weights, an SPDX identifier such as `apache-2.0`, where you know it; empty asks the
    known backbones and the model card."""

    @field_validator("args")
    @classmethod
    def _restore_integers(cls, args: dict[str, Any]) -> dict[str, Any]:
        """Kubeflow hands every number in a dict on as a float; architectures count in integers."""
        return {key: _whole(value) for key, value in args.items()}

    @property
    def name(self) -> str:
        """What reports call this candidate."""
        return self.label or self.backbone


def _whole(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


class SelectionConfig(Section):
    """Which backbones are measured, and on how much data."""

    candidates: tuple[Candidate, ...] = (
        Candidate(backbone="timm/vit_small_patch16_224.augreg_in21k_ft_in1k"),
        Candidate(backbone="timm/deit_small_patch16_224.fb_in1k"),
    )
    """Backbones to measure on this data; used when `backbone` is empty. `zoo`, alone or as one of
    the list, adds the known backbones (`zoo: true`)."""

    zoo: bool = False
    """Also measure known pretrained backbones: the most promising ones that meet all demands."""

    shortlist: AtLeastOne = 5
    """Backbones of the zoo that are measured, count."""

    use: Use = "commercial"
    """What the model is for. A known licence that does not allow it is refused; `commercial` takes
    permissive licences only."""

    sample_images: AtLeastOne = 600
    """Training images that candidates are measured on, count; more is slower and surer; over 2,000
    adds little."""

    trial_steps: Count = 60
    """Steps of the short fine-tune that decides, count; 0 ranks on frozen features only."""

    max_latency_ms: float = Field(default=0.0, ge=0.0)
    """Slowest candidate allowed, milliseconds an image on this machine at batch 1; 0 = no limit."""

    max_parameters: Count = 0
    """Largest candidate allowed, parameters; 0 = no limit."""

    max_memory_gib: float = Field(default=0.0, ge=0.0)
    """Most memory that tensors may hold while training with this recipe, GiB, predicted; 0 = no
    limit. A GPU needs about a quarter more, for its context and for fragmentation."""

    @model_validator(mode="before")
    @classmethod
    def _read_zoo(cls, raw: Any) -> Any:
        """`candidates: zoo` and `candidates: [zoo, …]` are short for `zoo: true`."""
        given = raw.get("candidates") if isinstance(raw, dict) else None
        listed = [given] if given == ZOO else given
        if not isinstance(listed, list | tuple) or ZOO not in listed:
            return raw
        return {**raw, "zoo": True, "candidates": [one for one in listed if one != ZOO]}
