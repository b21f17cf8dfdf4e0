"""Live processes of an original and of a bundle, which get the same arrays and are timed in turn."""

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = Mapping[str, NDArray[Any]]
SCRIPT = Path(__file__).with_name("one_side.py")
ROUNDS, BLOCK_S, FEWEST, MOST = 8, 1.0, 10, 3000


@dataclass
class Side:
    """One process of `one_side.py`. `python` is its interpreter, isolated: no folder of this program is importable."""

    requested_outputs: dict[str, Any]
    folder: Path
    python: str = sys.executable

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._log = (self.folder / "stderr.txt").open("w+")
        self._process = subprocess.Popen(
            [self.python, "-I", "-B", str(SCRIPT), json.dumps(self.requested_outputs)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            cwd=self.folder,
            text=True,
        )
        self._read()

    def __enter__(self) -> "Side":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()
        self._log.close()

    def answers(self, items: Sequence[Arrays]) -> list[dict[str, NDArray[Any]]]:
        """All outputs of every item."""
        requested, answered = self.folder / "requested.npz", self.folder / "answered.npz"
        arrays = {f"{i}/{name}": values for i, feeds in enumerate(items) for name, values in feeds.items()}
        np.savez(requested, allow_pickle=False, **arrays)
        report = self._ask({"run": str(requested), "answers": str(answered)})
        assert report["n"] == len(items)
        found: list[dict[str, NDArray[Any]]] = [{} for _ in items]
        with np.load(answered, allow_pickle=False) as stored:
            for name in stored.files:
                number, _, output = name.partition("/")
                found[int(number)][output] = stored[name]
        return found

    def block_ms(self, count: int) -> list[float]:
        """Single requests to the items of the last question, after a tenth as many."""
        spans: list[float] = self._ask({"time": count, "warm": max(5, count // 10)})["ms"]
        return spans

    def _ask(self, question: Mapping[str, Any]) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self._process.wait()
            self._log.seek(0)
            raise AssertionError(f"{self.opened} ended: {self._log.read()[-3000:]}")
        return json.loads(line)


def speed_in_turn(original: Side, bundle: Side) -> float:
    """Median of the original over the median of the bundle, by blocks of about a second, A B B A."""
    slowest = max(median(side.block_ms(10)) for side in (original, bundle))
    count = int(np.clip(BLOCK_S * 1000 / max(slowest, 1e-3), FEWEST, MOST))
    blocks: dict[int, list[float]] = {0: [], 1: []}
    for number in range(ROUNDS):
        for which in (0, 1) if number % 2 == 0 else (1, 0):
            blocks[which].append(median((original, bundle)[which].block_ms(count)))
    return median(blocks[0]) / median(blocks[1])
