"""Building a backbone from its spec."""

from vitforge.artifacts import BackboneSpec
from vitforge.backbones.interface import Backbone


def build(spec: BackboneSpec, num_classes: int, image_size: int = 0) -> Backbone:
    """Build the model with a fresh head, and load its weights where `spec.pretrained` says so.

    Random weights come from torch's generator: seed it for the same ones.

    Args:
        spec: From `resolve`, or from a plan or checkpoint.
        num_classes: Outputs of the head.
        image_size: Input height and width, pixels; 0 takes the spec's, or the model's own.

    Raises:
        VitforgeError: if an argument does not fit the architecture, the weights cannot be had
            without a pickle, or the hub cannot be reached.
    """
    if spec.library == "timm":
        from vitforge.backbones.timm_backbone import build_timm

        return build_timm(spec, num_classes, image_size)
    from vitforge.backbones.transformers_backbone import build_transformers

    return build_transformers(spec, num_classes, image_size)
