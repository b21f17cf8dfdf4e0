"""A model with its data, opened as the program opens them, and the judge's verdict on anything done to the model."""

import sys
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper
from recording import RecordingContext

from workers.contracts.folder import read_model
from workers.contracts.jobs import DataParams, JudgeParams, OpenParams
from workers.contracts.specs import Judgement, Verdict
from workers.contracts.techniques import TechniqueSpec
from workers.evaluate.proof.predictions import ANSWERS_FILE, collect_predictions, save_predictions
from workers.infer.base import Session
from workers.measure.opening import open_session
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared
from workers.runtime.kinds import load_job

Feeds = dict[str, np.ndarray]
BLOCK = 64


@dataclass
class Changed:
    """A session whose inputs or answers are changed between: `before(feeds)`, `after(answers, feeds)`."""

    inner: Session
    before: Callable[[Feeds], Feeds] | None = None
    after: Callable[[np.ndarray, Feeds], np.ndarray] | None = None
    output: str = ""
    device_ran: str = "cpu"
    fallbacks: tuple[str, ...] = ()

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        given = {name: np.array(values) for name, values in feeds.items()}
        answers = dict(self.inner.run(self.before(given) if self.before is not None else given))
        if self.after is not None:
            answers[self.output] = self.after(np.array(answers[self.output]), given)
        return answers

    def close(self) -> None:
        self.inner.close()


@dataclass
class Ahead:
    """Answers all items in blocks beforehand and then gives them one by one: a batch changes nothing but time."""

    rows: dict[str, np.ndarray]
    at: int = 0
    device_ran: str = "cpu"
    fallbacks: tuple[str, ...] = ()

    @classmethod
    def of(cls, session: Session, items: Prepared) -> "Ahead":
        blocks = []
        for start in range(0, len(items), BLOCK):
            part = [items[i] for i in range(start, min(start + BLOCK, len(items)))]
            answers = session.run({name: np.concatenate([feeds[name] for feeds in part]) for name in part[0]})
            blocks.append({name: np.array(values) for name, values in answers.items()})
        return cls({name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]})

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        count = len(next(iter(feeds.values())))
        self.at += count
        return {name: values[self.at - count : self.at] for name, values in self.rows.items()}

    def close(self) -> None: ...


@dataclass
class Bench:
    """`folder` holds the opened model, `data` the test set. `in_blocks`: all items have one size and no state."""

    folder: Path
    data: Path
    root: Path
    in_blocks: bool = True
    count: int = 0
    original: Path | None = None

    @classmethod
    def of(cls, root: Path, model: Path, data: Path, in_blocks: bool = True, **params: Any) -> "Bench":
        root.mkdir(parents=True)
        opened = _job("open", OpenParams(path=str(model)), root / "open")
        folder = root / "open" / opened.model_dir
        found = _job("data", DataParams(model_dir=str(folder), path=str(data), **params), root / "data")
        bench = cls(folder, root / "data" / found.data_dir, root, in_blocks)
        bench.original = bench.answers(bench.session())
        return bench

    @property
    def items(self) -> Prepared:
        return Prepared(self.data / "test")

    def inputs(self, name: str) -> np.ndarray:
        """One input of all items in a row."""
        return np.concatenate([np.array(feeds[name]) for feeds in self.items])

    @property
    def output(self) -> str:
        return next(entry.name for entry in load_pipeline(self.folder).spec.outputs if entry.answer)

    def session(
        self, folder: Path | None = None, runtime: str = "onnxruntime-cpu", threads: int = 1, **settings: Any
    ) -> Session:
        return open_session(folder or self.folder, runtime, settings, threads)

    def changed(self, before: Any = None, after: Any = None) -> Session:
        """The original with something done to its inputs or its answers."""
        return Changed(self.session(), before, after, self.output)

    def proto(self) -> onnx.ModelProto:
        return onnx.load(str(self.folder / "model.onnx"))

    def rebuilt(self, proto: onnx.ModelProto, **saving: Any) -> Session:
        """A session of another graph."""
        folder = self._next()
        onnx.save_model(proto, str(folder / "model.onnx"), **saving)
        return _Plain(folder / "model.onnx")

    def with_weights(self, change: Callable[[str, np.ndarray], np.ndarray]) -> Session:
        """The original with `change(name, values)` for each of its float tensors. Raises ValueError if none changed."""
        proto = self.proto()
        constants = [node for node in proto.graph.node if node.op_type == "Constant"]
        found = [(tensor.name, tensor) for tensor in proto.graph.initializer]
        found += [(node.output[0], a.t) for node in constants for a in node.attribute if a.name == "value"]
        is_changed = False
        for name, tensor in found:
            values = numpy_helper.to_array(tensor)
            if values.dtype == np.float32:
                wanted = change(name, values).astype(np.float32)
                is_changed |= not np.array_equal(wanted, values)
                tensor.CopyFrom(numpy_helper.from_array(wanted, tensor.name))
        if not is_changed:
            raise ValueError("nothing was changed")
        return self.rebuilt(proto)

    def technique(self, technique: TechniqueSpec, runtime: str = "onnxruntime-cpu", **params: Any) -> Session:
        """What a technique makes of it."""
        work = self._next()
        context = RecordingContext(work, data_dir=self.data)
        technique.apply(read_model(self.folder), technique.params(**params), context)
        return self.session(work / "model", runtime)

    def answers(self, session: Session) -> Path:
        folder, items = self._next(), self.items
        ready = Ahead.of(session, items) if self.in_blocks else session
        found = collect_predictions(load_pipeline(self.folder), ready, items, RecordingContext(folder))
        session.close()
        save_predictions(folder / ANSWERS_FILE, found)
        return folder / ANSWERS_FILE

    def judged(self, session: Session, limit_pct: float = 1.0) -> Judgement:
        """The verdict of the job `judge` on what `session` answers."""
        params = JudgeParams(
            data_dir=str(self.data),
            original_answers=str(self.original),
            variant_answers=str(self.answers(session)),
            max_loss_pct=limit_pct,
        )
        judgement: Judgement = _job("judge", params, self._next())
        return judgement

    def _next(self) -> Path:
        self.count += 1
        folder = self.root / f"{self.count}"
        folder.mkdir()
        return folder


class _Plain:
    """An ONNX file in ONNX Runtime, without Fettle's folder around it."""

    device_ran, fallbacks = "cpu", ()

    def __init__(self, path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._names = [output.name for output in self._session.get_outputs()]

    def run(self, feeds: Mapping[str, Any]) -> dict[str, Any]:
        return dict(zip(self._names, self._session.run(None, dict(feeds)), strict=True))

    def close(self) -> None: ...


def _job(kind: str, params: Any, folder: Path) -> Any:
    folder.mkdir(exist_ok=True)
    return load_job(kind).run(params, RecordingContext(folder))


@dataclass(frozen=True)
class Row:
    """One change with the judge's verdict. `slices` are the names of parts of which one must be named (none: any)."""

    name: str
    judgement: Judgement
    slices: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return self.judgement.verdict

    @property
    def is_caught(self) -> bool:
        """Refused, and by its own slice where it is about one."""
        return self.verdict == "regressed" and (not self.slices or self.judgement.worst_slice in self.slices)


def print_verdicts(capsys: Any, title: str, rows: list[Row]) -> None:
    """Print the verdict of every change."""
    lines = ["", title]
    for row in rows:
        judgement = row.judgement
        drop = "" if judgement.drop is None else f"{judgement.drop:8.4f}"
        worst = judgement.worst_slice or ""
        lines.append(f"{row.name:44} {row.verdict:16} {drop:>8}  {worst}")
    with capsys.disabled():
        sys.stdout.write("\n".join(lines) + "\n")


def guess(scores: np.ndarray) -> np.ndarray:
    """Return answers of the same confidence for other classes."""
    return np.roll(scores, 1, axis=1)


def where(
    rows: np.ndarray, change: Callable[[np.ndarray], np.ndarray] = guess
) -> Callable[[np.ndarray, Any], np.ndarray]:
    """Return a change of the answers to some of the items, which are answered in their order."""
    at = iter(np.split(rows, range(BLOCK, len(rows), BLOCK)))

    def after(scores: np.ndarray, feeds: Any) -> np.ndarray:
        chosen = next(at)
        scores[chosen] = change(scores[chosen])
        return scores

    return after


def coarse(which: str, levels: int) -> Callable[[str, np.ndarray], np.ndarray]:
    """Return a change that leaves one tensor so few levels on each side of zero."""

    def change(name: str, values: np.ndarray) -> np.ndarray:
        step = np.abs(values).max() / levels
        return np.round(values / step) * step if name == which else values

    return change


def to_bf16(_: str, values: np.ndarray) -> np.ndarray:
    """Return weights as 16-bit brain floats store them, rounded to nearest."""
    bits = values.astype(np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


def with_column(source: Path, target: Path, **columns: np.ndarray) -> Path:
    """An NPZ with further arrays."""
    with np.load(source, allow_pickle=False) as stored:
        np.savez(target, **{name: stored[name] for name in stored.files}, **columns)
    assert zipfile.is_zipfile(target)
    return target
