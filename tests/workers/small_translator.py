"""A tiny encoder and decoder that turn words round, letter by letter: taught for seconds, kept as two ONNX files."""

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from onnx import numpy_helper

LETTERS = "abcdefghijklmnop"
PAD, START, END, FIRST = 0, 1, 2, 4
VOCABULARY, WIDTH, MOST = FIRST + len(LETTERS), 48, 12
SHORTEST, LONGEST = 3, 6


class Encoder(torch.nn.Module):
    """(n, tokens) int64 and their mask → states (n, tokens, width)."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = torch.nn.Embedding(VOCABULARY, WIDTH)
        self.places = torch.nn.Parameter(torch.randn(64, WIDTH) * 0.5)
        self.mix = torch.nn.Linear(WIDTH, WIDTH)

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        length = attention_mask.sum(dim=1, keepdim=True)
        behind = (length - attention_mask.cumsum(dim=1)).clamp(min=0)  # how many letters come after this one
        x = self.letters(input_ids) + self.places[behind]
        return x + torch.tanh(self.mix(x))


class Decoder(torch.nn.Module):
    """The tokens so far look at the states by their own place; one score for each token that may come."""

    def __init__(self) -> None:
        super().__init__()
        self.letters = torch.nn.Embedding(VOCABULARY, WIDTH)
        self.places = torch.nn.Parameter(torch.randn(64, WIDTH) * 0.5)
        self.query, self.key, self.value = (torch.nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.hidden, self.out = torch.nn.Linear(2 * WIDTH, 96), torch.nn.Linear(96, VOCABULARY)

    def forward(
        self, input_ids: torch.Tensor, encoder_hidden_states: torch.Tensor, encoder_attention_mask: torch.Tensor
    ) -> torch.Tensor:
        place = torch.ones_like(input_ids).cumsum(dim=1) - 1
        x = self.letters(input_ids) + self.places[place]
        scores = self.query(x) @ self.key(encoder_hidden_states).transpose(1, 2) / WIDTH**0.5
        scores = scores + (1.0 - encoder_attention_mask.to(torch.float32))[:, None, :] * -1e4
        seen = torch.softmax(scores, dim=-1) @ self.value(encoder_hidden_states)
        return self.out(torch.tanh(self.hidden(torch.cat([x, seen], dim=-1))))


Parts = tuple[Encoder, Decoder]


def words(rng: np.random.Generator, count: int) -> list[str]:
    """Different words of 3 to 6 letters."""
    found: dict[str, None] = {}
    while len(found) < count:
        found["".join(rng.choice(list(LETTERS), int(rng.integers(SHORTEST, LONGEST + 1))))] = None
    return list(found)


def taught(seed: int = 3, steps: int = 800) -> Parts:
    """Both parts after some seconds of learning; the same by seed."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # such small products only wait for each other
    try:
        return _taught(seed, steps)
    finally:
        torch.set_num_threads(before)


def _taught(seed: int, steps: int) -> Parts:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        encoder, decoder = Encoder(), Decoder()
        rates = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=4e-3)
        slower = torch.optim.lr_scheduler.CosineAnnealingLR(rates, steps)
        rng = np.random.default_rng(seed)
        for _ in range(steps):
            source, mask, given, wanted = _batch(rng)
            scores = decoder(given, encoder(source, mask), mask)
            loss = torch.nn.functional.cross_entropy(scores.transpose(1, 2), wanted, ignore_index=PAD)
            rates.zero_grad()
            loss.backward()
            rates.step()
            slower.step()
    return encoder.eval(), decoder.eval()


def _batch(rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
    rows = [rng.integers(FIRST, VOCABULARY, int(rng.integers(SHORTEST, LONGEST + 1))).tolist() for _ in range(64)]
    filled = [row + [PAD] * (LONGEST - len(row)) for row in rows]
    given = [[START, *row[::-1]] + [PAD] * (LONGEST - len(row)) for row in rows]
    wanted = [[*row[::-1], END] + [PAD] * (LONGEST - len(row)) for row in rows]
    source = torch.tensor(filled)
    return source, (source != PAD).to(torch.int64), torch.tensor(given), torch.tensor(wanted)


def write_translator(folder: Path, parts: Parts) -> Path:
    """A folder as transformers.js lays it out; no library of models is needed to read it."""
    encoder, decoder = parts
    (folder / "onnx").mkdir(parents=True)
    mask = torch.ones(2, 5, dtype=torch.int64)
    ids, states = torch.full((2, 5), FIRST), torch.zeros(2, 5, WIDTH)
    read, made = {0: "batch", 1: "tokens"}, {0: "batch", 1: "input_ids_tokens"}
    axes = {"input_ids": read, "attention_mask": read, "last_hidden_state": read}
    export_onnx(encoder, (ids, mask), folder / "onnx/encoder_model.onnx", [*axes][:2], [*axes][2:], axes)
    axes = {"input_ids": made, "encoder_hidden_states": read, "encoder_attention_mask": read, "logits": made}
    given = ids[:, :3], states, mask
    export_onnx(decoder, given, folder / "onnx/decoder_model.onnx", [*axes][:3], [*axes][3:], axes)
    config = {"model_type": "turned-round", "is_encoder_decoder": True, "decoder_start_token_id": START}
    config |= {"eos_token_id": END, "pad_token_id": PAD, "max_length": MOST, "max_position_embeddings": 64}
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    write_tokenizer(folder / "tokenizer.json")
    return folder


def export_onnx(
    module: Any, args: Any, path: Path, inputs: list[str], outputs: list[str], axes: dict[str, dict[int, str]]
) -> None:
    """Export by the tracer: the newer exporter takes ten times as long."""
    named = {"input_names": inputs, "output_names": outputs, "opset_version": 17, "dynamo": False}
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # the tracer's own, and that there is a newer exporter
        torch.onnx.export(module.eval(), args, str(path), dynamic_axes=axes, **named)


def write_tokenizer(path: Path, end: str | None = None) -> None:
    """One token for each letter, and those that mark something; `end` goes behind each text."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

    marks = ["<pad>", "<start>", "<end>", "<unk>"]
    engine = Tokenizer(models.WordLevel({**{m: i for i, m in enumerate(marks)}, **_places()}, unk_token="<unk>"))
    engine.pre_tokenizer = pre_tokenizers.Split(Regex(r"[a-z]"), "isolated")
    engine.decoder = decoders.Fuse()
    engine.add_special_tokens(marks)
    if end is not None:
        engine.post_processor = processors.TemplateProcessing(single=f"$A {end}", special_tokens=[(end, END)])
    engine.save(str(path))


def _places() -> dict[str, int]:
    return {letter: FIRST + number for number, letter in enumerate(LETTERS)}


def harmed(source: Path, target: Path) -> None:
    """The same decoder, whose last layer has forgotten one letter in four."""
    proto = onnx.load(str(source))
    last = next(t for t in proto.graph.initializer if t.name.endswith("out.bias"))
    values = numpy_helper.to_array(last).copy()
    values[FIRST::4] -= 100
    last.CopyFrom(numpy_helper.from_array(values, last.name))
    onnx.save_model(proto, str(target))
