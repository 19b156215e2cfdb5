"""Where attention points, as pictures, and whether the answer rests on it: rollout, falsified.

Shapes: N images, P patches.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from vitforge.artifacts import MetricRow
from vitforge.config.data import Task
from vitforge.evaluation.evaluator import Context, Need
from vitforge.evaluation.falsification import deletion_and_insertion
from vitforge.evaluation.rollout import rollout
from vitforge.evaluation.stress import StressSet, images_at, stress_set, to_input
from vitforge.report import Section, image_wall, prose
from vitforge.statistics import Dense, Draws, percentile_interval

NEEDS: Need = "model"
TASKS: Sequence[Task] = ("single_label", "multi_label")
SHOWN = 6
"""Images shown with their maps."""


def rows(context: Context) -> list[MetricRow]:
    """`deletion` and `insertion`: areas under the first answer's probability while patches go or
    come by their rollout; `deletion_gain` and `insertion_gain`: by how much that is better than
    in a random order.

    A map that the answer does not rest on gains nothing. None for an architecture without one map
    of all patches.
    """
    seen = _look(context)
    if seen is None:
        return []
    _, images, maps = seen
    rng = np.random.default_rng(context.seed)
    with torch.inference_mode():
        first = context.trained.backbone(images).argmax(1, keepdim=True)

    def probability(some: torch.Tensor) -> torch.Tensor:
        outputs = context.trained.backbone(some)
        single = context.found.task == "single_label"
        shares: torch.Tensor = outputs.softmax(1) if single else outputs.sigmoid()
        return shares.gather(1, first)[:, 0]

    with torch.inference_mode():
        deletion, insertion = deletion_and_insertion(probability, images, maps)
        random = rng.random(maps.shape, dtype=np.float32)
        by_chance, come_by_chance = deletion_and_insertion(probability, images, random)
    columns = {
        "deletion": (deletion, "lower is better"),
        "insertion": (insertion, "higher is better"),
        "deletion_gain": (by_chance - deletion, "random patches less rollout's; over 0 is better"),
        "insertion_gain": (
            insertion - come_by_chance,
            "rollout's less random patches; over 0 is better",
        ),
    }
    return [_row(name, values, note, context) for name, (values, note) in columns.items()]


def sections(context: Context, found: Sequence[MetricRow]) -> list[Section]:
    """Images beside their maps: the surest mistakes first, then right answers."""
    seen = _look(context, _shown(context)) if found else None
    if seen is None:
        return []
    chosen, _, maps = seen
    classes = context.info.classes
    wall = []
    for image, place, weights in zip(chosen.pixels, chosen.places, maps, strict=True):
        said = ""
        if context.found.task == "single_label":
            i = int(place)
            right, truth = classes[context.found.predicted[i]], classes[context.found.labels[i]]
            said = right if right == truth else f"{right}, is {truth}"
        wall += [(Image.fromarray(image), said), (overlay(image, weights), "")]
    gain = next(row for row in found if row.name == "deletion_gain")
    told = "cannot be told apart from random ones"
    if gain.low is not None and gain.low > 0:
        told = "matter more than random ones: the maps show what the answers rest on"
    elif gain.high is not None and gain.high < 0:
        told = "matter less than random ones: do not read the maps as reasons"
    text = prose(
        "Attention rollout through all layers; bright is where the answer looks. Taken away, the "
        f"patches it points at {told} (gain {gain.value:.3f}, n = {gain.n})."
    )
    return [Section("Attention maps", text + image_wall(wall, columns=6), "attention-maps")]


def overlay(image_HWC: NDArray[np.uint8], weights_PP: NDArray[np.float32]) -> Image.Image:
    """The image in grey, with its heaviest patches in colour."""
    height, width = image_HWC.shape[:2]
    spread = weights_PP - weights_PP.min()
    scaled = (spread / max(float(spread.max()), 1e-12) * 255).astype(np.uint8)
    heat = np.asarray(Image.fromarray(scaled).resize((width, height), Image.Resampling.BILINEAR))
    grey = image_HWC.mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.6
    share = heat[..., None] / 255 * 0.75
    mixed = grey * (1 - share) + np.array([255, 170, 30]) * share
    return Image.fromarray(mixed.astype(np.uint8))


def _shown(context: Context) -> NDArray[np.int64]:
    found = context.found
    most = min(SHOWN, context.config.stress.rollout_images)
    if found.task != "single_label":
        return np.arange(min(most, found.n))
    surest_wrong_first = np.lexsort((-found.confidence, found.correct))
    return np.asarray(surest_wrong_first[:most], dtype=np.int64)


def _look(
    context: Context, places: NDArray[np.int64] | None = None
) -> tuple[StressSet, torch.Tensor, NDArray[np.float32]] | None:
    """Images, drawn or at places, as the model sees them, and their rollout; None without one."""
    count, trained = context.config.stress.rollout_images, context.trained
    if not count or not trained.backbone.attention_modules():
        return None
    chosen = stress_set(context, count) if places is None else images_at(context, places)
    images = torch.from_numpy(to_input(chosen.pixels, trained.preprocessing)).to(trained.device)
    maps = rollout(trained.backbone, images)
    return None if maps is None else (chosen, images, maps)


def _row(name: str, values_N: NDArray[np.float64], note: str, context: Context) -> MetricRow:
    low = high = None
    if context.config.bootstrap:
        draws = Draws(len(values_N), context.config.bootstrap, context.seed)
        drawn = draws.means(Dense(values_N[:, None].astype(np.float32)))
        low, high = percentile_interval(drawn[:, 0], context.config.confidence_level)
    return MetricRow(
        name=name,
        value=float(values_N.mean()),
        low=low,
        high=high,
        n=len(values_N),
        note=f"area under the probability of the first answer, {note}; bootstrap percentile",
    )
