"""Generate tokens with a decoder, and run both parts as one session."""

from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from workers.pipeline.generating import generate, open_whole
from workers.pipeline.spec import Generation

END, PAD, START, LETTERS = 2, 0, 1, 10
LOOP = Generation(
    start=START,
    end=END,
    pad=PAD,
    longest=6,
    states="states",
    hidden="encoder_hidden_states",
    ids="ids",
    scores="scores",
    mask="encoder_mask",
    encoder_mask="mask",
)
Arrays = dict[str, np.ndarray]


def encode(feeds: Arrays) -> Arrays:
    """Return the tokens unchanged as states (n, tokens, 1)."""
    return {"states": (feeds["tokens"] * feeds["mask"])[..., None].astype(np.float32)}


def decode(feeds: Arrays) -> Arrays:
    """Return scores by which the token at position i of the input is most probable, then the end."""
    read, count = feeds["encoder_hidden_states"][..., 0], feeds["encoder_mask"].sum(axis=1)
    rows, steps = feeds["ids"].shape
    scores = np.zeros((rows, steps, LETTERS), np.float32)
    for row in range(rows):
        for step in range(steps):
            best = END if step >= count[row] else int(read[row, step])
            scores[row, step, best] = 5
    return {"scores": scores}


def feeds_of(*rows: list[int]) -> Arrays:
    longest = max(map(len, rows))
    filled = np.array([row + [PAD] * (longest - len(row)) for row in rows])
    return {"tokens": filled, "mask": (filled != PAD).astype(np.int64)}


def test_generate_rows_end_separately_and_are_padded() -> None:
    """Given rows of different lengths, Then each is generated as alone, and the shorter one is padded after its end."""
    both = generate({"encoder": encode, "decoder": decode}, LOOP, feeds_of([5, 6, 7], [8]))
    assert both["tokens"].tolist() == [[5, 6, 7, END], [8, END, PAD, PAD]]
    assert both["logits"].shape == (2, LETTERS) and both["logits"].argmax(axis=1).tolist() == [5, 8]
    alone = generate({"encoder": encode, "decoder": decode}, LOOP, feeds_of([8]))
    assert alone["tokens"].tolist() == [[8, END]]


def test_generate_stops_at_the_limit_and_encodes_once() -> None:
    """Given more tokens than allowed, Then the encoder is called once and the decoder once per token."""
    read: list[int] = []
    steps: list[Arrays] = []

    def once(feeds: Arrays) -> Arrays:
        read.append(1)
        return encode(feeds)

    def watch(part: str, given: Arrays) -> None:
        if part == "decoder":
            steps.append(given)

    made = generate({"encoder": once, "decoder": decode}, LOOP, feeds_of([5] * 9), watch)
    assert made["tokens"].tolist() == [[5] * LOOP.longest]
    assert len(read) == 1
    assert [step["ids"].shape[1] for step in steps] == list(range(1, LOOP.longest + 1))
    assert steps[0]["ids"].tolist() == [[START]]


class Opened:
    """A session that records its file, its settings and whether it was closed."""

    device_ran, fallbacks = "cpu", ("slow",)
    all: ClassVar[list["Opened"]] = []

    def __init__(self, path: Path, settings: Any, threads: int) -> None:
        self.path, self.settings, self.closed = path, dict(settings), False
        self.all.append(self)

    def run(self, feeds: Arrays) -> Arrays:
        return encode(feeds) if "tokens" in feeds else decode(feeds)

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Opened]:
    """Return the list of sessions that a test opens."""
    monkeypatch.setattr(Opened, "all", [])
    return Opened.all


def test_open_whole_settings_of_the_model_override_those_of_a_part(tmp_path: Path, opened: list[Opened]) -> None:
    """Given settings of a part and of the model, Then the model's win, and equal fallbacks are reported once."""
    parts = {
        "encoder": {"main": "encoder/a.onnx", "settings": {"x": 1, "y": 1}},
        "decoder": {"main": "decoder/b.onnx", "settings": {}},
    }
    session = open_whole(Opened, tmp_path, "encoder/a.onnx", {"parts": parts, "x": 2}, 1, LOOP)
    assert [one.path.relative_to(tmp_path).as_posix() for one in opened] == ["encoder/a.onnx", "decoder/b.onnx"]
    assert [one.settings for one in opened] == [{"x": 2, "y": 1}, {"x": 2}]
    assert session.fallbacks == ("slow",)
    assert session.run(feeds_of([5]))["tokens"].tolist() == [[5, END]]
    session.close()
    assert all(one.closed for one in opened)


@pytest.mark.parametrize("place", ["/etc/x.onnx", "../x.onnx", "decoder/../../x.onnx", "", "..\\x.onnx"])
def test_open_whole_part_outside_the_folder_is_refused(place: str, tmp_path: Path, opened: list[Opened]) -> None:
    """Given a part outside the folder, Then it is not loaded, and opened parts are closed."""
    parts = {"encoder": {"main": "encoder/a.onnx"}, "decoder": {"main": place}}
    with pytest.raises(ValueError, match="outside"):
        open_whole(Opened, tmp_path, "encoder/a.onnx", {"parts": parts}, 1, LOOP)
    assert len(opened) == 1 and opened[0].closed
