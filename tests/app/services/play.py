"""Play a whole optimization without a process: the result of each step follows from the variants of a test."""

import functools
import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from app.jobs.interleaving import MIN_BLOCKS
from app.services.flow import steps as flow_steps
from app.services.flow.artifacts import ArtifactStore
from app.services.flow.measuring import NO_TIME, SavedMeasurements
from workers.contracts import jobs, specs
from workers.contracts.base import Rows
from workers.contracts.disturbed import BlockLoad, is_under_load
from workers.contracts.error_info import ErrorInfo
from workers.contracts.folder import write_model
from workers.contracts.pipeline import write_pipeline
from workers.contracts.planning import Dropped
from workers.contracts.proof.proving import FingerprintsResult
from workers.pipeline.spec import ArraySteps, PipelineInput, PipelineOutput, PipelineSpec

DEVICE = specs.DeviceFacts(processor="test", cores=2, memory_bytes=1 << 30)
INFO = specs.ModelInfo(
    name="model",
    format="onnx",
    task="image-classification",
    inputs=(specs.TensorSpec(name="x", shape=(1, 8), dtype="float32"),),
    outputs=(specs.TensorSpec(name="y", shape=(1, 3), dtype="float32"),),
    parameters=10,
    size_bytes=1000,
    sha256="ab" * 32,
)

N_CALIBRATION = 200

SPEC = PipelineSpec(
    task="image-classification",
    inputs=(PipelineInput(name="x", dtype="float32", shape=(1, 8), source="array"),),
    outputs=(PipelineOutput(name="y", dtype="float32", shape=(1, 3), answer=True),),
    preprocess=ArraySteps(),
    answer_kind="class",
)


def failure(code: str = "no_good") -> flow_steps.JobError:
    return flow_steps.JobError(ErrorInfo(code=code, title="No good", detail="It is bad.", hint="Bring another."), 3)


@dataclass(frozen=True)
class Like:
    """Outcome of one variant. `fails_at` names the kind of job that fails for it, `calibration` the verdict on the
    calibration examples if it is not `verdict`. Its predictions take `item_factor` times those of the original."""

    p50_ms: float = 1.0
    verdict: specs.Verdict = "safe"
    agreement: float = 1.0
    size_bytes: int = 1000
    fails_at: str = ""
    code: str = "no_good"
    final_p50_ms: float | None = None
    seconds: float = 1.0
    calibration: specs.Verdict | None = None
    item_factor: float = 1.0


@dataclass
class Play:
    """`run(flow)` returns a result for each step; `clock` advances by the time that each would take.

    `waited_share` is the load during measurements, `agreed_low` the speedup that the methods then agree on. `seen` lists
    the kinds of steps that were run, `stored` those whose result came from the store.
    """

    root: Path
    artifacts: ArtifactStore
    original: Like
    variants: dict[str, Like]
    clock: float = 0.0
    seen: list[str] = field(default_factory=list)
    cancel_at: str = ""
    interrupt_at: str = ""
    finals: list[flow_steps.MeasureStep] = field(default_factory=list)
    looks: dict[str, flow_steps.MeasureStep] = field(default_factory=dict)
    candidates: tuple[specs.Recipe, ...] | None = None
    stored: list[str] = field(default_factory=list)
    end_after: int | None = None
    was_ended: bool = False
    waited_share: float = 0.0
    agreed_low: float | None = None
    cpu_speedup: float | None = None
    n_test: int = 1000
    item_s: float = 0.0
    earlier: dict[str, int] = field(default_factory=dict)
    left_out: tuple[Dropped, ...] = ()

    def run(self, flow: flow_steps.Flow[Any]) -> Any:
        """Run the flow and return its result."""
        reply: Callable[[], Any] = lambda: next(flow)  # noqa: E731
        while True:
            try:
                step = reply()
            except StopIteration as stop:
                return stop.value
            kind = "measure" if isinstance(step, flow_steps.MeasureStep) else step.kind
            cached = self._cached(step)
            if cached is not None:
                self.stored.append(f"{kind}:{step.title}")
                reply = functools.partial(flow.send, cached)
                continue
            self.seen.append(f"{kind}:{step.title}")
            if self.interrupt_at in (kind, self.seen[-1]) or len(self.seen) - 1 == self.end_after:
                self.was_ended = True
                flow.close()
                return None
            reply = self._reply(flow, step, kind)

    @property
    def _saved(self) -> SavedMeasurements:
        return SavedMeasurements(self.artifacts, self.root / "jobs")

    def _cached(self, step: Any) -> Any:
        """Return the stored result of a step, as the driver does; the data job is always run."""
        if isinstance(step, flow_steps.MeasureStep):
            return self._saved.find(step)
        entry = self.artifacts.get(self._key(step)) if step.cache and not step.by_content else None
        if entry is None:
            return None
        return flow_steps.StepResult(
            step.result.model_validate(entry.result), entry.folder, entry.key, True, entry.seconds
        )

    def _key(self, step: flow_steps.JobStep[Any]) -> str:
        if step.kind not in ("plan", "summarize"):
            split = "-calibration" if getattr(step.params, "split", "") == "calibration" else ""
            most_s = getattr(step.params, "max_seconds", None)
            return f"{step.kind}-{step.title}{split}{f'-{most_s:g}' if most_s is not None else ''}"
        return f"{step.kind}-{hashlib.sha256(step.params.model_dump_json().encode()).hexdigest()[:16]}"

    def _reply(self, flow: flow_steps.Flow[Any], step: Any, kind: str) -> Callable[[], Any]:
        if self.cancel_at in (kind, self.seen[-1]):
            return lambda: flow.throw(flow_steps.FlowCancelled())
        try:
            if isinstance(step, flow_steps.MeasureStep):
                measured = self._measure(step)
                self._saved.save(step, measured)
                return lambda: flow.send(measured)
            began = self.clock
            result, folder = getattr(self, f"_{kind}_job")(step)
        except flow_steps.JobError as error:
            thrown = error
            return lambda: flow.throw(thrown)
        key = self._key(step) if step.cache else ""
        if key:
            written = result.model_dump(mode="json")
            folder = self.artifacts.adopt(folder, key, written, seconds=self.clock - began).folder
        done = flow_steps.StepResult(result, folder, key)
        return lambda: flow.send(done)

    def like(self, title: str) -> Like:
        return self.variants.get(title, self.original)

    def _may_fail(self, step: flow_steps.JobStep[Any], kind: str, share: float = 1.0) -> Like:
        like = self.like(step.title)
        wall_s = step.limits.wall_s
        if wall_s is not None and share * like.seconds > wall_s:
            self.clock += wall_s
            raise failure("time_limit")
        self.clock += share * like.seconds / 3
        if like.fails_at == kind:
            raise failure(like.code)
        return like

    def _folder(self, name: str) -> Path:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _model(self, name: str, size_bytes: int) -> tuple[specs.ModelArtifact, Path]:
        folder = self._folder(f"{name}/model")
        (folder / "model.onnx").write_bytes(b"x" * size_bytes)
        write_pipeline(folder, SPEC)
        return write_model(folder, "model.onnx", ["model.onnx"]), folder.parent

    def _describe_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        names = ("onnxruntime-cpu", "openvino")
        rows = tuple(specs.Described(id=name, title=name, available=True, group="cpu") for name in names)
        return jobs.DescribeResult(
            device=DEVICE, devices=(), runtimes=rows, techniques=(), targets=(), versions={}
        ), self.root  # fmt: skip

    def _open_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        if self.original.fails_at == "open":
            raise failure()
        artifact, folder = self._model("open", self.original.size_bytes)
        return jobs.OpenResult(info=INFO, artifact=artifact), folder

    def _data_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        result = jobs.DataResult(
            origin="person",
            kind="arrays",
            n_items=self.n_test,
            n_test=self.n_test,
            n_calibration=N_CALIBRATION,
            labelled=True,
            sha256="cd" * 32,
        )
        return result, self._folder("data")

    def _plan_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        params = step.params
        assert isinstance(params, jobs.PlanParams)
        candidates = self.candidates or params.preset_steps
        fitting = tuple(recipe for recipe in candidates if recipe.runtime in params.runtimes)
        result = jobs.PlanResult(baseline=specs.Recipe(title="Original"), candidates=fitting, dropped=self.left_out)
        return result, self._folder("plan")

    def _apply_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        assert isinstance(step.params, jobs.ApplyParams)
        like = self._may_fail(step, "apply")
        artifact, folder = self._model(f"apply {step.title}", like.size_bytes)
        return jobs.ApplyResult(artifact=artifact), folder

    def _answer_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        """Predict the test examples, or in a fifth of that time the few calibration examples."""
        params = step.params
        assert isinstance(params, jobs.AnswerParams)
        is_test = params.split == "test"
        n = everything = min(self.n_test if is_test else N_CALIBRATION, params.most or self.n_test)
        item_s = self.item_s * self._may_fail(step, "answer", 1.0 if is_test else 0.2).item_factor
        if params.max_seconds is not None and item_s * n > params.max_seconds:
            n = max(10, int(params.max_seconds / item_s))
        seconds = item_s * n
        if step.limits.wall_s is not None and seconds > step.limits.wall_s:
            self.clock += step.limits.wall_s
            raise failure("time_limit")
        self.clock += seconds
        result = jobs.AnswerResult(n=n, seconds=seconds, read_share=n / everything)
        return result, self._folder(f"answer {params.split} {step.title}")

    def _fingerprints_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        folder = self._folder("fingerprints")
        np.save(folder / "fingerprints.npy", np.arange(1, self.n_test + 1, dtype=np.uint64))
        return FingerprintsResult(n=self.n_test), folder

    def _judge_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        params = step.params
        assert isinstance(params, jobs.JudgeParams)
        is_test = params.split == "test"
        like = self._may_fail(step, "judge", 1.0 if is_test else 0.2)
        self.earlier[step.title] = params.earlier
        n = self.n_test if is_test else N_CALIBRATION
        verdict = like.verdict if is_test or like.calibration is None else like.calibration
        judgement = specs.Judgement(
            verdict=verdict, n=n, labelled=True, accuracy=0.9, agreement=like.agreement,
            drop=1 - like.agreement, margin=0.01, missing_examples=200, changed_count=round(n * (1 - like.agreement)),
        )  # fmt: skip
        return judgement, self._folder(f"judge {params.split} {step.title}")

    def _measure(self, step: flow_steps.MeasureStep) -> flow_steps.Measured:
        final = step.title.startswith("Final")
        if final:
            self.finals.append(step)
        else:
            self.looks[step.title] = step
        times, failures, results = [], [], []
        began = self.clock
        sets = self._sets_in_time(step)
        for variant in step.variants:
            like = self._of(variant, step)
            p50 = like.final_p50_ms if final and like.final_p50_ms else like.p50_ms
            self.clock += self._set_s(like, step) * sets
            failed = like.fails_at == ("final" if final else "measure")
            failures.append(failure(like.code).error if failed else None if sets else NO_TIME)
            one_set = (p50,) * (step.pace.blocks * step.pace.timed_requests)
            times.append(() if failed else (one_set,) * sets)
            result = jobs.MeasureResult(load_ms=1, first_ms=1, peak_memory_bytes=5000, device_ran="cpu")
            results.append(() if failed else (result,) * sets)
        if sets < step.sets and step.until_s is not None:
            self.clock = max(self.clock, began + step.until_s - time.monotonic())
        load = BlockLoad(requests=1, elapsed_s=1.0, cpu_s=1 - self.waited_share, waited_s=self.waited_share)
        loads = tuple(((load,) * step.pace.blocks,) * sets for _ in step.variants)
        is_whole = sets == step.sets
        return flow_steps.Measured(
            tuple(times), tuple(results), tuple(failures), 0.1, self.clock - began, complete=is_whole, loads=loads
        )

    @staticmethod
    def _set_s(like: Like, step: flow_steps.MeasureStep) -> float:
        """Return the seconds of one process: loading, then its blocks of requests, a quarter more for warming up."""
        is_slow = step.slow_over_ms is not None and like.p50_ms > step.slow_over_ms
        blocks = min(step.pace.blocks, MIN_BLOCKS) if is_slow else step.pace.blocks
        requests = sum(step.pace.block(like.p50_ms))
        return like.seconds / 3 + blocks * min(step.pace.block_max_s, requests * like.p50_ms / 1000)

    def _sets_in_time(self, step: flow_steps.MeasureStep) -> int:
        """Return how many sets are done by the end of the measurement."""
        one_set_s = sum(self._set_s(self._of(variant, step), step) for variant in step.variants)
        if step.until_s is None or not one_set_s:
            return step.sets
        return min(step.sets, int((step.until_s - time.monotonic()) / one_set_s))

    def _of(self, variant: flow_steps.MeasuredVariant, step: flow_steps.MeasureStep) -> Like:
        folder = Path(variant.params.model_dir).parent.name
        return self.like(folder.removeprefix("apply-"))

    def _summarize_job(self, step: flow_steps.JobStep[Any]) -> tuple[Any, Path]:
        params = step.params
        assert isinstance(params, jobs.SummarizeParams)
        base = params.latencies_ms[0][0][0]
        rows: list[jobs.SpeedSummary | None] = []
        for sets in params.latencies_ms:
            if not sets:
                rows.append(None)
                continue
            p50 = sets[0][0]
            n, n_sets = sum(map(len, sets)), len(sets)
            latency = specs.LatencySummary(
                n=n, p50_ms=p50, p90_ms=p50, p99_ms=p50 if n >= 299 else None, max_ms=p50, mean_ms=p50
            )
            ratio = base / p50
            rows.append(
                jobs.SpeedSummary(
                    latency=latency, throughput_per_s=1000 / p50, speedup=ratio,
                    speedup_low=ratio * (1 - 0.09 / n_sets), speedup_high=ratio * (1 + 0.09 / n_sets),
                    under_load=is_under_load(*params.loads), cpu_speedup=self.cpu_speedup or ratio, agreed_low=self.agreed_low,
                )
            )  # fmt: skip
        return Rows(rows=tuple(rows)), self._folder("summarize")
