"""Format an opened model as values of the page Model."""

from pathlib import Path
from urllib.parse import urlsplit

from app.controllers.hub.presenter import COMMIT_CHARS, license_fact
from app.controllers.words import STATE_OF_LEVEL, format_words, task_words, tensors_in_words
from app.domain.chat import BITS, CHAT_TOKENS, bits_that_fit, memory_bytes
from app.services.opening.opening import OpenedModel
from widgets.pages.model.value import ModelValue, PreprocessValue
from widgets.parts.format import memory, moment
from widgets.parts.small import CheckValue
from workers.contracts.hub import Origin, time_of
from workers.contracts.jobs import OpenParams
from workers.contracts.pipeline import AudioSteps, ImageSteps, PipelineSpec, TextSteps, read_pipeline
from workers.contracts.process.allowance import free_memory_bytes
from workers.contracts.specs import GUESSED, ModelInfo, TensorSpec
from workers.contracts.translation import _

WORDS_PER_TOKEN = 0.75
"""Approximate number of words per token in English texts."""

PROGRAMS = ("torchscript",)
"""Formats that contain a program; their findings describe how it was run."""


def model_value(model: OpenedModel, name: str, opening: OpenParams | None, origin: Origin | None = None) -> ModelValue:
    """Return the value of an opened model; `origin` is its source in the hub."""
    info = model.result.info
    spec = read_pipeline(model.folder)
    safe = CheckValue("ok", _("Nothing in it can run a program on this computer."), _("Safe"))
    findings = tuple(
        CheckValue(STATE_OF_LEVEL[finding.level], _(finding.what))
        for finding in info.findings
        if finding.code != GUESSED  # shown at each field
    )
    return ModelValue(
        name=name,
        takes_in=tensors_in_words(_needed(info, spec)),
        gives_back=tensors_in_words(_answers(info, spec)),
        does=task_words(info.task),
        size_bytes=info.size_bytes,
        parameters=info.parameters,
        format=format_words(info.format),
        license=license_words(model, origin),
        origin=origin_words(origin) if origin else Path(opening.path).name if opening else "",
        architecture=info.architecture or "",
        findings=(
            *(() if info.format in PROGRAMS else (safe,)),
            *chat_findings(info),
            *findings,
            *_license_finding(model, origin),
            *_guesses(spec),
        ),
        preprocess=preprocess_value(spec, opening),
        classes=spec.classes or (),
    )


def chat_findings(info: ModelInfo) -> tuple[CheckValue, ...]:
    """Return the findings about a language model: its context length, and its memory compared with the free memory."""
    if info.chat is None:
        return ()
    free_bytes = free_memory_bytes()
    needs = {bits: memory_bytes(info.parameters, bits, info.chat) for bits in BITS}
    sizes = ", ".join(_("{0} with {1} bits per weight").format(memory(size), bits) for bits, size in needs.items())
    guess = bits_that_fit(info.parameters, info.chat, free_bytes)
    what = _("It needs about {0} of memory (a chat of {1:,} tokens); {2} are free now.")
    words = what.format(sizes, min(info.chat.context, CHAT_TOKENS), memory(free_bytes))
    words = f"{words} {_bits_words(guess)}"
    context = _("It reads up to {0:,} tokens at once, about {1:,} words.").format(
        info.chat.context, int(round(info.chat.context * WORDS_PER_TOKEN, -2))
    )
    return CheckValue("ok", context), CheckValue("ok" if guess == BITS[0] else "warn", words)


def _bits_words(guess: int | None) -> str:
    """Return a first estimate of how many bits per weight fit into memory."""
    if guess is None:
        return _("Even {0} bits per weight need too much memory: close other programs, or use a smaller model.").format(
            BITS[-1]
        )
    if guess == BITS[0]:
        return _("It fits unchanged, with {0} bits per weight.").format(guess)
    return _("First estimate: {0} bits per weight, with the goal “Fits into memory”.").format(guess)


def _answers(info: ModelInfo, spec: PipelineSpec) -> tuple[TensorSpec, ...]:
    """Return the outputs to show: only the text of a model that writes texts, because its scores serve comparison."""
    if spec.generation is None:
        return info.outputs
    answers = {entry.name for entry in spec.outputs if entry.answer}
    return tuple(tensor for tensor in info.outputs if tensor.name in answers) or info.outputs


def _needed(info: ModelInfo, spec: PipelineSpec) -> tuple[TensorSpec, ...]:
    """Return the inputs without the optional ones, because these do not describe what the model needs."""
    optional = {entry.name for entry in spec.inputs if entry.optional}
    return tuple(tensor for tensor in info.inputs if tensor.name not in optional) or info.inputs


def _guesses(spec: PipelineSpec) -> tuple[CheckValue, ...]:
    """Return the guesses that no field of the preparation shows."""
    sentences = {
        "classes": _("The names of its classes are guesses. Check them with your first examples."),
        "task": _("The meaning of its answers is a guess. You can change it on the page Data."),
    }
    return tuple(CheckValue("warn", text) for name, text in sentences.items() if name in spec.guessed)


def _license_finding(model: OpenedModel, origin: Origin | None) -> tuple[CheckValue, ...]:
    """Return a warning if the license may forbid use; a permissive license gets no finding."""
    verdict = origin.verdict if origin is not None and origin.verdict is not None else model.result.verdict
    if verdict is None or verdict.for_business:
        return ()
    if verdict.word == "noncommercial":
        return (CheckValue("warn", _("Its license allows no commercial use."), _("ask its maker")),)
    what = _("Its license is unknown.") if verdict.title else _("No license is stated.")
    return (CheckValue("warn", what, _("ask its maker")),)


def license_words(model: OpenedModel, origin: Origin | None) -> str:
    """Return the license as the hub states it for a hub model, else as the model's own files state it."""
    own, own_name = model.result.verdict, model.result.info.license or ""
    if origin is not None and origin.verdict is not None:
        stated = license_fact(origin.verdict, origin.license)[0]
        same = own is None or own.expression == origin.verdict.expression or not own_name
        return stated if same else _("{0} (stated by the hub; its own files state {1})").format(stated, own_name)
    if not own_name or own is None:
        return own_name
    return license_fact(own, own_name)[0]


def origin_words(origin: Origin) -> str:
    """Return ``Xenova/resnet-50 of huggingface.co, version 34c2154c, by Xenova, downloaded 25 Nov 2026``."""
    place = urlsplit(origin.endpoint).hostname or origin.endpoint
    parts = [
        _("{0} of {1}").format(origin.repo, place),
        _("version {0}").format(origin.commit[:COMMIT_CHARS]),
        _("by {0}").format(origin.author) if origin.author else "",
        _("downloaded {0}").format(moment(time_of(origin.downloaded_at))),
    ]
    return ", ".join(part for part in parts if part)


def preprocess_value(spec: PipelineSpec, opening: OpenParams | None = None) -> PreprocessValue:
    """Return how inputs are prepared: fields for pictures, rows for other inputs."""
    guessed = frozenset(spec.guessed) & frozenset(vars(spec.preprocess))
    by_hand = opening is not None and opening.preprocess is not None
    source = _("from the model's own files")
    if guessed:
        source = _("partly guessed, please check")
    elif by_hand:
        source = _("as you set it")
    steps = spec.preprocess
    if isinstance(steps, ImageSteps):
        return PreprocessValue(image=steps, guessed=guessed, source=source)
    rows: tuple[tuple[str, str], ...] = ((_("Inputs"), _("used unchanged")),)
    if isinstance(steps, TextSteps):
        rows = (
            (_("Texts are split into"), _("tokens, by the tokenizer that came with it")),
            (_("At most"), _("{0:,} tokens; the rest is cut off").format(steps.max_length)),
        )
    elif isinstance(steps, AudioSteps):
        rows = (
            (_("Sounds are converted to"), _("{0:,} samples a second, one channel").format(steps.sample_rate_hz)),
            (_("In pieces of"), _("{0:,} samples").format(steps.frame_samples))
            if steps.frame_samples
            else (_("In one piece"), _("of any length")),
        )
    return PreprocessValue(rows=rows, source=source)
