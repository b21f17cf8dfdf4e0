"""Chat with ``python chat.py``, or get one answer with ``python chat.py "What is …?"``; ``--json`` is for programs."""

from __future__ import annotations

import argparse
import json
import runpy
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
runpy.run_path(str(HERE / "own_code.py"))

from bundle import Model, load  # noqa: E402
from fettle_bundle.pipeline.spec import PipelineError  # noqa: E402


def answer(model: Model, messages: list[dict[str, str]], options: argparse.Namespace) -> str:
    """Return the next answer; without JSON output its pieces are printed as they come."""
    pieces = []
    how = {"max_new_tokens": options.max_new_tokens, "temperature": options.temperature, "seed": options.seed}
    for piece in model.generate(messages, **how):
        pieces.append(piece)
        if not options.json:
            sys.stdout.write(piece)
            sys.stdout.flush()
    if not options.json:
        sys.stdout.write("\n")
    return "".join(pieces)


def one(model: Model, options: argparse.Namespace) -> int:
    """Print a single answer."""
    began_s = time.perf_counter()
    text = answer(model, [{"role": "user", "content": options.prompt}], options)
    if options.json:
        report = {"prompt": options.prompt, "answer": text, "seconds": time.perf_counter() - began_s}
        json.dump({**report, "notes": list(model.notes)}, sys.stdout, ensure_ascii=False)
        sys.stdout.write("\n")
    return 0


def talk(model: Model, options: argparse.Namespace) -> int:
    """Answer one line at a time; an empty line starts a new dialogue, the end of the input ends the chat."""
    messages: list[dict[str, str]] = []
    while True:
        sys.stderr.write("> ")
        sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            return 0
        if not line.strip():
            messages = []
            continue
        messages.append({"role": "user", "content": line.strip()})
        messages.append({"role": "assistant", "content": answer(model, messages, options)})


def main() -> int:
    """Run the command line; return exit code 0, or 3 if the model cannot answer."""
    parser = argparse.ArgumentParser(description="Chat with this model.")
    parser.add_argument("prompt", nargs="?", metavar="PROMPT", help="one question; without it, a chat")
    parser.add_argument("--max-new-tokens", type=int, default=256)
    parser.add_argument("--temperature", type=float, default=0.0, help="0: the likeliest word each time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="one JSON document on standard output")
    parser.add_argument("--threads", type=int, default=None)
    options = parser.parse_args()
    if options.json and options.prompt is None:
        parser.error("--json takes a PROMPT")
    model = load(options.threads)
    for note in model.notes:
        sys.stderr.write(f"note: {note}\n")
    try:
        return one(model, options) if options.prompt is not None else talk(model, options)
    except PipelineError as error:
        sys.stderr.write(f"{error}\n")
        return 3
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
