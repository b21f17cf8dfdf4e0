"""Turn the crash of a job that opens a model into a refusal with the words of the caller."""

from pathlib import Path

from app.services.flow.steps import JobError, Refused
from workers.contracts.errors import ErrorInfo

_SLOW = (
    "took_too_long",
    "The model takes too long",
    "{why} Nothing of {name} was kept.",
    "Some files are made to keep programs busy for ever. If you trust its origin, ask its author for a model with a "
    "smaller input of fixed size, as ONNX.",
)
_WHY_SLOW = {
    "stage_time_limit": "Fettle was still {stage} after {seconds:.0f} s, so that was stopped.",
    "time_limit": "Opening it ran longer than it may, so that was stopped.",
    "cpu_limit": "Opening it used more processor time than it may, so the system stopped it.",
}
_LARGE = (
    "out_of_memory",
    "The model needs too much memory",
    "{name} asked for more memory than it may use while it was opened, so it was stopped. Nothing of it was kept.",
    "If the file is small, it is probably made to fill memory: ask its author for another one, as ONNX or safetensors. "
    "Else close other programs, raise the memory limit in Settings, or take a smaller model.",
)
_CRASHED = (
    "library_crashed",
    "The model makes a library crash",
    "The library that read {name} crashed. It ran in a process of its own, so nothing else was touched.",
    "The file is damaged or made to do that. Download it again, or ask its author for it as ONNX or safetensors.",
)
_WORDS = {
    **dict.fromkeys(_WHY_SLOW, _SLOW),
    "out_of_memory": _LARGE,
    "native_crash": _CRASHED,
    "native_abort": _CRASHED,
    "ended_early": _CRASHED,
    "bad_answer": _CRASHED,
}
TRIED = frozenset(
    ("does_not_run", "not_finite", "cannot_convert", "conversion_differs", *(words[0] for words in _WORDS.values()))
)
"""Codes of models that were refused only after libraries had worked on them in the sandbox."""


def as_refusal(error: JobError, path: Path) -> JobError:
    """Return the error of a job that opened `path`; errors caused by the file become refusals (exit code 3)."""
    words = _WORDS.get(error.error.code)
    if words is None:
        return error
    code, title, detail, hint = words
    name = "".join(character if character.isprintable() else "\ufffd" for character in path.name)
    why = _WHY_SLOW.get(error.error.code, "").format(**error.error.facts)
    detail = detail.format(name=name, why=why)
    return Refused(code, title, detail, hint, traceback=error.error.traceback)


def other_inputs() -> ErrorInfo:
    """Return the error of a run that cannot resume because its model or examples changed."""
    return ErrorInfo(
        code="other_inputs",
        title="This run cannot go on",
        detail="Its model or its examples are not the ones that it was begun with; results would be mixed.",
        hint="Its result stands. Optimize again to judge with what is there now.",
    )
