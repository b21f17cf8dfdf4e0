"""The loop that asks a decoder for one token more, and both parts as one session."""

from pathlib import Path
from typing import Any

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
    """What was read is kept as it is: (n, tokens, 1)."""
    return {"states": (feeds["tokens"] * feeds["mask"])[..., None].astype(np.float32)}


def decode(feeds: Arrays) -> Arrays:
    """At place i the token at place i of what was read is likeliest, behind its last one the end."""
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


def test_rows_end_by_themselves_and_are_filled_up() -> None:
    """Given rows of other lengths, then each is answered as alone, and the shorter one is filled up behind its end."""
    both = generate({"encoder": encode, "decoder": decode}, LOOP, feeds_of([5, 6, 7], [8]))
    assert both["tokens"].tolist() == [[5, 6, 7, END], [8, END, PAD, PAD]]
    assert both["logits"].shape == (2, LETTERS) and both["logits"].argmax(axis=1).tolist() == [5, 8]
    alone = generate({"encoder": encode, "decoder": decode}, LOOP, feeds_of([8]))
    assert alone["tokens"].tolist() == [[8, END]]


def test_it_stops_at_the_longest_answer_and_reads_once() -> None:
    """Given more to say than allowed, then the encoder was asked once and the decoder so many times."""
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
    """A session that knows where it came from and whether it was closed."""

    device_ran, fallbacks = "cpu", ("slow",)

    def __init__(self, path: Path, settings: dict[str, Any]) -> None:
        self.path, self.settings, self.closed = path, settings, False

    def run(self, feeds: Arrays) -> Arrays:
        return encode(feeds) if "tokens" in feeds else decode(feeds)

    def close(self) -> None:
        self.closed = True


def test_each_part_gets_its_own_settings_below_the_whole_ones(tmp_path: Path) -> None:
    """Given settings of a part and of the whole, then the whole one wins, and what both say of themselves is told once."""
    opened: list[Opened] = []

    def load(path: Path, settings: Any, threads: int) -> Opened:
        opened.append(Opened(path, dict(settings)))
        return opened[-1]

    parts = {
        "encoder": {"main": "encoder/a.onnx", "settings": {"x": 1, "y": 1}},
        "decoder": {"main": "decoder/b.onnx", "settings": {}},
    }
    session = open_whole(load, tmp_path, "encoder/a.onnx", {"parts": parts, "x": 2}, 1, LOOP)
    assert [one.path.relative_to(tmp_path).as_posix() for one in opened] == ["encoder/a.onnx", "decoder/b.onnx"]
    assert [one.settings for one in opened] == [{"x": 2, "y": 1}, {"x": 2}]
    assert session.fallbacks == ("slow",)
    assert session.run(feeds_of([5]))["tokens"].tolist() == [[5, END]]
    session.close()
    assert all(one.closed for one in opened)


@pytest.mark.parametrize("place", ["/etc/x.onnx", "../x.onnx", "decoder/../../x.onnx", "", "..\\x.onnx"])
def test_a_part_lies_inside_the_folder(place: str, tmp_path: Path) -> None:
    """Given a part elsewhere, then nothing of it is loaded and what was open is closed."""
    opened: list[Opened] = []

    def load(path: Path, settings: Any, threads: int) -> Opened:
        opened.append(Opened(path, dict(settings)))
        return opened[-1]

    parts = {"encoder": {"main": "encoder/a.onnx"}, "decoder": {"main": place}}
    with pytest.raises(ValueError, match="outside"):
        open_whole(load, tmp_path, "encoder/a.onnx", {"parts": parts}, 1, LOOP)
    assert len(opened) == 1 and opened[0].closed
