"""Run `fettle chat`: read lines from the keyboard or standard input, and print answers as they come."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.options.arguments import Seed, Threads
from app.cli.options.inputs import check_exists
from app.cli.output import CANCELLED, OK, CommandFailed, Output
from app.cli.session import CANCELLED_WORDS, run, workspace
from app.services.after.exporting import version_of
from app.services.after.trying.live import LiveChat, chat_of_run, chat_version
from app.services.flow.steps import JobError
from app.services.flow.workspace import Workspace
from app.services.records.facts import read_facts
from workers.contracts.after.chatting import ChatMessage, ChatPiece, ChatRequest
from workers.contracts.error_info import ErrorInfo
from workers.contracts.jobs import OpenParams

POLL_S = 0.01
BestVariant = Annotated[str | None, Option(metavar="ID", help="Version id of a run instead of the best one.")]


def chat(
    output: Output,
    model: Annotated[str, Argument(metavar="RUN|BUNDLE|MODEL", help="A run's id, or a file or folder.")],
    variant: BestVariant = None,
    max_new_tokens: Annotated[int, Option(min=1, max=100_000, help="Longest answer, in tokens.")] = 512,
    temperature: Annotated[float, Option(min=0, max=5, help="0: always the most likely word.")] = 0.0,
    seed: Seed = 0,
    threads: Threads = None,
) -> int:
    """Chat with a language model in the terminal: one line, one answer; an empty line begins a new dialogue."""
    is_path = Path(model).exists() or "/" in model
    request = ChatRequest(max_new_tokens=max_new_tokens, temperature=temperature, seed=seed)
    if is_path:
        check_exists(Path(model), any_name=True)
    with workspace(output.options, writes=is_path, notice=output.notice) as space:
        try:
            live = _from_path(space, output, Path(model), threads) if is_path else _from_run(space, model, variant)
        except JobError as error:
            raise CommandFailed(error.exit_code or 3, error.error) from error
        with closing(live):
            messages = _talk(output, live, request)
    output.document({"messages": [message.model_dump() for message in messages]})
    return OK


def _from_run(space: Workspace, run_id: str, variant_id: str | None) -> LiveChat:
    facts = read_facts(space, run_id)
    variant = version_of(facts, variant_id or facts.run.recommended_variant_id or facts.baseline.id)
    return chat_of_run(space, facts, variant)


def _from_path(space: Workspace, output: Output, path: Path, threads: int | None) -> LiveChat:
    version = run(space, chat_version(OpenParams(path=str(path.absolute()))), output.watch)
    return LiveChat(space, version, threads)


def _talk(output: Output, live: LiveChat, request: ChatRequest) -> list[ChatMessage]:
    """Answer each line with the settings of `request`; an empty line begins a new dialogue."""
    _until_loaded(live)
    messages: list[ChatMessage] = []
    for line in _lines():
        if not line:
            messages = []
            continue
        messages.append(ChatMessage(role="user", content=line))
        live.send(request.model_copy(update={"messages": tuple(messages)}))
        messages.append(ChatMessage(role="assistant", content=_answer(output, live)))
    return messages


def _lines() -> Iterator[str]:
    """Yield the input lines, with a prompt on a terminal."""
    while True:
        if sys.stdin.isatty():
            sys.stderr.write("> ")
            sys.stderr.flush()
        line = sys.stdin.readline()
        if not line:
            return
        yield line.strip()


def _answer(output: Output, live: LiveChat) -> str:
    """Print the answer as it comes and return it; Ctrl-C ends the chat."""
    whole = ""
    try:
        while True:
            for piece in live.pieces():
                if isinstance(piece, ErrorInfo):
                    raise CommandFailed(3, piece)
                whole += piece.text
                output.piece(piece.text)
                if piece.done:
                    output.piece("\n")
                    output.notice(_speed(piece))
                    return whole
            _check(live)
            time.sleep(POLL_S)
    except KeyboardInterrupt as error:
        raise CommandFailed(CANCELLED, CANCELLED_WORDS) from error


def _speed(piece: ChatPiece) -> str:
    first = "" if piece.first_ms is None else f"first word after {piece.first_ms:.0f} ms, "
    speed = "" if piece.tokens_per_s is None else f", {piece.tokens_per_s:.1f} a second"
    return f"{first}{piece.tokens:,} tokens{speed}"


def _until_loaded(live: LiveChat) -> None:
    while not live.is_loaded:
        live.poll()
        _check(live)
        time.sleep(POLL_S)


def _check(live: LiveChat) -> None:
    """Raise `CommandFailed` if the process ended."""
    if live.error is not None:
        raise CommandFailed(3, live.error)
