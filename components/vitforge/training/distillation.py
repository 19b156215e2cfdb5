"""Learning from a teacher's answers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from vitforge.artifacts import PREPROCESSING_FILE, BackboneSpec, Preprocessing
from vitforge.backbones import Backbone, build, resolve
from vitforge.backbones.checkpoint import load_checkpoint
from vitforge.backbones.hub import fetch
from vitforge.config import DistillationConfig
from vitforge.errors import VitforgeError
from vitforge.training.job import Job

LossOf = Callable[[Tensor, Tensor], Tensor]


def find_teacher(job: Job, student: Backbone) -> "Teacher | None":
    """The recipe's teacher, or None.

    Raises:
        VitforgeError: if the task is not one class an image, or the teacher cannot be had.
    """
    config = job.recipe.distillation
    if not config.teacher:
        return None
    if job.task != "single_label":
        raise VitforgeError(
            f"a teacher cannot be learned from in the task {job.task}",
            where="finetuning.distillation.teacher",
            mend="leave the teacher out",
        )
    return Teacher(config, job, student)


class Teacher:
    """A trained model that says what the student should answer.

    Where the student has a distillation token (DeiT), its head learns from the teacher and the
    class token's head from the labels; otherwise one head learns from both.

    Args:
        config: How to learn from it.
        job: Holds the classes and the preprocessing of the student's input.
        student: Its heads are watched.

    Raises:
        VitforgeError: if the teacher cannot be had, or answers other classes.
    """

    def __init__(self, config: DistillationConfig, job: Job, student: Backbone) -> None:
        self._config, self._how = config, job.how
        self._model, self._their_how = _load(config.teacher, job.classes)
        self._model.eval().requires_grad_(False)
        head = student.head
        self._seen: list[Tensor] = []
        self.has_token = isinstance(head, nn.ModuleList) and len(head) > 1
        if isinstance(head, nn.ModuleList):
            for part in head:
                part.register_forward_hook(self._note)

    def blend(self, loss_of: LossOf, inputs: Tensor, outputs: Tensor, targets: Tensor) -> Tensor:
        """(1 - share) · L(labels) + share · L(teacher), summed over the images.

        Args:
            loss_of: Summed loss of outputs against targets.
            inputs: What the student saw, normalised for it.
            outputs: What it answered.
            targets: Soft labels.
        """
        by_class, by_token = outputs, outputs
        if self.has_token:
            by_class, by_token = self._seen[-2:]
        self._seen.clear()
        with torch.no_grad():
            theirs = self._model.to(inputs.device)(self._renormalised(inputs))
        share = self._config.share
        kind, temperature = self._config.kind, self._config.temperature
        taught = distillation_sum(by_token, theirs, kind, temperature)
        return (1 - share) * loss_of(by_class, targets) + share * taught

    def _note(self, head: nn.Module, _: tuple[Tensor, ...], answer: Tensor) -> None:
        if head.training:
            self._seen.append(answer)

    def _renormalised(self, images: Tensor) -> Tensor:
        """The same images as the teacher knows them."""
        ours, theirs = self._how, self._their_how
        shape = (3, 1, 1)
        unit = images * images.new_tensor(ours.std).reshape(shape)
        unit = unit + images.new_tensor(ours.mean).reshape(shape)
        unit = unit - images.new_tensor(theirs.mean).reshape(shape)
        unit = unit / images.new_tensor(theirs.std).reshape(shape)
        if unit.shape[-1] == theirs.image_size:
            return unit
        size = (theirs.image_size, theirs.image_size)
        return F.interpolate(unit, size, mode="bicubic", antialias=True)


def distillation_sum(
    outputs_NK: Tensor, teacher_NK: Tensor, kind: Literal["soft", "hard"], temperature: float
) -> Tensor:
    """The teacher's part of the loss, summed over the images, in float32; nats, scalar.

    Args:
        outputs_NK: The student's logits.
        teacher_NK: The teacher's logits.
        kind: `soft`: T² · KL(teacher / T, student / T); `hard`: cross entropy with its decision.
        temperature: T, above 0; `soft` only.

    Source: Hinton et al. 2015, https://arxiv.org/abs/1503.02531 (soft);
        Touvron et al. 2021, https://arxiv.org/abs/2012.12877 (hard)
    """
    outputs_NK, teacher_NK = outputs_NK.float(), teacher_NK.float()
    if kind == "hard":
        return F.cross_entropy(outputs_NK, teacher_NK.argmax(dim=1), reduction="sum")
    student = torch.log_softmax(outputs_NK / temperature, dim=1)
    teacher = torch.log_softmax(teacher_NK / temperature, dim=1)
    return F.kl_div(student, teacher, reduction="sum", log_target=True) * temperature**2


def _load(name: str, classes: int) -> tuple[Backbone, Preprocessing]:
    """A checkpoint folder, or a backbone whose own head answers the classes."""
    folder = Path(name).expanduser()
    if (folder / PREPROCESSING_FILE).is_file():
        model, config, how = load_checkpoint(folder)
        _check_classes(name, len(config.classes), classes)
        return model, how
    spec = resolve(name)
    _check_classes(name, _classes_of(spec), classes)
    model = build(spec, classes)
    return model, Preprocessing(image_size=model.image_size, mean=model.mean, std=model.std)


def _classes_of(spec: BackboneSpec) -> int:
    """Classes that pretrained weights answer; 0 where nothing says so."""
    folder = Path(spec.name)
    if spec.library == "timm" and not folder.is_dir():
        import timm

        found = timm.models.get_pretrained_cfg(spec.name)
        return int(found.num_classes) if found else 0
    if not folder.is_dir():
        folder = fetch(spec.name, weights=False)
    told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return int(told.get("num_classes") or len(told.get("id2label") or ()))


def _check_classes(name: str, there: int, wanted: int) -> None:
    if there != wanted:
        raise VitforgeError(
            f"the teacher answers {there} classes, the data has {wanted}",
            where=f"finetuning.distillation.teacher: {name}",
            mend="give a checkpoint folder that was trained on the same classes",
        )
