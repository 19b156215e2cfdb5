"""The one pass of a trained model over a split."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from vitforge.artifacts import DatasetInfo
from vitforge.config.data import Task
from vitforge.errors import VitforgeError
from vitforge.evaluation.attention_columns import to_columns
from vitforge.evaluation.attention_watch import (
    AttentionStatistics,
    LayerStatistics,
    check_seen,
    watch_attention,
)
from vitforge.evaluation.trained import Trained
from vitforge.metrics.predictions import SLICE_PREFIX, Predictions
from vitforge.preprocessing import to_array
from vitforge.splits import open_split
from vitforge.tasks import output_count


def predict(
    trained: Trained,
    dataset: Path,
    info: DatasetInfo,
    split: str,
    *,
    batch_size: int,
    progress: Callable[[float, float, str], None],
    watch: bool = False,
) -> Predictions:
    """Run the model once over a split, and keep what its head sees.

    Args:
        trained: The model.
        dataset: Folder of the dataset artifact.
        info: Its record.
        split: `test`, or `val` for what is fitted to answers.
        batch_size: Images a forward pass.
        progress: Where progress is told.
        watch: Whether attention statistics are kept too, where the model attends.

    Returns:
        The predictions, in the split's order.

    Raises:
        VitforgeError: if the split cannot be read, or the model's answers have the wrong shape or
            are not finite, or some of its attention cannot be watched.
    """
    task = trained.config.task
    rows = open_split(dataset, split, tuple(_LABEL_TYPES))
    wanted = output_count(task, len(trained.config.classes))
    logits, features = [np.empty((0, wanted), np.float32)], []
    head = trained.backbone.head
    seen = _HeadInput(head[0] if isinstance(head, nn.ModuleList) else head)
    attention: list[list[LayerStatistics]] = []
    with seen, torch.inference_mode(), ExitStack() as watching:
        watched = None
        if watch and trained.backbone.attention_modules():
            watched = watching.enter_context(watch_attention(trained.backbone))
        for start in range(0, len(rows), batch_size):
            images = rows[start : start + batch_size]["image"]
            batch = np.stack([to_array(image, trained.preprocessing) for image in images])
            if watched:
                watched.reset()
            found = trained.backbone(torch.from_numpy(batch).to(trained.device))
            if watched:
                check_seen(trained.backbone, len(watched.tokens))
                attention.append(watched.layers(len(images)))
            answers = found.float().cpu().numpy()
            _check_shape(answers.shape, (len(images), wanted))
            logits.append(answers)
            features.append(seen.take())
            progress(min(start + batch_size, len(rows)), len(rows), f"{split} images")
    columns = rows.select_columns(["id", "label", *(SLICE_PREFIX + s for s in info.slices)])[:]
    whole = [part for part in features if part is not None]
    return Predictions.of(
        tuple(columns["id"]),
        np.asarray(columns["label"], dtype=_LABEL_TYPES[task]),
        np.concatenate(logits),
        task,
        slices={s: np.array(columns[SLICE_PREFIX + s], dtype=np.str_) for s in info.slices},
        features=np.concatenate(whole) if whole and len(whole) == len(features) else None,
        columns=to_columns(AttentionStatistics.join(attention)),
    )


_LABEL_TYPES: dict[Task, type[np.generic]] = {
    "single_label": np.int64,
    "ordinal": np.int64,
    "multi_label": np.float32,
    "regression": np.float32,
}


class _HeadInput:
    """Notes what goes into the head while it is open."""

    def __init__(self, head: nn.Module) -> None:
        self._head = head
        self._seen: Tensor | None = None

    def __enter__(self) -> "_HeadInput":
        self._hook = self._head.register_forward_pre_hook(self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self._hook.remove()

    def _note(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        self._seen = inputs[0]

    def take(self) -> "np.ndarray[tuple[int, ...], np.dtype[np.float16]] | None":
        """Of the last batch, shape (N, D), float16; None where the head was passed by."""
        seen, self._seen = self._seen, None
        if seen is None:
            return None
        # float16 ends at 65,504; what lies beyond is no use to a neighbour search either way.
        limit = torch.finfo(torch.float16).max
        return seen.flatten(1).float().clamp(-limit, limit).half().cpu().numpy()


def _check_shape(found: tuple[int, ...], wanted: tuple[int, int]) -> None:
    if found != wanted:
        raise VitforgeError(
            f"the model answers with shape {found}, not {wanted} (images, outputs)",
            mend="train the checkpoint again: vitforge run CONFIG --fresh",
        )
