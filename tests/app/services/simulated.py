"""Simulate whole runs: drawn versions with true speeds, costs and changes, and a clock that steps advance.

Figures and bounds come from the code that real runs use (`workers.jobs.summarize`, the bounds of a share); only what a
process would measure or predict is drawn.
"""

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from play import Like, Play, failure
from staging import Stage

from app.domain.choose import (
    can_be_measured_on,
    is_alike_not_proven,
    is_eligible,
    is_gain,
    is_safe,
    looks_like_gain,
    needs_quiet,
)
from app.domain.outcome import Ending
from app.domain.standing import Standing
from app.domain.variant import Variant
from app.domain.words.results import STANDING_WORDS
from app.jobs.interleaving import MIN_BLOCKS
from app.services.flow import steps as flow_steps
from app.services.flow.measuring import NO_TIME
from app.services.flow.workspace import Workspace
from app.services.run import clock, costs
from app.services.run.clock import SAFETY
from app.services.run.costs import BLOCK_MAX_S, FINAL_BLOCKS, QUICK_BLOCKS, SWITCH_S, Cost
from app.services.run.run_steps import TIME_WAS_UP
from workers.contracts import jobs, specs
from workers.contracts.disturbed import BlockLoad
from workers.contracts.proof.proving import FingerprintsResult, level_of_look
from workers.evaluate.proof.needed import FAR_LEVEL, FAR_TIMES
from workers.evaluate.proof.stats import binomial_lower, binomial_upper
from workers.jobs import summarize

SPARE_S, LATE_S = 3.0, 1.5
"""Seconds at the end that no step begins with, and seconds of a judge that a run may be late."""


@dataclasses.dataclass(frozen=True)
class Truth(Like):
    """A version as it really is; `p50_ms` is its request time.

    `make_s` is the time of its techniques, `start_s` that of starting a process and loading, `item_s` that of predicting
    one example, and `changed` the true share of changed results; in calibration it is `screened` if that is given. The
    first measurement reads `first` times the truth. `fails_at` may also be "final".
    """

    make_s: float = 1.0
    start_s: float = 0.5
    item_s: float = 0.01
    changed: float = 0.0
    screened: float | None = None
    first: float = 1.0
    precision: str = "f32"
    engine: str = "openvino"


@dataclasses.dataclass(frozen=True)
class Case:
    """One drawn run. Durations scatter by `noise`, times of sets by `spread` (both as a standard deviation of logs).

    With the chance `busy`, other programs disturb a set. `seed` decides which results change, `day` all noise of times.
    """

    seed: int
    limit_s: float | None
    original: Truth
    versions: dict[str, Truth]
    n_test: int = 1000
    n_calibration: int = 200
    noise: float = 0.1
    spread: float = 0.01
    busy: float = 0.0
    day: int = 0


class Simulation(Play):
    """Plays one case; the same case always gives the same results."""

    def __init__(self, root: Path, case: Case) -> None:
        super().__init__(root, None, case.original, dict(case.versions), n_test=case.n_test)
        self.case = case
        self.predicted: dict[tuple[str, bool], int] = {}

    def rng(self, *names: object, day: int = 0) -> np.random.Generator:
        """Return random numbers that depend on the case and these names, not on the order of calls."""
        return np.random.default_rng([self.case.seed, day, *(b for name in names for b in str(name).encode())])

    def noise(self, *names: object) -> float:
        """Return a factor of a duration that differs from day to day."""
        return math.exp(self.rng(*names, len(self.seen), day=self.case.day).normal(0, self.case.noise))

    def _cached(self, step: Any) -> Any:
        return None

    def _reply(self, flow: flow_steps.Flow[Any], step: Any, kind: str) -> Callable[[], Any]:
        try:
            if isinstance(step, flow_steps.MeasureStep):
                measured = self._measure(step)
                return lambda: flow.send(measured)
            result, folder = getattr(self, f"_{kind}_job")(step)
        except flow_steps.JobError as error:
            thrown = error
            return lambda: flow.throw(thrown)
        done = flow_steps.StepResult(result, folder, f"{kind}-{step.title}")
        return lambda: flow.send(done)

    def truth(self, title: str) -> Truth:
        like = self.like(title)
        assert isinstance(like, Truth)
        return like

    def _spend(self, step: flow_steps.JobStep[Any], seconds: float, exact_s: float = 0.0) -> None:
        """Advance the clock by noisy `seconds` and `exact_s`, at most to the limit of the step, which is then stopped."""
        seconds = exact_s + seconds * self.noise("cost")
        wall_s = step.limits.wall_s
        if wall_s is not None and seconds > wall_s:
            self.clock += wall_s
            raise failure("time_limit")
        self.clock += seconds

    def _may_break(self, step: flow_steps.JobStep[Any], kind: str) -> Truth:
        truth = self.truth(step.title)
        if truth.fails_at == kind:
            raise failure(truth.code)
        return truth

    def _data_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        result, folder = super()._data_job(step)
        changes = {"n_calibration": self.case.n_calibration, "labelled": False}
        return result.model_copy(update=changes), folder

    def _apply_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        self._spend(step, self.truth(step.title).make_s)
        truth = self._may_break(step, "apply")
        artifact, folder = self._model(f"apply-{step.title}", truth.size_bytes)
        return jobs.ApplyResult(artifact=artifact), folder

    def _answer_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        params = step.params
        assert isinstance(params, jobs.AnswerParams)
        truth, is_test = self._may_break(step, "answer"), params.split == "test"
        everything = self.case.n_test if is_test else self.case.n_calibration
        n = everything if params.most is None else min(everything, params.most)
        item_s = truth.item_s * self.noise("item")
        if params.max_seconds is not None:
            n = min(n, max(10, int(params.max_seconds / item_s)))
        known = self.predicted.get((step.title, is_test), 0) if params.earlier else 0
        self._spend(step, truth.start_s, max(0, n - known) * item_s)
        result = jobs.AnswerResult(n=n, seconds=n * item_s, read_share=n / everything)
        self.predicted[step.title, is_test] = n
        return result, self._folder(f"answer {params.split} {step.title}")

    def _fingerprints_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        folder = self._folder("fingerprints")
        first = 1 + (100 * self.case.seed + self.case.day) * 10_000
        np.save(folder / "fingerprints.npy", np.arange(first, first + self.case.n_test, dtype=np.uint64))
        self._spend(step, 0.3 + 0.002 * self.case.n_test)
        return FingerprintsResult(n=self.case.n_test), folder

    def changes(self, title: str, *, is_test: bool, n: int) -> int:
        """Return how many of the first `n` results change; an example that is hard for one version is hard for all."""
        everything = self.case.n_test if is_test else self.case.n_calibration
        common = self.rng("hard", is_test).random(everything)
        own = self.rng("own", is_test, title).random(everything)
        truth = self.truth(title)
        share = truth.changed if is_test or truth.screened is None else truth.screened
        is_own = self.rng("mix", is_test, title).random(everything) < 0.5
        return int(np.count_nonzero(np.where(is_own, own, common)[:n] < share))

    def _judge_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        params = step.params
        assert isinstance(params, jobs.JudgeParams)
        is_test = params.split == "test"
        self._spend(step, 0.5)
        self._may_break(step, "judge")
        n = min(self.predicted[title, is_test] for title in (step.title, "Original"))
        is_original = step.title not in self.variants
        k = 0 if is_original else self.changes(step.title, is_test=is_test, n=n)
        level, limit = level_of_look(params.earlier), params.max_loss_pct / 100
        verdict: specs.Verdict = "not_enough_data"
        if binomial_upper(k, n, 1 - level) <= limit:
            verdict = "safe"
        elif k >= 5 and binomial_lower(k, n, 1 - level) > limit:
            verdict = "regressed"
        return specs.Judgement(
            verdict=verdict, n=n, labelled=False, agreement=1 - k / n, drop=k / n, margin=limit, changed_count=k,
            identical=not k, far_beyond=binomial_lower(k, n, 1 - FAR_LEVEL) > FAR_TIMES * limit,
        ), self._folder(f"judge {params.split} {step.title}")  # fmt: skip

    def _measure(self, step: flow_steps.MeasureStep) -> flow_steps.Measured:
        final = step.title.startswith("Final")
        truths = [self._of(variant, step) for variant in step.variants]
        titles = [self._title(variant) for variant in step.variants]
        began, number = self.clock, len(self.seen)
        times: list[list[tuple[float, ...]]] = [[] for _ in truths]
        loads: list[list[tuple[BlockLoad, ...]]] = [[] for _ in truths]
        until = math.inf if step.until_s is None else self.clock + step.until_s
        failed = [truth.fails_at == ("final" if final else "measure") for truth in truths]
        fastest_ms = min(truth.p50_ms for truth in truths)
        for one_set in range(step.sets):
            rng = self.rng("set", number, one_set, day=self.case.day)
            is_busy = rng.random() < self.case.busy
            set_s = 0.0
            for index, truth in enumerate(truths):
                is_slow = step.slow_over_ms is not None and truth.p50_ms > step.slow_over_ms
                blocks = min(step.pace.blocks, MIN_BLOCKS) if is_slow else step.pace.blocks_of(truth.p50_ms)
                ms = truth.p50_ms * math.exp(rng.normal(0, self.case.spread)) * (1 if final else truth.first)
                waited = rng.uniform(0.2, 0.6) if is_busy else 0.0
                wall_ms = ms / (1 - waited)
                warmup, requests = step.pace.block(wall_ms, fastest_ms)
                times[index].append((wall_ms,) * (blocks * requests))
                cpu_s, wall_s = requests * ms / 1000, requests * wall_ms / 1000
                load = BlockLoad(requests=requests, elapsed_s=wall_s, cpu_s=cpu_s, waited_s=wall_s - cpu_s)
                loads[index].append((load,) * blocks)
                set_s += truth.start_s + blocks * (SWITCH_S + wall_s * (1 + warmup / requests))
            set_s *= math.exp(rng.normal(0, self.case.noise))
            if self.clock + set_s > until:
                self.clock = until
                times, loads = [[s[:one_set] for s in of] for of in (times, loads)]
                break
            self.clock += set_s
        sets = len(times[0])
        self.rounds = [*getattr(self, "rounds", []), (final, titles, sets, step.sets)]
        result = jobs.MeasureResult(load_ms=1000 * 0.3, first_ms=1, peak_memory_bytes=5000, device_ran="cpu")
        return flow_steps.Measured(
            tuple(() if no else tuple(of) for no, of in zip(failed, times, strict=True)),
            tuple(() if no else (result,) * sets for no in failed),
            tuple(failure().error if no else None if sets else NO_TIME for no in failed),
            0.0, self.clock - began, complete=sets == step.sets,
            loads=tuple(() if no else tuple(of) for no, of in zip(failed, loads, strict=True)),
        )  # fmt: skip

    def _title(self, variant: flow_steps.MeasuredVariant) -> str:
        return Path(variant.params.model_dir).parent.name.removeprefix("apply-")

    def _of(self, variant: flow_steps.MeasuredVariant, step: flow_steps.MeasureStep) -> Truth:
        return self.truth(self._title(variant))

    def _summarize_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        self._spend(step, 0.6)
        return summarize.run(step.params, self), self._folder("summarize")

    def try_s(self, truth: Truth) -> float:
        """Return the true seconds to make a version, to measure it alone and to evaluate it on the calibration set."""
        blocks_s = QUICK_BLOCKS * min(BLOCK_MAX_S, 1.25 * 40 * truth.p50_ms / 1000)
        return truth.make_s + 2 * truth.start_s + blocks_s + self.case.n_calibration * truth.item_s + 1.2

    def needed_s(self, truth: Truth, best: Variant | None, *, is_shown: bool) -> float:
        """Return the true seconds to measure a version once more in turn, unless it is shown, and to prove it."""
        original = self.case.original
        rest = self.case.n_test - self.predicted.get(("Original", True), 0)
        proof_s = 2.0 + 0.002 * self.case.n_test + truth.start_s + self.case.n_test * truth.item_s
        proof_s += original.start_s + rest * original.item_s if rest else 0.0
        if is_shown:
            return proof_s
        field = [original, truth, *([self.truth(best.title)] if best is not None else [])]
        costs = [Cost(one.start_s, 0.0, one.p50_ms / 1000) for one in field]
        fastest_s = min(cost.request_s for cost in costs)
        return proof_s + 2 * sum(cost.start_s + cost.turns_s(FINAL_BLOCKS, fastest_s) for cost in costs) + 1.2

    def check_cancelled(self) -> None:
        """Stand in for a job's context."""


def play(one: Stage) -> list[str]:
    """Run a stage whose play is a simulation, and return in words what must never happen and did."""
    simulation = one.play
    assert isinstance(simulation, Simulation)
    case, run = simulation.case, one.go()
    outcome, versions = one.outcome, [version for version in one.variants.values() if not version.is_baseline]
    left_s = math.inf if case.limit_s is None else case.limit_s - simulation.clock
    found = []
    for version in (*outcome.open, *outcome.untested):
        is_shown = is_gain(version, "speed") and not needs_quiet(version)
        needed_s = simulation.needed_s(simulation.truth(version.title), outcome.best, is_shown=is_shown)
        if can_be_measured_on(version) and left_s > SAFETY * needed_s + SPARE_S:
            found.append(f"{version.title} {version.state} is left with {left_s:.0f} s, and needs {needed_s:.0f} s")
    for version in versions:
        is_unknown = version.state != "dropped" and version.judgement is None and is_eligible(version)
        if is_unknown and is_gain(version, "speed") and not version.untested and version is not outcome.best:
            found.append(f"{version.title} is a gain without a verdict or a reason")
        is_open = is_gain(version, "speed") or (not version.is_side_by_side and looks_like_gain(version, "speed"))
        if outcome.ending is Ending.NOTHING_FASTER and is_unknown and is_open:
            found.append(f"{version.title} is faster, was not tested, and the run says that nothing faster was safe")
    for step in one.space.repositories.runs.steps(one.run_id):
        if step.detail in (TIME_WAS_UP, STANDING_WORDS[Standing.CUT_OFF]) and step.title in case.versions:
            truth = simulation.truth(step.title)
            needed_s = simulation.try_s(truth) + simulation.needed_s(truth, outcome.best, is_shown=False)
            if left_s > SAFETY * needed_s + SPARE_S:
                found.append(f"{step.title}: {step.detail}, with {left_s:.0f} s left, and needs {needed_s:.0f} s")
    best = outcome.best
    if best is not None and not (is_safe(best) or is_alike_not_proven(best)):
        found.append(f"{best.title} is recommended and not safe")
    if left_s < -LATE_S:
        found.append(f"the run ended {-left_s:.1f} s late")
    assert (run.recommended_variant_id is None) is (best is None)
    return found


def drawn(seed: int) -> Case:
    """Return a case of any size: fast and slow models, few and many examples, one to ten versions."""
    rng = np.random.default_rng(seed)
    ms = float(np.exp(rng.uniform(math.log(0.5), math.log(200))))
    decode_s = float(rng.choice([0.0, 0.002, 0.015]))
    limit_s = float(rng.choice([45, 90, 120, 240, 600]))
    start_s = float(rng.uniform(0.3, 2.5))
    n_test = int(rng.choice([100, 330, 600, 1000, 2000, 4000]))

    def one(speed: float, **more: Any) -> Truth:
        return Truth(p50_ms=ms / speed, start_s=start_s, item_s=decode_s + ms / speed / 1000, **more)

    versions = {}
    for number in range(int(rng.integers(1, 11))):
        speed = float(np.exp(rng.normal(0.25, 0.4)))
        kind = rng.choice(["same", "little", "near", "above", "bad"], p=[0.3, 0.25, 0.15, 0.15, 0.15])
        share = {"same": 0.0, "little": 0.001, "near": 0.006, "above": 0.03, "bad": 0.2}[str(kind)]
        fails_at = str(rng.choice(["", "apply", "answer", "judge", "measure", "final"], p=[0.9, *[0.02] * 5]))
        versions[f"V{number}"] = one(
            speed, changed=share, make_s=float(np.exp(rng.normal(0.7, 1.0))), fails_at=fails_at,
            first=float(np.exp(rng.normal(0, rng.choice([0.02, 0.15])))), size_bytes=int(rng.integers(250, 1001)),
            precision=str(rng.choice(["f32", "bf16", "i8"])), engine=str(rng.choice(["openvino", "onnxruntime-cpu"])),
        )  # fmt: skip
    return Case(
        seed, limit_s, one(1.0, make_s=0.0), versions, n_test=n_test, n_calibration=int(rng.choice([0, 60, 200])),
        noise=float(rng.choice([0.05, 0.3])), spread=float(rng.choice([0.005, 0.03])),
        busy=float(rng.choice([0.0, 0.0, 0.5])),
    )  # fmt: skip


def staged(space: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> Stage:
    """Return the stage of a simulation; its recipes have the engines and numbers of the drawn versions."""
    simulation = Simulation(root / f"{case.seed}-{case.day}", case)
    one = Stage(space, simulation, monkeypatch, time_budget_s=case.limit_s)
    one.change(fresh=True)
    monkeypatch.setattr(clock, "time", SimpleNamespace(monotonic=lambda: 0.0))  # limits of steps count from now
    monkeypatch.setattr(costs, "usable_cores", lambda: 2)  # tests that run in parallel have one core each
    simulation.candidates = tuple(
        recipe.model_copy(
            update={"id": title, "runtime": truth.engine, "settings": {"inference_precision": truth.precision}}
        )
        for recipe, (title, truth) in zip(one.request.preset.recipes, case.versions.items(), strict=True)
    )
    return one
