"""The training loop.

Plain torch: one process, one device. Every random choice is seeded by (seed, epoch, step).
"""

import math
import time
from contextlib import ExitStack

import numpy as np
import torch
from torch import Tensor

from vitforge.artifacts import EpochRecord
from vitforge.backbones import Backbone
from vitforge.errors import VitforgeError
from vitforge.planning.schedule import learning_rate
from vitforge.training.augmentation import augment
from vitforge.training.ema import WeightAverage
from vitforge.training.hardware import autocast, choose_device, choose_precision
from vitforge.training.head_dropout import head_dropout
from vitforge.training.job import Fitted, Job, OnEpoch, OnStep
from vitforge.training.loss import smooth_targets, soft_cross_entropy
from vitforge.training.mixing import mix
from vitforge.training.parameter_groups import parameter_groups
from vitforge.training.stochastic_depth import stochastic_depth
from vitforge.training.strategies import apply_strategy, finish_strategy
from vitforge.training.threads import fitting_threads
from vitforge.training.validation import Score, validate


def fit(
    backbone: Backbone,
    job: Job,
    on_step: OnStep = lambda *_: None,
    on_epoch: OnEpoch = lambda _: None,
) -> Fitted:
    """Train a backbone in place; afterwards it holds the best epoch's weights, on the CPU.

    Args:
        backbone: Built with a head of `job.classes` outputs.
        job: What to do.
        on_step: Told after every step.
        on_epoch: Told after every epoch.

    Raises:
        VitforgeError: if the loss is no longer a number; names the step and its images.
    """
    engine = Engine(backbone, job)
    start = time.perf_counter()
    size = backbone.parameter_count, backbone.tokens, job.batch_size
    with ExitStack() as stack:
        stack.enter_context(fitting_threads(*size))
        stack.enter_context(stochastic_depth(backbone.blocks, job.recipe.drop_path))
        stack.enter_context(head_dropout(backbone.head, job.recipe.dropout))
        engine.run(on_step, on_epoch)
    engine.restore_best()
    finish_strategy(backbone, job.strategy)
    backbone.cpu().eval()
    return Fitted(
        records=tuple(engine.records),
        best_epoch=engine.best_epoch,
        best_top1=engine.best.top1 if engine.best else math.nan,
        best_correct_N=engine.best.correct_N if engine.best else None,
        trainable_parameters=engine.trainable_parameters,
        precision=engine.precision,
        device=engine.device.type,
        seconds=time.perf_counter() - start,
    )


class Engine:
    """Holds what lives through a training: optimizer, average, best weights."""

    def __init__(self, backbone: Backbone, job: Job) -> None:
        recipe = job.recipe
        self.backbone, self.job = backbone, job
        self.device = choose_device(recipe.device)
        self.precision = choose_precision(recipe.precision, self.device)
        torch.manual_seed(job.seed)  # LoRA's matrices are drawn here
        apply_strategy(backbone, job.strategy, recipe)
        backbone.to(self.device)
        self.weights = [p for p in backbone.parameters() if p.requires_grad]
        self.trainable_parameters = sum(p.numel() for p in self.weights)
        self.optimizer = torch.optim.AdamW(
            parameter_groups(backbone, recipe.weight_decay),
            lr=recipe.learning_rate,
            betas=(recipe.beta1, recipe.beta2),
            fused=True,
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.average = WeightAverage(backbone, recipe.ema_decay) if recipe.ema_decay else None
        self.records: list[EpochRecord] = []
        self.best: Score | None = None
        self.best_epoch = 0
        self.last_gain = 0
        self.best_weights: list[Tensor] = []
        self.step = 0

    def run(self, on_step: OnStep, on_epoch: OnEpoch) -> None:
        """All epochs, or fewer where the recipe's patience ends."""
        text = ""
        for epoch in range(1, self.job.epochs + 1):
            start = time.perf_counter()
            before = self.step
            losses = self._train_epoch(epoch, on_step, text)
            seconds = time.perf_counter() - start
            score = self._validate(epoch)
            record = EpochRecord(
                epoch=epoch,
                learning_rate=self.optimizer.param_groups[0]["lr"],
                train_loss=sum(losses) / len(losses),
                val_loss=score.loss if score else None,
                val_top1=score.top1 if score else None,
                images_per_second=(self.step - before) * self.job.batch_size / seconds,
            )
            self.records.append(record)
            on_epoch(record)
            if self.best is not None:
                text = f" val top-1 {self.best.top1:.1%}".replace("%", " %")
            if self._finished(epoch):
                break

    def restore_best(self) -> None:
        """Put the best epoch's weights back."""
        with torch.no_grad():
            for weight, best in zip(self.weights, self.best_weights, strict=True):
                weight.copy_(best)

    def _train_epoch(self, epoch: int, on_step: OnStep, text: str) -> list[float]:
        job, losses = self.job, []
        self.backbone.train()
        order = np.random.default_rng((job.seed, epoch)).permutation(len(job.train))
        for at in range(job.steps_per_epoch):
            if self.step == job.total_steps:
                break
            index = torch.from_numpy(order[at * job.batch_size : (at + 1) * job.batch_size])
            losses.append(self._train_step(index, np.random.default_rng((job.seed, epoch, at))))
            self.step += 1
            said = f"epoch {epoch}/{job.epochs} loss {losses[-1]:.2f}{text}"
            on_step(self.step, job.total_steps, said)
        return losses

    def _train_step(self, index: Tensor, rng: np.random.Generator) -> float:
        job, recipe = self.job, self.job.recipe
        rate = learning_rate(
            self.step,
            job.total_steps,
            job.warmup_steps,
            recipe.learning_rate,
            recipe.min_learning_rate,
        )
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        torch.manual_seed(int(rng.integers(2**62)))  # dropout and stochastic depth
        pixels = job.train.pixels_NCHW[index].to(self.device)
        labels = job.train.labels_N[index].to(self.device)
        images = augment(pixels, recipe.augmentation, job.how, rng)
        targets = smooth_targets(labels, job.classes, recipe.label_smoothing)
        images, targets = mix(
            images, targets, rng, recipe.augmentation.mixup, recipe.augmentation.cutmix
        )
        with autocast(self.precision, self.device):
            logits = self.backbone(images)
        loss = soft_cross_entropy(logits, targets)
        value = loss.item()
        if not math.isfinite(value):
            raise self._not_a_number(value, index)
        self.optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(self.scaler.scale(loss))
        if recipe.clip_norm:
            self.scaler.unscale_(self.optimizer)
            torch.nn.utils.clip_grad_norm_(self.weights, recipe.clip_norm, foreach=True)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average:
            self.average.update()
        return value

    def _validate(self, epoch: int) -> Score | None:
        """Score the epoch where it is its turn, and keep its weights where they are the best."""
        due = epoch % self.job.recipe.validate_every == 0 or self._is_last(epoch)
        if not due:
            return None
        if self.average:
            self.average.swap()
        score = None
        if self.job.val is not None:
            score = validate(
                self.backbone,
                self.job.val,
                self.job.how,
                device=self.device,
                precision=self.precision,
            )
        if score and (self.best is None or score.top1 > self.best.top1):
            self.last_gain = epoch
        if score is None or self.best is None or _rank(score) > _rank(self.best):
            self.best, self.best_epoch = score, epoch
            self.best_weights = [p.detach().clone() for p in self.weights]
        if self.average:
            self.average.swap()
        return score

    def _is_last(self, epoch: int) -> bool:
        return epoch == self.job.epochs or self.step == self.job.total_steps

    def _finished(self, epoch: int) -> bool:
        patience = self.job.recipe.patience
        waited = epoch - self.last_gain if self.best else 0
        return self._is_last(epoch) or bool(patience and waited >= patience)

    def _not_a_number(self, value: float, index: Tensor) -> VitforgeError:
        ids = [self.job.train.ids[i] for i in index.tolist()]
        return VitforgeError(
            f"the loss became {value} in step {self.step + 1} of {self.job.total_steps}",
            where="images " + ", ".join(ids),
            mend="lower finetuning.learning_rate, or set finetuning.precision: fp32",
        )


def _rank(score: Score) -> tuple[float, float]:
    return score.top1, -score.loss
