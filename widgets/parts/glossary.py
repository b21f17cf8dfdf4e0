"""Explain technical terms in plain language; the explanation appears on hover."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from workers.contracts.translation import _

WORDS: dict[str, str] = {
    "loss under": _("95 % sure, from comparing both versions on every test example."),
    "loss could still be": _("95 % sure, from comparing both versions on every test example."),
    "latency": _("How long one answer takes."),
    "p50": _("Half of all answers came at least this fast."),
    "p90": _("90 of 100 answers came at least this fast."),
    "p99": _("99 of 100 answers came at least this fast."),
    "INT8": _("Numbers inside the model are stored in 8 bits instead of 32."),
    "FP16": _("Numbers inside the model are stored in 16 bits instead of 32."),
    "BF16": _("Numbers inside the model are used in 16 bits, with the range of 32 and fewer digits."),
    "calibration": _("Showing the model some examples to find out how coarse its numbers may become."),
    "quantized": _("Its numbers are stored more coarsely: smaller and faster."),
    "quantization": _("Storing a model's numbers more coarsely, which makes it smaller and faster."),
    "pruned": _("Parts of the model that hardly matter were left out."),
    "pruning": _("Leaving out parts of the model that hardly matter."),
    "accuracy": _("Share of test examples answered rightly."),
    "similarity": _("How alike two answers are (cosine): 1 means that they point the same way."),
    "model card": _("A page that says what a model is for, how good it is and where it fails."),
    "operators": _("Single steps of a model's calculation, such as an addition."),
    "operator": _("A single step of a model's calculation, such as an addition."),
    "convolutions": _(
        "Steps that compare a small pattern with each place of a picture or sound. They take most of the time."
    ),
    "matrix products": _("Steps that add up all inputs with weights, for each output."),
    "kernel": _("The program inside the engine that computes one step."),
    "sensitive layers": _("Parts of the model that suffer most from coarse numbers."),
    "silent regression": _("It still runs, but gives more wrong answers than your limit allows."),
    "safe to ship": _("95 % sure that the loss stays within your limit."),
    "alike, not proven": _("Inconclusive: the answers look the same, but there are too few examples to be 95 % sure."),
    "verdict": _("Whether the measured answers allow using it in place of the original."),
    "throughput": _("How many answers it gives in a second."),
    "LoadGen": _("The program of MLCommons that asks a model as its benchmark MLPerf does, and watches the clock."),
    "cold start": _("A fresh process, from its start to its first answer."),
    "hub": _("A public library of trained models on the internet."),
    "TorchScript": _("A PyTorch model saved together with the program that runs it."),
    "safetensors": _("A file format that holds numbers only, no program."),
    "ONNX": _("An open file format for models that many programs can run."),
    "opset": _("The version of the ONNX language that the file is written in."),
    "runtime": _("The engine that computes a model's answers."),
}

_FORMS = {"quantized": "quantization", "pruned": "pruning", "operators": "operator"}
"""Other forms of a term: explained in texts, but listed only under the term."""

_PHRASES = frozenset({"loss under", "loss could still be"})
"""Parts of sentences: explained in texts, but without meaning in a list."""

_ORDER = sorted(WORDS, key=len, reverse=True)
_PATTERN = re.compile(r"(?<!\w)(" + "|".join(re.escape(word) for word in _ORDER) + r")(?!\w)", re.IGNORECASE)
_BY_LOWER = {word.lower(): word for word in WORDS}


@dataclass(frozen=True)
class Term:
    """A term at `start`..`end` (Python string positions) of a text, with its explanation."""

    start: int
    end: int
    word: str
    meaning: str


def explain(word: str) -> str:
    """Return the plain explanation of a term; "" for another word."""
    known = _BY_LOWER.get(word.lower())
    return WORDS[known] if known else ""


def glossary(search: str = "") -> tuple[tuple[str, str], ...]:
    """Return each term once with its explanation, sorted by name.

    Args:
        search: part of a term, of another form of it or of its explanation; "" for all terms.
    """
    part = search.strip().casefold()
    listed = (word for word in WORDS if word not in _FORMS and word not in _PHRASES)
    matching = (word for word in listed if part in _searched(word))
    return tuple((f"{word[0].upper()}{word[1:]}", explain(word)) for word in sorted(matching, key=str.lower))


def _searched(word: str) -> str:
    forms = (form for form, of in _FORMS.items() if of == word)
    return " ".join((word, *forms, explain(word))).casefold()


def terms(text: str) -> Iterator[Term]:
    """Yield the first occurrence of each term in the text, from left to right."""
    seen: set[str] = set()
    for match in _PATTERN.finditer(text[:4000]):
        word = match[1].lower()
        if word not in seen:
            seen.add(word)
            yield Term(match.start(), match.end(), match[1], explain(word))


def meanings(text: str) -> str:
    """Return one line for each term in the text, for screen readers and tooltips of whole rows."""
    return "\n".join(f"{term.word}: {term.meaning}" for term in terms(text))
