"""Explain technical terms in plain language; the explanation appears on hover."""

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from unicodedata import combining, normalize

from workers.contracts.translation import _, language, mark

WORDS: dict[str, str] = {
    mark("loss under"): mark("95 % sure, from comparing both versions on every test example."),
    mark("loss could still be"): mark("95 % sure, from comparing both versions on every test example."),
    mark("latency"): mark("How long one answer takes."),
    mark("p50"): mark("Half of all answers came at least this fast."),
    mark("p90"): mark("90 of 100 answers came at least this fast."),
    mark("p99"): mark("99 of 100 answers came at least this fast."),
    mark("INT8"): mark("Numbers inside the model are stored in 8 bits instead of 32."),
    mark("FP16"): mark("Numbers inside the model are stored in 16 bits instead of 32."),
    mark("BF16"): mark("Numbers inside the model are used in 16 bits, with the range of 32 and fewer digits."),
    mark("calibration"): mark("Showing the model some examples to find out how coarse its numbers may become."),
    mark("quantized"): mark("Its numbers are stored more coarsely: smaller and faster."),
    mark("quantization"): mark("Storing a model's numbers more coarsely, which makes it smaller and faster."),
    mark("pruned"): mark("Parts of the model that hardly matter were left out."),
    mark("pruning"): mark("Leaving out parts of the model that hardly matter."),
    mark("accuracy"): mark("Share of test examples answered rightly."),
    mark("similarity"): mark("How alike two answers are (cosine): 1 means that they point the same way."),
    mark("model card"): mark("A page that says what a model is for, how good it is and where it fails."),
    mark("operators"): mark("Single steps of a model's calculation, such as an addition."),
    mark("operator"): mark("A single step of a model's calculation, such as an addition."),
    mark("convolutions"): mark(
        "Steps that compare a small pattern with each place of a picture or sound. They take most of the time."
    ),
    mark("matrix products"): mark("Steps that add up all inputs with weights, for each output."),
    mark("kernel"): mark("The program inside the engine that computes one step."),
    mark("sensitive layers"): mark("Parts of the model that suffer most from coarse numbers."),
    mark("silent regression"): mark("It still runs, but gives more wrong answers than your limit allows."),
    mark("safe to ship"): mark("95 % sure that the loss stays within your limit."),
    mark("alike, not proven"): mark(
        "Inconclusive: the answers look the same, but there are too few examples to be 95 % sure."
    ),
    mark("verdict"): mark("Whether the measured answers allow using it in place of the original."),
    mark("throughput"): mark("How many answers it gives in a second."),
    mark("LoadGen"): mark(
        "The program of MLCommons that asks a model as its benchmark MLPerf does, and watches the clock."
    ),
    mark("cold start"): mark("A fresh process, from its start to its first answer."),
    mark("hub"): mark("A public library of trained models on the internet."),
    mark("TorchScript"): mark("A PyTorch model saved together with the program that runs it."),
    mark("safetensors"): mark("A file format that holds numbers only, no program."),
    mark("ONNX"): mark("An open file format for models that many programs can run."),
    mark("opset"): mark("The version of the ONNX language that the file is written in."),
    mark("runtime"): mark("The engine that computes a model's answers."),
}

_FORMS = {"quantized": "quantization", "pruned": "pruning", "operators": "operator"}
"""Other forms of a term: explained in texts, but listed only under the term."""

NO_SPACES = frozenset({"ja", "zh_CN"})
"""Languages that write no spaces between words."""

_PHRASES = frozenset({"loss under", "loss could still be"})
"""Parts of sentences: explained in texts, but without meaning in a list."""


@dataclass(frozen=True)
class Term:
    """A term at `start`..`end` (Python string positions) of a text, with its explanation."""

    start: int
    end: int
    word: str
    meaning: str


@functools.cache
def _lookup(_language: str) -> tuple[re.Pattern[str], dict[str, str]]:
    """Return the pattern of all terms in the current language, and their explanations by the term in lower case."""
    found = {_(word).lower(): _(meaning) for word, meaning in WORDS.items()}
    longest_first = sorted(found, key=len, reverse=True)
    edges = ("", "") if _language in NO_SPACES else (r"(?<!\w)", r"(?!\w)")
    terms = "|".join(re.escape(word) for word in longest_first)
    return re.compile(f"{edges[0]}({terms}){edges[1]}", re.IGNORECASE), found


def explain(word: str) -> str:
    """Return the plain explanation of a term in the current language; "" for another word."""
    return _lookup(language())[1].get(word.lower(), "")


def _as_sorted(word: str) -> str:
    """Return a word without accents, which dictionaries sort as if they had none."""
    return "".join(letter for letter in normalize("NFKD", word.casefold()) if not combining(letter))


def glossary(search: str = "") -> tuple[tuple[str, str], ...]:
    """Return each term once with its explanation, sorted by name.

    Args:
        search: part of a term, of another form of it or of its explanation; "" for all terms.
    """
    part = search.strip().casefold()
    listed = (word for word in WORDS if word not in _FORMS and word not in _PHRASES)
    matching = (_(word) for word in listed if part in _searched(word))
    return tuple((f"{word[0].upper()}{word[1:]}", explain(word)) for word in sorted(matching, key=_as_sorted))


def _searched(word: str) -> str:
    forms = (form for form, of in _FORMS.items() if of == word)
    return " ".join((*map(_, (word, *forms)), explain(_(word)))).casefold()


def terms(text: str) -> Iterator[Term]:
    """Yield the first occurrence of each term in the text, from left to right."""
    seen: set[str] = set()
    for match in _lookup(language())[0].finditer(text[:4000]):
        word = match[1].lower()
        if word not in seen:
            seen.add(word)
            yield Term(match.start(), match.end(), match[1], explain(word))


def meanings(text: str) -> str:
    """Return one line for each term in the text, for screen readers and tooltips of whole rows."""
    return "\n".join(f"{term.word}: {term.meaning}" for term in terms(text))
