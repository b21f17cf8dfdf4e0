"""Data, answers and judgements as the jobs make them; sounds, tokenizers and descriptions of small models."""

import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from recording import RecordingContext

from workers.contracts.jobs import AnswerParams, DataParams, DataResult, JudgeParams
from workers.contracts.specs import Judgement
from workers.evaluate.data.build import build_data
from workers.pipeline.spec import PipelineInput, PipelineOutput, PipelineSpec

Job = Callable[..., tuple[Any, Path]]


def read_set(model: Path, path: Path | None, work: Path, ctx: Any = None, **more: Any) -> tuple[DataResult, Path]:
    """Read a person's data (or none) for a model; return the result and the data folder in `work`."""
    work.mkdir(parents=True, exist_ok=True)
    params = DataParams(model_dir=str(model), path=None if path is None else str(path), **more)
    result = build_data(params, ctx or RecordingContext(work))
    return result, work / result.data_dir


def data_for(job: Job, model: Path, path: Path | None = None, **more: Any) -> Path:
    """Run the job ``data``; return the data folder."""
    result, work = job("data", DataParams(model_dir=str(model), path=None if path is None else str(path), **more))
    return work / result.data_dir


def answers_for(job: Job, model: Path, data: Path, runtime: str = "onnxruntime-cpu", **settings: Any) -> Path:
    """Run the job ``answer``; return the file of answers."""
    params = AnswerParams(model_dir=str(model), data_dir=str(data), runtime=runtime, settings=settings)
    result, work = job("answer", params)
    return work / result.path


def judged(job: Job, data: Path, old: Path, new: Path, limit: float = 1.0, **more: Any) -> Judgement:
    """Run the job ``judge`` on two files of answers."""
    files = {"data_dir": str(data), "original_answers": str(old), "variant_answers": str(new)}
    found: Judgement = job("judge", JudgeParams(**files, max_loss_pct=limit, **more))[0]
    return found


def small_spec(
    task: str, source: str, shape: Sequence[Any], out: Sequence[Any], steps: Any, kind: str = "class", **more: Any
) -> PipelineSpec:
    """Describe a model of one input "input" and one output "output" of 32-bit numbers."""
    dtype = more.pop("dtype", "float32")
    return PipelineSpec(
        task=task,
        inputs=(PipelineInput(name="input", dtype=dtype, shape=tuple(shape), source=source),),
        outputs=(PipelineOutput(name="output", dtype="float32", shape=tuple(out), answer=True),),
        preprocess=steps,
        answer_kind=kind,
        **more,
    )


def write_wav(path: Path, samples: NDArray[Any], rate_hz: int = 8000) -> Path:
    """Write samples (n,) of 16 bits as one channel."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate_hz, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def write_noise(path: Path, seed: int, count: int = 4000, most: int = 9000, rate_hz: int = 8000) -> Path:
    """Write `count` random samples from −`most` to `most` as a sound."""
    return write_wav(path, np.random.default_rng(seed).integers(-most, most, count, dtype=np.int16), rate_hz)


def write_words(path: Path, words: Sequence[str]) -> None:
    """Write a tokenizer of whole words; the first is the unknown one."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace

    tokenizer = Tokenizer(WordLevel({word: i for i, word in enumerate(words)}, unk_token=words[0]))
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(path))
