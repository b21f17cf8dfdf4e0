"""SmolLM2-135M-Instruct: what is harmless is safe at 1 %, what is harmful is regressed, and both as the library says.

Its weights lie on a 4-bit grid in groups of 32 already, so that INT4 in groups of 32 would look lossless: groups of 64.
"""

import copy
import functools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workers.contracts.folder import read_model
from workers.contracts.jobs import OpenParams
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.data.made.dialogues import our_dialogues
from workers.evaluate.proof.case import case_of
from workers.evaluate.proof.engine import judge_case
from workers.evaluate.proof.predictions import Answers
from workers.infer import openvino
from workers.infer.next_tokens import thoughts
from workers.model_io.opening import open_model
from workers.pipeline.chats import answer
from workers.pipeline.pipeline import load_pipeline
from workers.quantize import language_int4, language_int8
from workers.runtime.recording import RecordingContext

pytestmark = [pytest.mark.models, pytest.mark.timeout(3600)]
ROOT = Path(os.environ.get("FETTLE_MODELS_DIR", "/nowhere"))
QUESTION = "What is the capital of France?"


class Real:
    """The opened model, its texts, and the original's thoughts about them."""

    def __init__(self, folder: Path, source: Path) -> None:
        self.folder, self.source, self.pipeline = folder, source, load_pipeline(folder)
        self.feeds = [self.pipeline.feeds_from(str(entry.open())) for entry in our_dialogues()]
        self.data = DataSet("texts", "person", None, test=tuple(Item(f"text {i}") for i in range(len(self.feeds))))
        self.original = self.answers({})

    def session(self, settings: dict[str, Any], folder: Path | None = None) -> Any:
        artifact = read_model(folder or self.folder).artifact
        return openvino.load((folder or self.folder) / artifact.main, {**artifact.settings, **settings}, 2)

    def answers(self, settings: dict[str, Any], folder: Path | None = None) -> Answers:
        session = self.session(settings, folder)
        parts = [self.pipeline.run(session, feeds)["next_tokens"][0] for feeds in self.feeds]
        session.close()
        return answers_of(parts)

    def by_library(self, change: Callable[[Any], Any] = lambda model: None, scale: float = 1.0) -> list[Any]:
        """Logits (places, vocabulary) of each text by transformers in 32 bits, after a change of the module."""
        import torch

        model = copy.deepcopy(library(self.source))
        change(model)
        found = []
        with torch.inference_mode():
            for feeds in self.feeds:
                logits = model(input_ids=torch.from_numpy(feeds["input_ids"])).logits[0].numpy()
                found.append(scale * logits[np.flatnonzero(feeds["counted"][0, 1:])])
        return found

    def thoughts(self, logits: list[Any]) -> Answers:
        return answers_of([thoughts(rows, self.following(at)) for at, rows in enumerate(logits)])

    def following(self, at: int) -> Any:
        feeds = self.feeds[at]
        return feeds["input_ids"][0, 1:][np.flatnonzero(feeds["counted"][0, 1:])]

    def verdict(self, new: Answers) -> Any:
        return judge_case(case_of(self.data, self.original, new), 1.0)


def answers_of(parts: list[Any]) -> Answers:
    finite = np.asarray([bool(np.isfinite(part).all()) for part in parts])
    return Answers(parts, None, finite, {}, "next_tokens", "logits", False)


@functools.cache
def library(source: Path) -> Any:
    import torch
    import transformers

    return transformers.AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32, local_files_only=True).eval()


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    source = next((ROOT / "P").glob("P13*"))
    work = tmp_path_factory.mktemp("smollm")
    open_model(OpenParams(path=str(source)), RecordingContext(work_dir=work, threads=2))
    yield Real(work / "model", source)
    library.cache_clear()


def says_paris(real: Real, settings: dict[str, Any], folder: Path | None = None) -> bool:
    session = real.session(settings, folder)
    said = "".join(answer(session, real.pipeline.chat, QUESTION, max_new_tokens=16))
    session.close()
    return "Paris" in said


def test_the_original_is_the_librarys(real: Real) -> None:
    found = real.verdict(real.thoughts(real.by_library()))
    assert found.verdict == "safe" and found.units_changed == 0 and found.similarity > 0.999
    assert says_paris(real, {})


def test_harmless_is_safe_and_as_the_library_says(real: Real, tmp_path: Path) -> None:
    # Given BF16, INT8 weights, and both
    ctx = RecordingContext(work_dir=tmp_path, threads=2)
    language_int8.apply(read_model(real.folder), language_int8.Params(), ctx)
    small = tmp_path / "model"
    found = {}
    for name, settings, folder in (
        ("BF16", {"inference_precision": "bf16"}, None),
        ("INT8", {}, small),
        ("INT8, BF16", {"inference_precision": "bf16"}, small),
    ):
        found[name] = real.verdict(real.answers(settings, folder))
        assert found[name].verdict == "safe", (name, found[name].notes)
        assert says_paris(real, settings, folder), name
    # Then the shares of INT8 are those that whole logits give
    session = real.session({}, small)
    changed = same = total = 0
    for at, (feeds, old) in enumerate(zip(real.feeds, real.by_library(), strict=True)):
        session.begin()
        new = session._call(feeds["input_ids"][0, :-1])[np.flatnonzero(feeds["counted"][0, 1:])]
        picks, rows = new.argmax(-1), np.arange(len(old))
        changed += int((old[rows, picks] < old.max(-1) - np.log(2)).sum())
        same += int((picks == old.argmax(-1)).sum())
        total += len(real.following(at))
    told = found["INT8"]
    assert told.units == total
    assert abs(told.units_changed / total - changed / total) < 1e-4
    assert abs(told.similarity - same / total) < 1e-3


def test_careless_4_bits_are_regressed(real: Real, tmp_path: Path) -> None:
    ctx = RecordingContext(work_dir=tmp_path, threads=2)
    language_int4.apply(read_model(real.folder), language_int4.Params(with_examples=False), ctx)
    assert real.verdict(real.answers({}, tmp_path / "model")).verdict == "regressed"


def zero_a_layer(model: Any) -> None:
    model.model.layers[15].mlp.down_proj.weight.data.zero_()
    model.model.layers[15].self_attn.o_proj.weight.data.zero_()


def swap_heads(model: Any) -> None:
    rows = model.model.layers[3].self_attn.q_proj.weight.data
    rows[:128] = rows[:128].reshape(2, 64, -1).flip(0).reshape(128, -1)


def damage_a_frequent_word(model: Any) -> None:
    """“ the”: the row of the table that both ends share."""
    import torch

    row = model.model.embed_tokens.weight.data[260]
    row.copy_(torch.randn_like(row) * row.std())


def wrong_rope(model: Any) -> None:
    model.model.rotary_emb.inv_freq.copy_(model.model.rotary_emb.inv_freq ** (np.log(1e4) / np.log(1e5)))


@pytest.mark.parametrize("harm", [zero_a_layer, swap_heads, damage_a_frequent_word, wrong_rope])
def test_harm_is_regressed(real: Real, harm: Callable[[Any], None]) -> None:
    assert real.verdict(real.thoughts(real.by_library(harm))).verdict == "regressed"


def test_scaled_logits_are_regressed_though_every_pick_stays(real: Real) -> None:
    found = real.verdict(real.thoughts(real.by_library(scale=0.3)))
    assert found.verdict == "regressed" and found.units_changed == 0
