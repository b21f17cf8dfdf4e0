"""Fettle's versions of a language model against the known tools: words a second, and how many of them are worse.

    python -m tests.benchmarks.language_peers MODEL_DIR --work FOLDER --peers-python VENV/bin/python
        [--optimum-python VENV/bin/python] [--quick] [--rounds 15] [--prompt 128] [--new 64] [--prepare]

MODEL_DIR is a transformers folder with the GGUF file that it was made of. The peers live in environments of their own:

    pip install onnxruntime-genai onnx-ir onnxscript torch transformers openvino-genai xllamacpp gguf   (--peers-python)
    pip install optimum-intel openvino nncf torch                                                     (--optimum-python)

llama-cpp-python is a source package only; xllamacpp is the same engine. What was made and judged stays in FOLDER, so that
a second call only measures (`--prepare`: all but measuring). Every contender is a live process with two threads; in each
round all get the same prompt in turn and go on with it greedily, in an order that turns by one and is reversed each other
round. Told are medians over rounds, and medians of each round's ratio to Fettle's choice: the version that the proof calls
safe at 1 % and that answers the whole request first. "Worse" is the share of next words that the original finds less than
half as likely as its own (`workers/evaluate/proof/tasks/next_words.py`), on 98 dialogues and two long ones. The bar is the
fastest peer with at most 1 % of them; "grid" says that its groups of 32 are those in which this model's weights lie on a
4-bit grid already, which is no merit of its own. Exit code 0 where the choice reaches .97 of its words a second.

Measured quietly on SmolLM2-135M-Instruct, six rounds: the choice (INT8 weights, BF16) 99.7 tokens a second, openvino-genai
INT8 97.3, torch BF16 21, llama.cpp Q8_0 47; INT4 of openvino-genai 128 and of onnxruntime-genai 181, with a fifth of the
next words worse. The choice is 1.01 of the best within 1 %, and its first token .74 (96 ms for 72).
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from tests.benchmarks.language_peer_recipes import Recipe, ours, peers, settings_text
from workers.contracts.folder import read_model
from workers.contracts.jobs import OpenParams
from workers.evaluate.data.dataset import DataSet, Item
from workers.evaluate.data.in_a_row import in_a_row
from workers.evaluate.data.made.dialogues import our_dialogues
from workers.evaluate.proof.case import case_of
from workers.evaluate.proof.engine import judge_case
from workers.evaluate.proof.predictions import Answers
from workers.infer import openvino
from workers.model_io.opening import open_model
from workers.pipeline.next_words import changed_places
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import write_prepared
from workers.runtime.recording import RecordingContext

HERE = Path(__file__).parent
TEXTS, LONG_TOKENS, THREADS = 100, 1024, 2
LIMIT_PCT, BAR = 1.0, 0.97
PAUSE_S = 0.1
"""Before each turn: threads of the one before wait for work a while before they sleep."""


@dataclass
class Contender:
    """A process that answers lines; each of `first_s` and `rest_s` is a round. `worse` is a share."""

    recipe: Recipe
    process: "subprocess.Popen[str] | None" = None
    why_not: str = ""
    first_s: list[float] = field(default_factory=list)
    rest_s: list[float] = field(default_factory=list)
    worse: float | None = None
    verdict: str = ""

    def start(self, log: Path) -> None:
        command = [self.recipe.python, str(HERE / "language_peer_engine.py"), self.recipe.kind, str(self.recipe.where)]
        self.process = subprocess.Popen(
            [*command, str(THREADS), settings_text(self.recipe)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log.open("w"), text=True,
            env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        )  # fmt: skip
        assert self.process.stdout is not None
        if not self.process.stdout.readline():
            self._fell(log)

    def ask(self, asked: dict[str, Any], log: Path) -> dict[str, Any]:
        """{} where it fell; it is out then."""
        if self.process is None:
            return {}
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            self._fell(log)
            return {}
        return dict(json.loads(answer))

    def _fell(self, log: Path) -> None:
        self.close()
        self.why_not = ([line for line in log.read_text().splitlines() if line.strip()] or ["it ended"])[-1][:160]

    def close(self) -> None:
        if self.process is not None:
            self.process.communicate()
            self.process = None


@dataclass
class Bench:
    """The opened model, the texts as tokens, what the original thinks of them; `kept` outlives a run."""

    source: Path
    work: Path
    contenders: list[Contender] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.opened = self.work / "model"
        if not (self.opened / "artifact.json").exists():
            open_model(OpenParams(path=str(self.source)), RecordingContext(work_dir=self.work, threads=THREADS))
        pipeline = load_pipeline(self.opened)
        entries = our_dialogues()
        long = [entry for _, entry in in_a_row(entries, LONG_TOKENS)]
        self.feeds = [pipeline.feeds_from(str(one.open())) for one in [*entries, *long][:TEXTS]]
        if not (self.work / "data" / "calibration" / "index.json").exists():
            write_prepared(self.work / "data" / "calibration", self.feeds[:4])  # BF16 looks whether they stay finite
        self.kept = self.work / "judged.json"
        self.judged: dict[str, Any] = json.loads(self.kept.read_text()) if self.kept.exists() else {}

    def log(self, contender: Contender) -> Path:
        return self.work / f"{contender.recipe.name.replace(' ', '-').replace(',', '')}.log"

    def judge(self) -> None:
        """Shares of all that have none yet; Fettle's versions get the product's own verdict, too."""
        old: Answers | None = None
        for contender in self.contenders:
            recipe = contender.recipe
            name = f"{recipe.name}: {recipe.where.parent.name if recipe.ours else recipe.where.name} {settings_text(recipe)}"
            if name not in self.judged:
                old = old or self._answers(self.opened, read_model(self.opened).artifact.settings)
                told = self._verdict(contender, old) if contender.recipe.ours else self._share(contender, old)
                if told is None:
                    continue
                self.judged[name] = told
                self.kept.write_text(json.dumps(self.judged, indent=1))
                say(f"{name}: {told}")
            contender.worse, contender.verdict = self.judged[name]["worse"], self.judged[name].get("verdict", "")

    def _answers(self, folder: Path, settings: Any) -> Answers:
        session = openvino.load(folder / read_model(folder).artifact.main, settings, THREADS)
        parts = [session.run(one)["next_tokens"][0] for one in self.feeds]
        session.close()
        finite = np.asarray([bool(np.isfinite(part).all()) for part in parts])
        return Answers(parts, None, finite, {}, "next_tokens", "logits", False)

    def _verdict(self, contender: Contender, old: Answers) -> dict[str, Any]:
        new = self._answers(contender.recipe.where, contender.recipe.settings)
        data = DataSet("texts", "person", None, test=tuple(Item(f"text {at}") for at in range(len(self.feeds))))
        told = judge_case(case_of(data, old, new), LIMIT_PCT)
        return {
            "worse": told.units_changed / told.units,
            "places": told.units,
            "high": told.changed_high,
            "verdict": str(told.verdict),
        }

    def _share(self, contender: Contender, old: Answers) -> dict[str, Any] | None:
        changed = places = 0
        contender.start(self.log(contender))
        for feeds, rows in zip(self.feeds, old.answer, strict=True):
            ids = feeds["input_ids"][0]
            at = [int(place) for place in np.flatnonzero(feeds["counted"][0]) if place]
            told = contender.ask({"ids": ids.tolist(), "places": at}, self.log(contender))
            if "picks" not in told:
                return None
            picks = np.asarray(told["picks"], np.float32)
            changed += int(changed_places(rows, np.column_stack([picks, picks, picks])).sum())
            places += len(at)
        contender.close()
        return {"worse": changed / places, "places": places}

    def measure(self, rounds: int, prompt: int, new: int) -> None:
        """All in turn on one prompt a round; the first round warms up."""
        said = np.concatenate([feeds["input_ids"][0] for feeds in self.feeds])
        for contender in self.contenders:
            if not contender.why_not:
                contender.start(self.log(contender))
        for number in range(rounds + 1):
            ids = np.take(said, np.arange(number * prompt, (number + 1) * prompt), mode="wrap").tolist()
            at = number % len(self.contenders)
            turn = [*self.contenders[at:], *self.contenders[:at]]
            for contender in reversed(turn) if number % 2 else turn:
                time.sleep(PAUSE_S)
                told = contender.ask({"ids": ids, "new": new}, self.log(contender))
                if told and number:
                    contender.first_s.append(told["first_s"])
                    contender.rest_s.append(told["rest_s"])
        for contender in self.contenders:
            contender.close()


def say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the figures are the point


def ratio(mine: Sequence[float], theirs: Sequence[float]) -> float:
    """How many times as fast as the other, by round."""
    return median(b / a for a, b in zip(mine, theirs, strict=True))


def whole(one: Contender) -> list[float]:
    return [first + rest for first, rest in zip(one.first_s, one.rest_s, strict=True)]


def told(contenders: Sequence[Contender], new: int) -> float:
    """Print the table; the choice's words a second over those of the best peer within the limit (0: no choice)."""
    alive = [one for one in contenders if one.rest_s and not one.why_not]
    safe = [one for one in alive if one.recipe.ours and one.verdict == "safe"]
    if not safe:
        say("No version of Fettle is proven safe at this limit.")
        return 0.0
    choice = min(safe, key=lambda one: median(whole(one)))
    say("| contender | tokens a second | choice is … times as fast | ms to first token | choice … | worse | |")
    say("|---|---|---|---|---|---|---|")
    for one in contenders:
        if one not in alive:
            say(f"| {one.recipe.name} | not told: {one.why_not} | | | | | |")
            continue
        marks = [one.verdict or ("" if one.worse is None else "counts" if counts(one) else "no")]
        marks += ["grid"] * one.recipe.on_grid + ["**choice**"] * (one is choice)
        worse = "not told" if one.worse is None else f"{one.worse:.4f}"
        say(
            f"| {one.recipe.name} | {median((new - 1) / rest for rest in one.rest_s):.1f} |"
            f" {ratio(choice.rest_s, one.rest_s):.2f} | {1000 * median(one.first_s):.0f} |"
            f" {ratio(choice.first_s, one.first_s):.2f} | {worse} | {' '.join(marks)} |"
        )
    bar = [one for one in alive if counts(one)]
    if not bar:
        return 0.0
    best = min(bar, key=lambda one: ratio(choice.rest_s, one.rest_s))
    figure = ratio(choice.rest_s, best.rest_s)
    quickest = min(bar, key=lambda one: ratio(choice.first_s, one.first_s))
    say(f"Tokens a second: {figure:.2f} of the best peer within {LIMIT_PCT:g} % ({best.recipe.name}).")
    say(f"First token: {ratio(choice.first_s, quickest.first_s):.2f} of the best ({quickest.recipe.name}).")
    return figure


def counts(one: Contender) -> bool:
    """Whether it is a peer within the limit, by its estimate alone, and not by the stored grid."""
    return not one.recipe.ours and not one.recipe.on_grid and one.worse is not None and one.worse <= LIMIT_PCT / 100


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--peers-python", required=True)
    parser.add_argument("--optimum-python", default=None)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--prompt", type=int, default=128)
    parser.add_argument("--new", type=int, default=64)
    parser.add_argument("--quick", action="store_true", help="three rounds")
    parser.add_argument("--prepare", action="store_true", help="make and judge all, measure nothing")
    asked = parser.parse_args()
    work = asked.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    bench = Bench(asked.model.resolve(), work)
    made, why_not = peers(bench.source, work, asked.peers_python, asked.optimum_python)
    bench.contenders = [Contender(recipe) for recipe in [*ours(bench.opened, work), *made]]
    bench.judge()
    for name, reason in why_not.items():
        say(f"{name} cannot be had: {reason}")
    if asked.prepare:
        return 0
    say(f"Load before: {' '.join(f'{load:.1f}' for load in os.getloadavg())}; {os.cpu_count()} cores")
    bench.measure(3 if asked.quick else asked.rounds, asked.prompt, asked.new)
    say(f"Load after: {' '.join(f'{load:.1f}' for load in os.getloadavg())}")
    return 0 if told(bench.contenders, asked.new) >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
