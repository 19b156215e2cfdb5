"""How far a pretrained backbone already solves a task: from images, or from a file of features."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vitforge.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from vitforge.artifacts import Preprocessing
    from vitforge.data.raw import RawImage
    from vitforge.training.images import ImageSet


def similarity_of_images(
    name: str, source: str, sample: int, steps: int, seed: int
) -> dict[str, Any]:
    """Run a sample through a pretrained backbone and judge every block.

    Args:
        name: Any backbone that `vitforge.backbones.resolve` takes; its weights are loaded.
        source: Any data set that `vitforge check-data` takes, of one class an image.
        sample: Images looked at, drawn evenly from the classes.
        steps: Of a short fine-tune that blocks are compared before and after; 0 = none.
        seed: Of the sample and the fine-tune.

    Returns:
        The backbone's depth, the similarity, and what each block showed.

    Raises:
        VitforgeError: if the images or the weights cannot be had.
    """
    import torch

    from vitforge.artifacts import Preprocessing
    from vitforge.backbones import build, resolve
    from vitforge.config import DataConfig
    from vitforge.data.sources import read_source
    from vitforge.selection.blocks import block_features
    from vitforge.training.hardware import choose_device

    raw = read_source(source, DataConfig())
    if raw.task != "single_label":
        raise ConfigError(
            f"similarity needs one class an image, and this is a {raw.task} task",
            where=source,
            mend="type --similarity 0.5, or measure it with --features FILE",
        )
    there = [image for image in raw.images if image.split in ("", "train")]
    torch.manual_seed(seed)
    backbone = build(resolve(name), len(raw.classes))
    how = Preprocessing(image_size=backbone.image_size, mean=backbone.mean, std=backbone.std)
    images = _decode(_draw(there, sample, seed), raw.classes, how)
    device = choose_device("auto")
    before = block_features(backbone, images, how, device)
    after = []
    if steps:
        _train_shortly(backbone, images, len(raw.classes), how, steps, seed)
        after = block_features(backbone, images, how, device)
    told = _judge(before, images.labels_N.numpy(), after)
    return told | {"backbone": name, "train_images": len(there), "sample_images": len(images)}


def similarity_of_file(path: Path) -> dict[str, Any]:
    """The same from an `.npz` of `labels`, `block_0`, `block_1`…, and `after_0`… where there are.

    Raises:
        ConfigError: if the file cannot be read or an array is missing.
    """
    import zipfile

    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = dict(file)
    except (OSError, EOFError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise ConfigError(
            f"the features cannot be read: {error}",
            where=str(path),
            mend="write them with numpy.savez(FILE, labels=..., block_0=..., block_1=...)",
        ) from error
    depth = sum(name.startswith("block_") for name in arrays)
    wanted = ["labels", *(f"block_{i}" for i in range(max(1, depth)))]
    if missing := [name for name in wanted if name not in arrays]:
        raise ConfigError(f"{missing[0]} is missing", where=str(path), mend=f"add {missing[0]}")
    before = [arrays[f"block_{i}"] for i in range(depth)]
    after = [arrays[name] for i in range(depth) if (name := f"after_{i}") in arrays]
    return _judge(before, arrays["labels"], after)


def _judge(
    before: Sequence[NDArray[Any]], labels_N: NDArray[Any], after: Sequence[NDArray[Any]]
) -> dict[str, Any]:
    from vitforge.planning.similarity import cka_per_block, settled_blocks, task_similarity

    probes = [task_similarity(block, labels_N) for block in before]
    told: dict[str, Any] = {
        "depth": len(before),
        "similarity": probes[-1],
        "probe_per_block": probes,
    }
    if after:
        told["cka"] = cka_per_block(before, after)
        told["settled_blocks"] = settled_blocks(told["cka"])
    return told


def _draw(images: Sequence[RawImage], count: int, seed: int) -> list[RawImage]:
    """Evenly from the classes, which take turns."""
    import numpy as np

    by_class: dict[str, list[RawImage]] = {}
    for at in np.random.default_rng(seed).permutation(len(images)):
        by_class.setdefault(images[at].label, []).append(images[at])
    turns = [(turn, image) for some in by_class.values() for turn, image in enumerate(some)]
    return [image for _, image in sorted(turns, key=lambda pair: pair[0])[:count]]


def _decode(images: Sequence[RawImage], classes: Sequence[str], how: Preprocessing) -> ImageSet:
    import numpy as np
    import torch

    from vitforge.preprocessing import decode_image, resize_image
    from vitforge.training.images import ImageSet

    pixels = [np.asarray(resize_image(decode_image(one.load()), how)) for one in images]
    return ImageSet(
        torch.from_numpy(np.stack(pixels).transpose(0, 3, 1, 2).copy()),
        torch.tensor([classes.index(one.label) for one in images]),
        tuple(one.id for one in images),
    )


def _train_shortly(
    backbone: Any, images: ImageSet, classes: int, how: Preprocessing, steps: int, seed: int
) -> None:
    """Every weight, without augmentation: what moves is what the task asks to move."""
    import math

    from vitforge.config import AugmentationConfig, FinetuningConfig
    from vitforge.training.fit import fit
    from vitforge.training.job import Job

    plain = AugmentationConfig(
        randaugment_ops=0, horizontal_flip=0, min_crop=1, erasing=0, mixup=0, cutmix=0
    )
    recipe = FinetuningConfig(augmentation=plain)
    epochs = math.ceil(steps / (len(images) // min(recipe.batch_size, len(images))))
    recipe = recipe.model_copy(update={"warmup_epochs": epochs / 5})
    fit(
        backbone,
        Job(images, None, classes, how, recipe, "full", epochs, seed=seed, max_steps=steps),
    )
