"""How few bits a weight a language model bears: versions with some layers in 4 bits and the others in 8, side by side.

    python -m tests.benchmarks.language_bits MODEL_DIR [NAME…] [--work FOLDER] [--texts 50] [--limit 3]

MODEL_DIR is a folder of a language model; NAME… leaves out all other rows of `GRID`. With `--work` the opened model and
finished rows are kept there, so that a run that was ended goes on. The last `LEARNED` of the dialogues that come with
Fettle are learned from, the first `--texts` are judged, so no text is both. A row for each version: bits a weight (of
all weights, scales and the table of words included), megabytes, the share of materially worse next words with its
bounds, verdict at `--limit` percent, perplexity ratio (in the notes of the verdict), tokens a second beside the
original's in turns, and seconds it took to make.

Measured on SmolLM2-135M-Instruct, limit 3 %, 50 texts of 2,655 words where nothing else is said, beside other programs
(times are no figures):

| version | bits a weight | MB | worse next words (bounds) | verdict |
| INT8 | 8.04 | 135 | .0000 (.0000 to .0060) | safe |
| 35 %, 64, AWQ, scales (by max_variance) | 7.03 | 118 | .0192 (.0101 to .0331) | not enough data |
| 50 %, 64, GPTQ, 66 texts (by max_variance) | 6.60 | 111 | .0167 (.0092 to .0278) | safe |
| 50 %, 64, GPTQ | 6.60 | 111 | .0173 (.0088 to .0307) | not enough data |
| 50 %, 64, AWQ, scales (by max_variance) | 6.60 | 111 | .0313 (.0193 to .0478) | not enough data |
| 50 %, 64, by max_variance | 6.60 | 111 | .0350 (.0223 to .0523) | not enough data |
| 50 %, 64, by hessian | 6.59 | 111 | .0847 (.0646 to .1088) | regressed |
| 100 %, 32 | 5.35 | 90 | .1706 (.1427 to .2016) | regressed |

So a version with half of its layers' weights in 4 bits is within 3 % (by GPTQ, proven with 66 texts); rounding all layers
without examples is far outside, even in the groups in which this model's weights lie on a 4-bit grid (NNCF's offsets are
whole numbers, the grid's are not). Which layers keep 8 bits matters most, then GPTQ: it halves what AWQ with fitted scales
leaves. The other rows are not measured yet.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from workers.contracts.folder import read_model
from workers.contracts.jobs import OpenParams
from workers.contracts.techniques import Model
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.data.made.dialogues import our_dialogues
from workers.evaluate.proof.case import case_of
from workers.evaluate.proof.engine import judge_case
from workers.evaluate.proof.predictions import Answers
from workers.infer import openvino
from workers.model_io.opening import open_model
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import write_prepared
from workers.quantize import language_int4, language_int8
from workers.runtime.recording import RecordingContext

LEARNED, ROUNDS, PROMPT_TOKENS, NEW_TOKENS = 32, 3, 64, 16

PLAIN: Mapping[str, Any] = {"awq": False, "scales": False}

GRID: dict[str, Mapping[str, Any] | None] = {
    "INT8": None,
    **{f"50 %, 64, by {metric}": {**PLAIN, "share": 0.5, "sensitivity": metric} for metric in language_int4.METRICS},
    **{
        f"50 %, {size}, by hessian": {**PLAIN, "share": 0.5, "sensitivity": "hessian", "group_size": size}
        for size in (32, 128)
    },
    "50 %, 64, GPTQ": {**PLAIN, "share": 0.5, "gptq": True},
    "50 %, 64, AWQ": {"share": 0.5, "scales": False},
    "50 %, 64, AWQ, scales": {"share": 0.5},
    "50 %, 64, AWQ, scales, GPTQ": {"share": 0.5, "gptq": True},
    "50 %, 64, AWQ, scales, by hessian": {"share": 0.5, "sensitivity": "hessian"},
    "35 %, 64, AWQ, scales": {"share": 0.35},
    "25 %, 64, AWQ, scales": {"share": 0.25},
    "80 %, 64, GPTQ": {**PLAIN, "share": 0.8, "gptq": True},
    "100 %, 64, GPTQ": {**PLAIN, "gptq": True},
    "100 %, 64, AWQ, scales": {},
    "100 %, 32": {**PLAIN, "group_size": 32},
}
"""Parameters of `language_int4`, by name (share in 4 bits, size of groups, what is learned); None for INT8 weights."""


@dataclass(frozen=True)
class Subject:
    """The opened model, prepared texts, and what the original thinks of those that are judged."""

    folder: Path
    feeds: list[Any]
    original: Answers

    def artifact(self) -> Model:
        return read_model(self.folder)


def session_of(folder: Path) -> Any:
    artifact = read_model(folder).artifact
    return openvino.load(folder / artifact.main, {**artifact.settings, "inference_precision": "bf16"}, 2)


def answers_of(session: Any, feeds: list[Any]) -> Answers:
    parts = [session.run(one)["next_tokens"][0] for one in feeds]
    finite = np.asarray([bool(np.isfinite(part).all()) for part in parts])
    return Answers(parts, None, finite, {}, "next_tokens", "logits", False)


def opened(source: Path, work: Path, texts: int) -> Subject:
    """The model as Fettle opens it, its own texts prepared, those to learn from written beside."""
    folder = work / "model"
    if not (folder / "artifact.json").exists():
        open_model(OpenParams(path=str(source)), RecordingContext(work_dir=work, threads=2))
    pipeline = load_pipeline(folder)
    feeds = [pipeline.feeds_from(str(entry.open())) for entry in our_dialogues()]
    write_prepared(work / "data" / "calibration", feeds[-LEARNED:])
    artifact = read_model(folder).artifact
    judged = feeds[: min(texts, len(feeds) - LEARNED)]
    session = openvino.load(folder / artifact.main, artifact.settings, 2)
    original = answers_of(session, judged)
    session.close()
    return Subject(folder, judged, original)


def row_of(subject: Subject, params: Mapping[str, Any] | None, work: Path, limit: float, rounds: int) -> dict[str, Any]:
    """One version: made, judged, timed in turns with the original, and removed."""
    began_s = time.perf_counter()
    with tempfile.TemporaryDirectory(dir=work) as place:
        ctx = RecordingContext(work_dir=Path(place), threads=2, data_dir=work / "data")
        if params is None:
            language_int8.apply(subject.artifact(), language_int8.Params(), ctx)
        else:
            language_int4.apply(subject.artifact(), language_int4.Params(**params), ctx)
        made_s = time.perf_counter() - began_s
        folder = Path(place) / "model"
        size = (folder / "model.bin").stat().st_size
        session, original = session_of(folder), session_of(subject.folder)
        new = answers_of(session, subject.feeds)
        speeds = [(tokens_a_second(original), tokens_a_second(session)) for _ in range(rounds)]
        session.close()
        original.close()
    data = DataSet("texts", "person", None, test=tuple(Item(f"text {at}") for at in range(len(subject.feeds))))
    told = judge_case(case_of(data, subject.original, new), limit)
    parameters = json.loads((subject.folder / "info.json").read_text(encoding="utf-8"))["parameters"]
    return {
        "bits": 8 * size / parameters,
        "mb": size / 1e6,
        "worse": told.units_changed / told.units,
        "low": told.drop_low,
        "high": told.changed_high,
        "verdict": told.verdict,
        "notes": list(told.notes),
        "tokens_per_s": median(speed for _, speed in speeds),
        "original_tokens_per_s": median(speed for speed, _ in speeds),
        "made_s": made_s,
    }


def tokens_a_second(session: Any) -> float:
    """Of the words after the first one, as a person sees them come."""
    prompt = np.arange(100, 100 + PROMPT_TOKENS, dtype=np.int64)[None]
    session.run({"input_ids": prompt, "new_tokens": np.asarray([NEW_TOKENS])})
    spoken = session.spoken[-1]
    return (spoken.tokens - 1) / spoken.rest_s


def line(name: str, row: Mapping[str, Any]) -> str:
    share = f"{row['worse']:.4f} ({row['low']:.4f} to {row['high']:.4f})"
    speed = f"{row['tokens_per_s']:.0f} ({row['tokens_per_s'] / row['original_tokens_per_s']:.2f} x)"
    return (
        f"| {name} | {row['bits']:.2f} | {row['mb']:.0f} | {share} | {row['verdict']} | {speed} | {row['made_s']:.0f} |"
    )


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("names", nargs="*", choices=[*GRID, []], default=[])
    parser.add_argument("--work", type=Path, default=None)
    parser.add_argument("--texts", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--limit", type=float, default=3.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as own:
        work = asked.work or Path(own)
        work.mkdir(parents=True, exist_ok=True)
        kept = work / "rows.json"
        rows = json.loads(kept.read_text(encoding="utf-8")) if kept.exists() else {}
        subject = opened(asked.model, work, asked.texts)
        say(
            "| version | bits a weight | MB | worse next words (bounds) | verdict | tokens a second | seconds to make |"
        )
        for name in asked.names or GRID:
            if name not in rows:
                rows[name] = row_of(subject, GRID[name], work, asked.limit, asked.rounds)
                kept.write_text(json.dumps(rows, indent=1), encoding="utf-8")
            say(line(name, rows[name]))


if __name__ == "__main__":
    main()
