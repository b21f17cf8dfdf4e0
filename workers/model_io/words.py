"""Build the refusals that several formats share, as whole sentences for people."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from pydantic import JsonValue

from workers.contracts.error_info import RequestedShape
from workers.contracts.errors import InputRefused
from workers.contracts.translation import Message, _, mark

Kind = Literal["data", "model", "other"]
SUPPORTED = mark(
    "Fettle opens ONNX, safetensors, PyTorch checkpoints (.pt, .pth, .bin), TorchScript, "
    "transformers folders, GGUF, and ZIP files of these."
)
ASK_FOR_ONNX = mark(
    "Ask its author for it as ONNX, exported with the code that it was trained with, and open that file."
)
ASK_AGAIN = mark("Ask its author to export the model again with a newer exporter, and open that file.")


def shown(text: object, limit: int = 120) -> str:
    """Return untrusted text in one line, with control and direction characters replaced, cut at `limit`.

    A message keeps its template, which is ours; its facts are made harmless.
    """
    if isinstance(text, Message):
        facts = tuple(_shown_fact(fact, limit) for fact in text.facts)
        named = {name: _shown_fact(fact, limit) for name, fact in text.named.items()}
        made = Message.made(text.source, facts, named, text.many, text.number)
        return made if len(made) <= limit else shown(str(made), limit)
    line = "".join(c if c.isprintable() else "�" for c in str(text))
    return line if len(line) <= limit else line[: limit - 1] + "…"


def _shown_fact(fact: object, limit: int) -> object:
    return fact if isinstance(fact, (int, float)) else shown(fact, limit)


def first_line(error: BaseException, line: int = 0) -> str:
    """Return one line of a library's message, or the error's type if there is none."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[line]


def name_of(path: Path) -> str:
    """Return the file's name in a form that is safe to show."""
    return shown(path.name.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))


def refuse(
    code: str,
    title: str,
    detail: str,
    hint: str,
    asks: tuple[RequestedShape, ...] = (),
    *,
    facts: Mapping[str, JsonValue] | None = None,
    by_command: str = "",
) -> InputRefused:
    """Build the error with all untrusted text made harmless; `asks` are inputs whose sizes would help."""
    # some details end with a library's own message, which may lack the full stop
    sentence = detail if detail.endswith((".", "!", "?", "…")) else Message.made("{0}.", (detail,))
    harmless = shown(title), shown(sentence, 600), shown(hint, 600)
    return InputRefused(code, *harmless, asks, facts=facts, by_command=shown(by_command, 600))


def not_a_model(path: Path, what: str, hint: str = "", kind: Kind = "other") -> InputRefused:
    """Build the refusal of content that does not open as a model; `what` is "a picture" or "a web page", for example.

    `kind` states whether it is data for evaluating a model, an unsupported model, or something else.
    """
    title, detail, by_command = (
        _("This is not a model"),
        _("{0} is {1}, not a model.").format(name_of(path), _(what)),
        "",
    )
    if kind == "data":
        hint, by_command = _("If it is data for evaluating a model, add it on the Data page."), "--data PATH"
    elif kind == "model":
        title, detail = (
            _("This kind of model is not supported"),
            _("{0} is {1}, which Fettle cannot open.").format(name_of(path), _(what)),
        )
    return refuse("not_a_model", title, detail, hint or SUPPORTED, by_command=by_command)


def no_permission(path: Path) -> InputRefused:
    """Build the refusal of a file that may not be read."""
    detail = _("You have no permission to read {0}.").format(path.name)
    hint = _("Copy it to a folder of your own, or change its permissions.")
    return refuse("no_permission", "The file cannot be read", detail, hint)


def several_models(folder: Path, files: Sequence[Path]) -> InputRefused:
    """Build the refusal of a folder in which several files could be meant."""
    detail = _("{0} holds {1}.").format(folder.name, ", ".join(file.name for file in files[:6]))
    title, hint = _("There are several models in this folder"), _("Choose the one file that you want to open.")
    return refuse("several_models", title, detail, hint)


def no_tokenizer(folder: Path) -> InputRefused:
    """Build the refusal of a folder whose model reads texts and has no tokenizer."""
    return refuse(
        "no_tokenizer",
        "The tokenizer is missing",
        _("{0} holds no tokenizer.json, so texts cannot be turned into the model's numbers.").format(folder.name),
        "Ask its author for it (AutoTokenizer.from_pretrained(…).save_pretrained(…)), and open the folder again.",
    )


def cannot_convert(
    path: Path, library: str, reason: str, hint: str = ASK_FOR_ONNX, by_command: str = ""
) -> InputRefused:
    """Build the refusal of a model that a library's exporter cannot convert, for the `reason` that it states."""
    detail = _("{0} says about {1}: {2}").format(library, path.name, shown(reason, 300))
    return refuse("cannot_convert", "The model cannot be converted", detail, hint, by_command=by_command)


def unsupported(detail: str, hint: str, title: str = mark("This kind of model is not supported")) -> InputRefused:
    """Build the refusal of an architecture that cannot be opened."""
    return refuse("unsupported_architecture", title, detail, hint)


def damaged(path: Path, what: str) -> InputRefused:
    """Build the refusal of a file that begins like a model but is cut off or broken."""
    return refuse(
        "damaged",
        "The file is damaged",
        _("{0} cannot be read whole: {1}").format(name_of(path), what),
        "Download or copy the file again, and compare its size with the original.",
    )


def unsafe(detail: str, hint: str = mark("Ask its author for a safe file: safetensors or ONNX.")) -> InputRefused:
    """Build the refusal of a file that could run code or reach outside its folder; none of it was run."""
    return refuse("unsafe", "This file is not safe to open", detail, hint)
