"""The training loop.

Plain torch: one device a process. Every random choice is seeded by (seed, epoch, step).
"""

import math
import time
from collections.abc import Sequence
from typing import Any

import torch

from vitforge.artifacts import EpochRecord
from vitforge.backbones import Backbone
from vitforge.training.best import BestWeights
from vitforge.training.compiled import Compiled
from vitforge.training.distillation import find_teacher
from vitforge.training.ema import WeightAverage
from vitforge.training.feed import Batch, Feed, ImageFeed
from vitforge.training.gradients import Gradients, not_a_number
from vitforge.training.hardware import choose_device, choose_precision
from vitforge.training.job import Job
from vitforge.training.objectives import Score, choose_objective
from vitforge.training.observers import Observer
from vitforge.training.parameter_groups import parameter_groups
from vitforge.training.prefix_choice import choose_prefix_feed
from vitforge.training.sizes import patch_size
from vitforge.training.start_point import StartPoint
from vitforge.training.strategies import apply_strategy, open_for_epoch
from vitforge.training.validation import predict


class Engine:
    """Holds what lives through a training.

    Attributes:
        feed: Where batches come from.
        note: Why they come from there, a sentence; may be empty.
        trained_part: What turns them into outputs.
        gradients: Computes them.
        step: Optimizer steps done.
        epoch: Epochs done.
        losses: Of the running epoch's steps.
        records: Of the epochs done.
        best: The best epoch's weights and score.
    """

    def __init__(self, backbone: Backbone, job: Job, observers: Sequence[Observer] = ()) -> None:
        recipe = job.recipe
        self.backbone, self.job, self.observers = backbone, job, observers
        self.device = choose_device(recipe.device)
        self.precision = choose_precision(recipe.precision, self.device)
        self.objective = choose_objective(job.task, job.classes, job.train.labels_N, recipe)
        torch.manual_seed(job.seed)  # LoRA's matrices are drawn here
        apply_strategy(backbone, job.strategy, recipe)
        backbone.to(self.device)
        self.weights = [p for p in backbone.parameters() if p.requires_grad]
        self.trainable_parameters = sum(p.numel() for p in self.weights)
        self.optimizer = torch.optim.AdamW(
            parameter_groups(backbone, recipe.weight_decay, recipe.layer_decay),
            lr=recipe.learning_rate,
            betas=(recipe.beta1, recipe.beta2),
            fused=True,
        )
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.average = WeightAverage(backbone, recipe.ema_decay) if recipe.ema_decay else None
        self.start_point = StartPoint(backbone, recipe.l2_sp) if recipe.l2_sp else None
        stored, self.note = choose_prefix_feed(backbone, job, self.objective, self.precision)
        self.feed: Feed = stored or ImageFeed(
            job, self.objective, self.device, patch_size(backbone, job)
        )
        self.trained_part = self.feed.trained_part(backbone)
        self.gradients = Gradients(
            Compiled(self.trained_part) if recipe.compile else self.trained_part,
            self.objective,
            self.scaler,
            self.precision,
            recipe.micro_batch or job.batch_size // job.world.size,
            find_teacher(job, backbone),
            job.world,
        )
        self.best = BestWeights(self.weights)
        self.records: list[EpochRecord] = []
        self.losses: list[float] = []
        self.step = self.epoch = self.last_gain = 0

    def run(self) -> None:
        """All epochs, or fewer where the recipe's patience ends."""
        for observer in self.observers:
            observer.on_start(self)
        while not self._finished():
            start, before = time.perf_counter(), self.step
            self._train_epoch()
            seconds = time.perf_counter() - start
            self.epoch += 1
            score = self._validate()
            record = EpochRecord(
                epoch=self.epoch,
                learning_rate=self.job.rate(self.step - 1),
                train_loss=sum(self.losses) / len(self.losses),
                val_loss=score.loss if score else None,
                val_top1=score.metrics.get("top1") if score else None,
                val_metrics=dict(score.metrics) if score else {},
                images_per_second=(self.step - before) * self.job.batch_size / seconds,
            )
            self.records.append(record)
            self.losses = []
            for observer in self.observers:
                observer.on_epoch(self, record)

    def state_dict(self) -> dict[str, Any]:
        """All that `load_state_dict` needs to go on, bit for bit: tensors and JSON values."""
        return {
            "weights": [w.detach() for w in self.weights],
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.scaler.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "best": self.best.state_dict(),
            "micro_batch": self.gradients.micro_batch,
            "records": [record.model_dump(mode="json") for record in self.records],
            "counts": [self.step, self.epoch, self.last_gain],
            "losses": self.losses,
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a `state_dict` of the same job."""
        for weight, kept in zip(self.weights, state["weights"], strict=True):
            weight.copy_(kept)
        self.optimizer.load_state_dict(state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.best.load_state_dict(state["best"])
        self.gradients.micro_batch = state["micro_batch"]
        self.records = [EpochRecord.model_validate(record) for record in state["records"]]
        self.step, self.epoch, self.last_gain = state["counts"]
        self.losses = list(state["losses"])

    def _train_epoch(self) -> None:
        self.backbone.train()
        open_for_epoch(self.backbone, self.job, self.epoch * self.job.steps_per_epoch)
        for batch in self.feed.batches(self.epoch + 1, done=len(self.losses)):
            if self.step == self.job.total_steps:
                break
            self._train_step(batch)

    def _train_step(self, batch: Batch) -> None:
        rate = self.job.rate(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["lr_scale"]
        loss = self.gradients.compute(batch, self.optimizer)
        if not math.isfinite(loss):
            raise not_a_number(self.job, self.step, loss, batch)
        self.scaler.unscale_(self.optimizer)
        if self.start_point:
            self.start_point.add_gradient()
        for observer in self.observers:
            observer.on_gradients(self, batch)
        if self.job.recipe.clip_norm:
            torch.nn.utils.clip_grad_norm_(self.weights, self.job.recipe.clip_norm, foreach=True)
        self.scaler.step(self.optimizer)
        self.scaler.update()
        if self.average:
            self.average.update()
        self.step += 1
        self.losses.append(loss)
        for observer in self.observers:
            observer.on_step(self, batch)

    def _validate(self) -> Score | None:
        """Score the epoch where it is its turn, and keep its weights where they are the best."""
        if self.epoch % self.job.recipe.validate_every and not self._is_last():
            return None
        if self.average:
            self.average.swap()
        score = None
        if self.job.val is not None:
            batches = self.feed.validation()
            outputs = predict(self.trained_part, batches, self.device, self.precision)
            # The same on every process, to the bit: they must agree on when to end.
            outputs = self.job.world.told(outputs)
            score = self.objective.score(outputs, self.job.val.labels_N)
            if self.best.score is None or score.gain > self.best.score.gain:
                self.last_gain = self.epoch
        self.best.offer(score, self.epoch)
        if self.average:
            self.average.swap()
        return score

    def _is_last(self) -> bool:
        return self.epoch == self.job.epochs or self.step == self.job.total_steps

    def _finished(self) -> bool:
        patience = self.job.recipe.patience
        waited = self.epoch - self.last_gain if self.best.score else 0
        if self.losses:  # gone on with between the last step of an epoch and its validation
            return False
        return self._is_last() or bool(patience and waited >= patience)
