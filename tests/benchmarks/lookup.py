"""What prompt lookup gains, by kind of text: one version with and without it, in processes of their own that take turns.

    python -m tests.benchmarks.lookup FOLDER [--settings JSON] [--each 40] [--new 64] [--threads 2]

FOLDER is that of an opened language model or of one of its versions. Both answer each prompt, in alternating order.
A row for each kind: tokens a second after the first, by the clock and by the processor's time, and how many prompts got
the same tokens from both, which has to be all.
"""

import argparse
import inspect
import json
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from workers.evaluate.data.made.dialogues import our_dialogues
from workers.pipeline.pipeline import load_pipeline

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LONGEST_PROMPT = 700


class Speaker:
    """A process of `chat_engine.py`."""

    def __init__(self, kind: str, where: str, threads: int, *settings: str, python: str = sys.executable) -> None:
        command = [python, str(HERE / "chat_engine.py"), kind, where, str(threads), *settings]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, text=True
        )
        self._line()

    def ask(self, ids: list[int], new: int, ends: tuple[int, ...] = ()) -> dict[str, Any]:
        """Raises RuntimeError with the last line of a process that ended."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"ids": ids, "new": new, "ends": ends}) + "\n")
        self._process.stdin.flush()
        return self._line()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            reason = self._process.communicate()[1].strip().splitlines() or ["it ended"]
            raise RuntimeError(reason[-1][:200])
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        self._process.communicate()


def questions(each: int) -> Iterator[tuple[str, str]]:
    """(kind, question), from texts that are part of Fettle and of Python."""
    pairs = [json.loads(str(entry.text)) for entry in our_dialogues()]
    texts = [" ".join(pairs[(start + at) % len(pairs)][1]["content"] for at in range(4)) for start in range(each)]
    words = ("the", "a", "and", "is", "of")
    for number, text in enumerate(texts):
        old = words[number % len(words)]
        yield (
            "rewrite",
            f"Write the following text again without any change except that “{old}” is in capitals.\n\n{text}",
        )
        yield "summary", f"Summarize the following text in three sentences.\n\n{text}"
    import argparse as first
    import json.decoder as third
    import textwrap as second

    functions = [
        function
        for module in (first, second, third, inspect)
        for function in vars(module).values()
        if inspect.isfunction(function) and function.__doc__
    ]
    sources = [textwrap.dedent(inspect.getsource(function))[:900] for function in functions]
    for number in range(each):
        source = sources[number % len(sources)]
        yield "code", f"Repair the following Python code and write all of it again.\n\n```python\n{source}\n```"
    for number in range(each):
        yield "chat", pairs[number % len(pairs)][0]["content"]


def prompts(folder: Path, each: int) -> Iterator[tuple[str, list[int]]]:
    """(kind, tokens), the kinds in turn."""
    chat = load_pipeline(folder).chat
    rng = np.random.default_rng(0)
    asked = [(kind, chat.prompt(text)[-LONGEST_PROMPT:].tolist()) for kind, text in questions(each)]
    asked += [("random", rng.integers(100, 10_000, 48).tolist()) for _ in range(each)]
    yield from asked


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--settings", default="{}")
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--new", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    ends = load_pipeline(given.folder).chat.chat.ends
    speakers = [Speaker(kind, str(given.folder), given.threads, given.settings) for kind in ("plain", "lookup")]
    found: dict[str, list[list[dict[str, Any]]]] = {}
    for number, (kind, ids) in enumerate(prompts(given.folder, given.each)):
        order = (0, 1) if number % 2 == 0 else (1, 0)
        said = {at: speakers[at].ask(ids, given.new, ends) for at in order}
        found.setdefault(kind, []).append([said[0], said[1]])
    for speaker in speakers:
        speaker.close()
    print(f"{'kind':10} plain/s lookup/s   gain  by processor's time  same")  # noqa: T201
    for kind, rows in found.items():
        print(line(kind, rows))  # noqa: T201
    print(line("all", [row for rows in found.values() for row in rows]))  # noqa: T201
    same = all(old["tokens"] == new["tokens"] for rows in found.values() for old, new in rows)
    return 0 if same else 1


def line(kind: str, rows: list[list[dict[str, Any]]]) -> str:
    """Tokens after the first over all prompts of a kind, and how many prompts got the same ones."""
    tokens = sum(len(old["tokens"]) - 1 for old, _ in rows)
    spans = {key: [sum(row[at][key] for row in rows) for at in (0, 1)] for key in ("rest_s", "cpu_s")}
    same = sum(old["tokens"] == new["tokens"] for old, new in rows)
    speeds = [tokens / span for span in spans["rest_s"]]
    gains = [spans[key][0] / spans[key][1] for key in ("rest_s", "cpu_s")]
    return f"{kind:10} {speeds[0]:7.1f} {speeds[1]:8.1f} {gains[0]:6.2f} {gains[1]:20.2f}  {same} of {len(rows)}"


if __name__ == "__main__":
    raise SystemExit(main())
