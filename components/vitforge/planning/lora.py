"""LoRA: what a rank costs, matrix by matrix."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from vitforge.errors import ConfigError
from vitforge.planning.geometry import Geometry

Targets = Literal["query-value", "attention", "all"]
Shape = tuple[int, int]

SMALL = 10_000_000
"""Parameters below which LoRA was seen to lose against full fine-tuning."""

_ATTENTION_IN = r"(qkv|q|k|v|kv|q_proj|k_proj|v_proj|query|key|value)"
_PATTERNS: dict[Targets, str] = {
    "query-value": r"(^|\.)(qkv|q|v|q_proj|v_proj|query|value)$",
    "attention": rf"(^|\.){_ATTENTION_IN}$|attn\.proj$|attention.*\.(o_proj|dense|out_proj)$",
    "all": r"",
}


@dataclass(frozen=True)
class Matrix:
    """One adapted weight."""

    name: str
    rows: int
    """Outputs."""
    columns: int
    """Inputs."""
    parameters: int
    """Of A (r × columns) and B (rows × r)."""


@dataclass(frozen=True)
class LoraPlan:
    """What low-rank adaptation of a model trains, holds in memory, and is likely to do."""

    rank: int
    alpha: float
    scale: float
    """alpha / rank, by which BA is multiplied."""
    matrices: tuple[Matrix, ...]
    adapter_parameters: int
    """Exact: r (rows + columns) a matrix; 2dr where it is square."""
    trainable_parameters: int
    """Adapters and the head."""
    total_parameters: int
    """The model's own, adapters not counted."""
    share: float
    """Trainable over all, adapters included; [0, 1]."""
    memory_bytes: int
    """Weights, adapters, and gradient and two Adam moments of what is trained; fp32, without
    activations."""
    full_memory_bytes: int
    """The same when every weight is trained."""
    step_time: float
    """Expected time of a step over that of full fine-tuning, from FLOPs: frozen matrices need no
    weight gradient, a third of the work."""
    warnings: tuple[str, ...]


def linear_shapes(model: Any, blocks: Iterable[Any]) -> dict[str, Shape]:
    """(rows, columns) of every linear layer inside the blocks of a built torch model.

    Works on a model on the meta device too: shapes are all it reads.

    Args:
        model: A `torch.nn.Module`; names are as seen from it.
        blocks: Its transformer blocks; layers between them (Swin's patch merging) are left out, as
            the engine leaves them out.
    """
    inside = {module for block in blocks for module in block.modules()}
    return {
        name: (module.out_features, module.in_features)
        for name, module in model.named_modules()
        if hasattr(module, "in_features") and module in inside
    }


def geometry_shapes(geometry: Geometry, fused: bool = True) -> dict[str, Shape]:
    """(rows, columns) of every matrix in the blocks of a plain ViT.

    Args:
        geometry: The ViT.
        fused: One `qkv` matrix of 3d × d as in timm; else `q_proj`, `k_proj`, `v_proj` as in
            transformers.
    """
    d, hidden = geometry.dim, int(geometry.dim * geometry.mlp_ratio)
    if fused:
        block: dict[str, Shape] = {"attn.qkv": (3 * d, d), "attn.proj": (d, d)}
    else:
        block = {f"attention.{x}_proj": (d, d) for x in "qkvo"}
    block |= {"mlp.fc1": (hidden, d), "mlp.fc2": (d, hidden)}
    stem = "blocks" if fused else "layers"
    return {f"{stem}.{i}.{n}": s for i in range(geometry.depth) for n, s in block.items()}


def choose_targets(shapes: Mapping[str, Shape], targets: Targets = "all") -> dict[str, Shape]:
    """The layers that a choice of targets names, in either layout of q, k and v.

    Args:
        shapes: From `linear_shapes` or `geometry_shapes`.
        targets: `query-value`: the paper's choice (a fused qkv is adapted whole); `attention`: q,
            k, v and the output projection; `all`: the MLP too, which is what the engine adapts.

    Raises:
        ConfigError: if nothing is named so.
    """
    pattern = _PATTERNS[targets]
    found = {name: shape for name, shape in shapes.items() if re.search(pattern, name)}
    if not found:
        names = sorted({name.rsplit(".", 1)[-1] for name in shapes})
        raise ConfigError(
            f"no layer of this backbone is a target of {targets!r}",
            mend=f"type --targets all; its layers are {', '.join(names) or 'none'}",
        )
    return found


def plan_lora(
    shapes: Mapping[str, Shape],
    total: int,
    head: int,
    rank: int = 16,
    alpha: float = 32.0,
    targets: Targets = "all",
) -> LoraPlan:
    """Count what LoRA trains: W' = W + BA · alpha / rank.

    Args:
        shapes: Linear layers inside the blocks, (rows, columns).
        total: All parameters of the model.
        head: Parameters of the classifier, which is trained whole.
        rank: r, from 1 to the smallest side of every target.
        alpha: Above 0.
        targets: See `choose_targets`.

    Raises:
        ConfigError: if the rank is 0 or larger than a target's smaller side, alpha is not
            positive, or no layer is a target.

    Source: Hu et al. 2021, https://arxiv.org/abs/2106.09685
    """
    chosen = choose_targets(shapes, targets)
    _check(chosen, rank, alpha)
    matrices = tuple(
        Matrix(name, rows, columns, rank * (rows + columns))
        for name, (rows, columns) in chosen.items()
    )
    adapters = sum(m.parameters for m in matrices)
    trained = adapters + head
    return LoraPlan(
        rank=rank,
        alpha=alpha,
        scale=alpha / rank,
        matrices=matrices,
        adapter_parameters=adapters,
        trainable_parameters=trained,
        total_parameters=total,
        share=trained / (total + adapters),
        memory_bytes=4 * (total + adapters) + 12 * trained,
        full_memory_bytes=16 * total,
        step_time=_step_time(chosen, shapes, rank),
        warnings=_warnings(total, trained, rank),
    )


def _step_time(chosen: Mapping[str, Shape], shapes: Mapping[str, Shape], rank: int) -> float:
    """Forward 2, backward to inputs 2, backward to weights 2 FLOPs a weight and token."""
    work = sum(rows * columns for rows, columns in shapes.values())
    added = sum(rank * (rows + columns) for rows, columns in chosen.values())
    return (4 * work + 6 * added) / (6 * work)


def _warnings(total: int, trained: int, rank: int) -> tuple[str, ...]:
    told = []
    if total < SMALL:
        told.append(
            f"the backbone has {total / 1e6:.1f} M parameters: on ViT-Tiny LoRA lost "
            "(0.864 full, 0.822 LoRA), on ViT-B and L it won (0.881 to 0.914, 0.901 to 0.929); "
            "strategy full is the safer choice"
        )
    if trained > total / 2:
        told.append(f"rank {rank} trains over half as many weights as the model has: little is won")
    return tuple(told)


def _check(chosen: Mapping[str, Shape], rank: int, alpha: float) -> None:
    name, (rows, columns) = min(chosen.items(), key=lambda item: min(item[1]))
    if rank < 1:
        raise ConfigError(f"rank {rank} is no update", mend="type a rank of 4 to 64, e.g. 16")
    if rank > min(rows, columns):
        raise ConfigError(
            f"rank {rank} is larger than {name}, which is {rows} × {columns}",
            mend=f"type a rank of at most {min(rows, columns)} (4 to 64 is usual), "
            "or other --targets",
        )
    if not alpha > 0:
        raise ConfigError(f"alpha {alpha:g} switches the update off", mend=f"type {2 * rank}")
