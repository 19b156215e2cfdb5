"""How images reach a backbone, in training and ever after."""

from vitforge.artifacts import DatasetInfo, Preprocessing
from vitforge.backbones import Backbone
from vitforge.config import AugmentationConfig

SMALLEST_STD = 1 / 255


def choose_preprocessing(
    backbone: Backbone, info: DatasetInfo, augmentation: AugmentationConfig
) -> Preprocessing:
    """Size, resize rule and normalisation.

    Pretrained weights keep the normalisation that they were trained with; random ones take the
    data's own. Glyphs are squashed, because a crop could cut a stroke off; photographs are
    cropped, because squashing bends shapes.
    """
    mean, std = backbone.mean, backbone.std
    if not backbone.spec.pretrained:
        mean = info.statistics.mean
        red, green, blue = (max(value, SMALLEST_STD) for value in info.statistics.std)
        std = (red, green, blue)
    return Preprocessing(
        image_size=backbone.image_size,
        mean=mean,
        std=std,
        resize="squash" if augmentation.randaugment_space == "glyph" else "crop",
    )


def training_size(how: Preprocessing, augmentation: AugmentationConfig) -> Preprocessing:
    """What training images are decoded to: larger where random crops will be taken.

    256 pixels for a 224-pixel input, in that ratio, as is usual for ImageNet.
    """
    if augmentation.min_crop >= 1:
        return how
    return how.model_copy(update={"image_size": round(how.image_size * 256 / 224)})
