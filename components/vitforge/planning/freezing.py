"""How many of the first blocks to keep fixed."""

from dataclasses import dataclass
from typing import Literal

from vitforge.config import Strategy
from vitforge.errors import ConfigError

Similarity = Literal["high", "medium", "low"]
Amount = Literal["little", "some", "much"]

SIMILAR, DIFFERENT = 0.75, 0.4
"""Task similarity from which a task counts as like, and under which as unlike, the pretraining."""
LITTLE, MUCH = 1_000, 10_000
"""Training images under which data is little, and from which it is much."""

FROZEN: dict[tuple[Similarity, Amount], float] = {
    ("high", "little"): 1.0,
    ("high", "some"): 9 / 12,
    ("high", "much"): 4 / 12,
    ("medium", "little"): 9 / 12,
    ("medium", "some"): 7 / 12,
    ("medium", "much"): 0.0,
    ("low", "little"): 7 / 12,
    ("low", "some"): 3 / 12,
    ("low", "much"): 0.0,
}
"""Share of the blocks to freeze. 1 is head only; 7 of 12 is the document's partial freezing
(layers 0 to 6); the order follows Yosinski et al. 2014, https://arxiv.org/abs/1411.1792: early
features carry over, late ones are the task's own, and more data lets more of them be learnt."""


@dataclass(frozen=True)
class FreezingPlan:
    """Which blocks stay fixed, and why."""

    strategy: Strategy
    """`head`, `partial` or `full`; a valid value of the config's `strategy`."""
    frozen_blocks: int
    """Blocks fixed, from the input on; a valid value of `finetuning.frozen_blocks`."""
    depth: int
    trained_share: float
    """Of the blocks, [0, 1]."""
    similarity: Similarity
    amount: Amount
    reasons: tuple[str, ...]


def plan_freezing(depth: int, images: int, similarity: float) -> FreezingPlan:
    """Choose from task similarity × amount of data.

    Args:
        depth: Blocks of the backbone, 1 or more.
        images: Training images, 1 or more.
        similarity: How far the pretrained features already solve the task, [0, 1]; measure it with
            `vitforge.planning.similarity.task_similarity`.

    Raises:
        ConfigError: if a number is out of range.
    """
    if depth < 1:
        raise ConfigError(f"a depth of {depth} has no block to freeze", mend="type 12 for ViT-B")
    if images < 1:
        raise ConfigError(f"{images} images train nothing", mend="type the number of train images")
    if not 0 <= similarity <= 1:
        raise ConfigError(
            f"a similarity of {similarity:g} is not between 0 and 1",
            mend="type 0 (nothing alike) to 1 (the same task), or measure it with --features",
        )
    like: Similarity = (
        "high" if similarity >= SIMILAR else "low" if similarity < DIFFERENT else "medium"
    )
    amount: Amount = "little" if images < LITTLE else "much" if images >= MUCH else "some"
    frozen = round(FROZEN[like, amount] * depth)
    strategy: Strategy = "head" if frozen == depth else "partial" if frozen else "full"
    return FreezingPlan(
        strategy,
        frozen,
        depth,
        1 - frozen / depth,
        like,
        amount,
        (
            f"similarity {similarity:.2f} is {like} (high from {SIMILAR}, low under {DIFFERENT})",
            f"{images} images is {amount} data (little under {LITTLE}, much from {MUCH})",
            _say(strategy, frozen, depth),
        ),
    )


def check_frozen_blocks(frozen: int, depth: int) -> None:
    """Refuse to freeze blocks that are not there.

    Raises:
        ConfigError: if `frozen` is negative or above `depth`.
    """
    if not 0 <= frozen <= depth:
        raise ConfigError(
            f"{frozen} blocks cannot be frozen: the backbone has {depth}",
            mend=f"type a number from 0 to {depth}; {depth} trains the head alone",
        )


def _say(strategy: Strategy, frozen: int, depth: int) -> str:
    if strategy == "head":
        return "train the head alone: the features fit, and the data is too little to improve them"
    if strategy == "full":
        return "train every block: the data carries it"
    return f"freeze blocks 0 to {frozen - 1}, train {frozen} to {depth - 1} and the head"
