"""Let a pruned model learn from the original's predictions, on unlabelled inputs and changed copies of them.

Source: Distilling the Knowledge in a Neural Network, arXiv 1503.02531; AdamW, arXiv 1711.05101, with a cosine schedule,
arXiv 1608.03983. The same seed, inputs and number of steps give the same weights. The result depends on the machine's
speed only if the time limit ends the steps.
"""

import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _, joined, mark
from workers.contracts.wording import percent
from workers.convert.inference.changed_inputs import KINDS, changed_copy
from workers.convert.replica.torch_replica import TorchReplica, tensors
from workers.infer.base import Arrays
from workers.pipeline.spec import PipelineSpec
from workers.quantize.calibrating.similarity import Alike, HeldOutExamples, SimilarityParams

WARM_STEPS = 2
"""Number of steps after which their duration is known well enough to plan the others."""

MARKS = (1 / 32, 1 / 16, 1 / 8, 3 / 16, 1 / 4, 3 / 8, 1 / 2, 5 / 8, 3 / 4, 7 / 8, 1.0)
"""Parts of a round after which predictions are compared."""

RISING = 0.1
"""Part of a round in which the rate rises; AdamW's first steps are as large as the rate, whatever the gradient."""

SURE = 0.5
"""A round ends early when the error is below this part of the allowed error."""

CHANGED = 0.75
"""Share of the examples in a batch that are changed copies."""

FEWEST = 4
"""Number of readings needed for a forecast."""

END_GAIN = 10.0
"""Factor by which the last steps, at a falling rate, may improve on the line before learning is given up."""

SMALLEST = 1e-6
CHECKING = 1.2
"""Ratio of the time of steps with comparisons between them to the time of the steps alone."""


class LearningParams(SimilarityParams):
    """Parameters of learning: its duration, its rate, and the required similarity of the predictions."""

    max_s: float = Field(
        title="Most seconds", default=120, ge=2, le=7200, description="Seconds that learning may take."
    )
    steps: int = Field(default=600, ge=10, le=100_000, description="Batches to learn from, at most.")
    batch: int = Field(default=16, ge=1, le=256, description="Examples in a batch.")
    rate: float = Field(
        title="Learning rate", default=3e-4, ge=1e-6, le=0.1, description="How far a step moves the weights, at first."
    )
    examples: int = Field(default=400, ge=4, le=10_000, description="Examples to learn from, at most.")

    def allowed(self, alike: Alike) -> float:
        """Return the allowed error."""
        return 1 - (self.min_cosine if alike.agreement is None else self.min_agreement)


class WillNotHold(InputRefused):
    """The limit will not be met, according to the forecast or at the end of the time."""

    def __init__(self, detail: str) -> None:
        """Take the sentences with the figures."""
        hint = mark("Remove less from the model, give it more time, or allow more answers to change.")
        super().__init__("will_not_hold", "It will not hold the limit in this time", detail, hint)


@dataclass(frozen=True)
class Material:
    """Data of one training: `items` to learn from, `held` to check with."""

    items: list[Arrays]
    held: HeldOutExamples
    spec: PipelineSpec


class Trainer:
    """All rounds in which one student learns from one teacher, within one time limit."""

    def __init__(
        self,
        student: TorchReplica,
        teacher: TorchReplica,
        material: Material,
        params: LearningParams,
        ctx: JobContext,
        rounds: int,
    ) -> None:
        """Start the time limit; `rounds` is the number of planned rounds."""
        self.student, self._teacher, self._material = student, teacher, material
        self._params, self._ctx, self._rounds = params, ctx, rounds
        self._rng = np.random.default_rng(ctx.seed)
        self._began_s = time.monotonic()
        self._step_s: float | None = None
        self._learning_s = 0.0
        self.done = 0
        self._round = 0
        self.alike: Alike | None = None
        self._kept: list[tuple[Any, Any]] = []

    @property
    def seconds(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._began_s

    @property
    def left(self) -> int:
        """Return the number of steps for which there is still time."""
        steps = self._params.steps - self.done
        if self._step_s is None:
            return steps
        return max(0, min(steps, int((self._params.max_s - self.seconds) / (self._step_s * CHECKING))))

    def round(self) -> Alike:
        """Run one round: learn until the predictions are similar enough or the round's share of the steps is done.

        Raises:
            WillNotHold: the limit cannot be met. Also at the end of a round that is far from enough if others follow,
                because they remove more and have no more steps.
        """
        import torch

        optimizer = torch.optim.AdamW(self.student.module.parameters(), lr=self._params.rate, weight_decay=1e-4)
        shares = self._rounds - self._round
        self._round += 1
        readings: list[tuple[int, float]] = []
        step, planned = 0, max(1, self.left // shares)
        if self._good(readings, step):
            return self._last()
        before = self._last()
        while step < planned and self.seconds < self._params.max_s:
            self._ctx.check_cancelled()
            self._learn(optimizer, step / planned)
            step += 1
            self.done += 1
            if self._step_s is None and step >= WARM_STEPS:
                self._step_s = self._learning_s / step
                planned = min(planned, step + self.left // shares)
                self._need_steps(before, step + self.left)
            marked = step >= planned or step in {max(1, round(mark * planned)) for mark in MARKS}
            if marked and self._good(readings, step):
                break
            self._ctx.progress("Learn from the original", self.done, self.done + self.left, "steps")
        alike = self._last()
        if shares > 1 and alike.error / END_GAIN > self._params.allowed(alike):
            raise WillNotHold(self._words(alike, None))
        return alike

    def _need_steps(self, before: Alike, steps: int) -> None:
        """Check that there is time for enough steps.

        Raises:
            WillNotHold: even an error that falls as 1 over the steps would stay too large; real errors fall more slowly
                (see `forecast`).
        """
        expected = before.error / max(1, steps)
        if expected > self._params.allowed(before):
            raise WillNotHold(self._words(before, expected, is_best=True))

    def mask(self, kept: list[tuple[Any, Any]]) -> None:
        """Set weights to zero, now and after each step; `kept` holds each tensor and which of its values stay."""
        self._kept = kept
        self._zero()

    def _zero(self) -> None:
        import torch

        with torch.no_grad():
            for weight, stays in self._kept:
                weight.mul_(stays)

    def in_time(self) -> None:
        """Check that the time is not over before all rounds are.

        Raises:
            WillNotHold: the time is over.
        """
        if self.seconds > self._params.max_s and self.alike is not None:
            raise WillNotHold(self._words(self.alike, None))

    def _last(self) -> Alike:
        return self._judge() if self.alike is None else self.alike

    def _good(self, readings: list[tuple[int, float]], step: int) -> bool:
        """Compare predictions on the examples that were set aside; return whether no more learning is needed.

        Raises:
            WillNotHold: the limit cannot be met.
        """
        alike = self._judge()
        allowed = self._params.allowed(alike)
        if step:
            readings.append((step, alike.error))
        if self._params.enough(alike) and alike.error <= SURE * allowed:
            return True
        if hopeless(readings, step + self.left, allowed):
            raise WillNotHold(self._words(alike, forecast(readings, step + self.left)))
        return False

    def _judge(self) -> Alike:
        self.alike = self._material.held.judge(self._material.held.predict(self.student))
        return self.alike

    def must_hold(self, alike: Alike) -> None:
        """Check the final predictions.

        Raises:
            WillNotHold: they are not similar enough.
        """
        if not self._params.enough(alike):
            raise WillNotHold(self._words(alike, None))

    def summary(self, alike: Alike) -> str:
        """Return sentences for people about the learning and the resulting similarity."""
        learned = _("The model learned from the original in {0} steps and {1:.0f} seconds.")
        if self.done == 0:
            learned = _("The remaining channels replaced the removed ones, so the model did not have to learn.")
        agreed = _("On {0} examples set aside for this check, {1} of the answers agreed.")
        return joined([learned.format(self.done, self.seconds), agreed.format(alike.n, percent(1 - alike.error))])

    def _words(self, alike: Alike, expected: float | None, *, is_best: bool = False) -> str:
        now, wanted = 1 - alike.error, 1 - self._params.allowed(alike)
        what = (
            _("After {0:.0f} of {1:.0f} seconds and {2} steps, {3} of the answers stay, and {4} is wanted.")
            if alike.agreement is not None
            else _("After {0:.0f} of {1:.0f} seconds and {2} steps, {3} is how alike answers are, and {4} is wanted.")
        ).format(self.seconds, self._params.max_s, self.done, percent(now), percent(wanted))
        if expected is None:
            return what
        ahead = _("At best it would be {0} at the end.") if is_best else _("At this pace it would be {0} at the end.")
        return joined([what, ahead.format(percent(max(0.0, 1 - expected)))])

    def _learn(self, optimizer: Any, progress: float) -> None:
        import torch

        began_s = time.monotonic()
        for group in optimizer.param_groups:
            group["lr"] = self._params.rate * schedule(progress)
        inputs = tensors(self._draw(), self.student.inputs)
        with torch.no_grad():
            wanted = self._teacher.module(*inputs)
        loss = difference(self.student, self.student.module(*inputs), wanted, self._material.spec)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.student.module.parameters(), 1.0)
        optimizer.step()
        self._zero()
        self._learning_s += time.monotonic() - began_s

    def _draw(self) -> Arrays:
        """Return a batch of examples of one shape, most of them changed."""
        items, rng = self._material.items, self._rng
        first = int(rng.integers(len(items)))
        alike = [n for n, item in enumerate(items) if _shapes(item) == _shapes(items[first])]
        size = 1 if _one_at_a_time(self._material.spec) else self._params.batch
        chosen = [first, *rng.choice(alike, size=size - 1)] if size > 1 else [first]
        copies: list[Arrays] = []
        for index in chosen:
            number, changed = int(rng.integers(KINDS * 1000)), rng.random() < CHANGED
            copy = changed_copy(items, int(index), number, self._material.spec, self._ctx.seed)
            copies.append(copy if changed else items[int(index)])
        return join(copies, self._material.spec)


def forecast(readings: Sequence[tuple[int, float]], end: int) -> float | None:
    """Return the error expected after `end` steps; None where there are too few readings.

    `readings` are (steps, error). Errors fall about as a power of the number of steps (Deep Learning Scaling is
    Predictable, Empirically, arXiv 1712.00409), so a line through the logarithms of the last readings is extended.
    Where errors do not fall, the last error is returned.
    """
    if len(readings) < FEWEST:
        return None
    last = readings[-FEWEST:]
    steps = np.log([float(step) for step, _ in last])
    errors = np.log([max(error, SMALLEST) for _, error in last])
    slope = float(np.polyfit(steps, errors, 1)[0])
    ahead = math.log(max(end, last[-1][0])) - float(steps[-1])
    return math.exp(float(errors[-1]) + min(slope, 0.0) * ahead)


def hopeless(readings: Sequence[tuple[int, float]], end: int, allowed: float) -> bool:
    """Return whether even a good end would leave the error above `allowed`."""
    expected = forecast(readings, end)
    return expected is not None and expected / END_GAIN > allowed


def join(copies: list[Arrays], spec: PipelineSpec) -> Arrays:
    """Join examples of the same shapes into one request."""
    joined: dict[str, list[Any]] = defaultdict(list)
    for copy in copies:
        for name, array in copy.items():
            joined[name].append(array)
    axes = {entry.name: entry.batch_axis for entry in spec.inputs if entry.batched and entry.shape}
    return {n: np.concatenate(arrays, axes[n]) if n in axes else arrays[0] for n, arrays in joined.items()}


def in_batches(items: list[Arrays], spec: PipelineSpec, size: int) -> Iterator[Arrays]:
    """Yield requests of at most `size` examples of the same shapes, or single ones where the model takes no more."""
    size = 1 if _one_at_a_time(spec) else size
    part: list[Arrays] = []
    for item in items:
        if part and (len(part) == size or _shapes(part[0]) != _shapes(item)):
            yield join(part, spec)
            part = []
        part.append(item)
    if part:
        yield join(part, spec)


def schedule(progress: float) -> float:
    """Return the learning rate's factor at this part (0..1) of a round: up to 1 in the first tenth, then a cosine."""
    if progress < RISING:
        return (progress + RISING / 10) / (RISING + RISING / 10)
    return 0.5 * (1 + math.cos(math.pi * (progress - RISING) / (1 - RISING)))


def _shapes(item: Arrays) -> list[tuple[int, ...]]:
    return [array.shape for array in item.values()]


def _one_at_a_time(spec: PipelineSpec) -> bool:
    return any(e.shape and e.shape[e.batch_axis] is not None for e in spec.inputs if e.batched)


def difference(student: TorchReplica, got: Any, wanted: Any, spec: PipelineSpec) -> Any:
    """Return the loss of the student as a scalar.

    It is the squared difference of all outputs over the teacher's variance and, for classes, also the divergence
    KL(teacher ‖ student) of the probabilities.
    """
    import torch
    from torch.nn import functional

    answer = next(entry.name for entry in spec.outputs if entry.answer)
    loss = torch.zeros(())
    for name, new, old in zip(student.outputs, got, wanted, strict=True):
        if not new.is_floating_point():
            continue
        spread = ((old - old.mean()) ** 2).mean().clamp_min(1e-12)
        loss = loss + ((new - old) ** 2).mean() / spread
        if name == answer and spec.answer_kind == "class":
            scores = [v.clamp_min(1e-7).log() if spec.scores == "probabilities" else v for v in (new, old)]
            mine, its = (functional.log_softmax(value, -1) for value in scores)
            loss = loss + functional.kl_div(mine, its, reduction="batchmean", log_target=True)
    return loss
