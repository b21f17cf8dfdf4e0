"""Derive how encoder and decoder generate a text: from their graphs, config.json and generation_config.json."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workers.contracts.pipeline import checked
from workers.contracts.specs import Finding, TensorSpec
from workers.contracts.translation import _
from workers.model_io.facts import Graph, ModelFacts, info
from workers.model_io.readers.neighbors import read_dict
from workers.model_io.words import refuse, shown, unsupported
from workers.pipeline.spec import Cache, Generation, MelSteps

LONGEST, MOST = 64, 512
"""Number of generated tokens where no file states a limit, and the largest number."""

IDS, HIDDEN, MASK, POSITION = ("input_ids", "decoder_input_ids"), "encoder_", "encoder_attention_mask", "cache_position"
PAST, PRESENT = ("past_key_values", "past"), ("present_key_values", "present")
WHISPER = "whisper"


@dataclass(frozen=True)
class _Taken:
    """Inputs of one decoder by their role; `past` holds all others."""

    ids: str
    hidden: TensorSpec | None
    mask: str | None
    position: str | None
    past: tuple[TensorSpec, ...]


def loop_of(folder: Path, encoder: Graph, decoder: Graph, step: Graph | None) -> ModelFacts:
    """Return how the loop calls the parts, with its guessed parts and findings for the user.

    Raises:
        InputRefused: this is unknown, or the parts do not fit together.
    """
    settings = settings_of(folder)
    start, end, pad = (_number(settings.get(f"{name}_token_id")) for name in ("decoder_start", "eos", "pad"))
    if start is None or end is None:
        raise unfit(folder, _("its config.json does not state the token with which a result starts and ends"))
    taken = _taken(folder, decoder)
    if taken.hidden is None or taken.past or taken.position:
        raise unfit(folder, _("its decoder takes more than tokens and the encoder's outputs"))
    states, scores = vectors_of(encoder.outputs), vectors_of(decoder.outputs)
    if not states or not scores:
        raise unfit(folder, _("one of its parts gives no three-dimensional numbers"))
    width, wanted = states[0].shape[-1], taken.hidden.shape[-1]
    if isinstance(width, int) and isinstance(wanted, int) and width != wanted:
        raise _other_model(
            folder, _("its encoder gives {0} numbers for each word and its decoder takes {1}").format(width, wanted)
        )
    given = [entry.name for entry in encoder.inputs if "mask" in entry.name]
    if taken.mask and not given:
        raise unfit(folder, _("its decoder takes a mask that its encoder does not take"))
    mel = _mel(folder, encoder, settings)
    # multilingual models begin with the token of their target language
    forced = _number(settings.get("forced_bos_token_id"))
    begin, languages = _begin(settings) if mel is not None else (() if forced is None else (forced,), ())
    longest, is_known = _longest(settings, 1 + len(begin) + bool(languages), mel is not None)
    steps = Generation(
        start=start,
        end=end,
        pad=end if pad is None else pad,
        longest=longest,
        states=states[0].name,
        hidden=taken.hidden.name,
        ids=taken.ids,
        scores=scores[0].name,
        mask=taken.mask if given else None,
        encoder_mask=given[0] if taken.mask and given else None,
        begin=begin,
        languages=languages,
        never=(*_numbers(settings.get("suppress_tokens")), *_barred(settings)),
        not_first=_numbers(settings.get("begin_suppress_tokens")),
        forced_end=_number(settings.get("forced_eos_token_id")) == end,
        cache=None if step is None else _cache(folder, decoder, step, scores[0]),
        mel=mel,
    )
    guessed = () if is_known else ("longest answer",)
    return ModelFacts(generation=checked(steps), guessed=guessed, findings=tuple(_findings(settings, step)))


def settings_of(folder: Path) -> dict[str, Any]:
    """Return config.json, overridden by generation_config.json."""
    more = read_dict(folder / "generation_config.json")
    return {**read_dict(folder / "config.json"), **{k: v for k, v in more.items() if v is not None}}


def vectors_of(entries: Iterable[TensorSpec]) -> list[TensorSpec]:
    """Return the outputs or inputs that hold a vector for each position of a text."""
    return [entry for entry in entries if entry.dtype == "float32" and len(entry.shape) == 3]


def _taken(folder: Path, decoder: Graph) -> _Taken:
    ids = [entry for entry in decoder.inputs if entry.name in IDS and entry.dtype == "int64"]
    hidden = [entry for entry in vectors_of(decoder.inputs) if entry.name.startswith(HIDDEN)]
    mask, position = ({entry.name for entry in decoder.inputs} & {name} for name in (MASK, POSITION))
    if len(ids) != 1 or len(hidden) > 1:
        raise unfit(folder, _("one of its decoders does not take tokens as input_ids"))
    known = {ids[0].name, *mask, *position, *(entry.name for entry in hidden)}
    past = tuple(entry for entry in decoder.inputs if entry.name not in known)
    return _Taken(
        ids[0].name, hidden[0] if hidden else None, MASK if mask else None, POSITION if position else None, past
    )


def _cache(folder: Path, decoder: Graph, step: Graph, scores: TensorSpec) -> Cache:
    """Return which output feeds which input from token to token."""
    taken = _taken(folder, step)
    first, later = ({output.name: output for output in graph.outputs} for graph in (decoder, step))
    carried: dict[str, str] = {}
    kept: dict[str, str] = {}
    for entry in taken.past:
        source = next((name for name in _sources(entry.name) if name in first), None)
        if source is None:
            raise _cache_unfit(folder, _("the decoder has no output for its input {0}").format(shown(entry.name, 60)))
        both = [first[source], *([later[source]] if source in later else [])]
        if any(not _same_kind(entry, output) for output in both):
            raise _cache_unfit(folder, _("its input {0} has other sizes than its output").format(shown(entry.name, 60)))
        (carried if source in later else kept)[entry.name] = source
    if not carried:
        raise _cache_unfit(folder, _("it has no output from which the next token could start"))
    own = [output for output in vectors_of(step.outputs) if output.shape[-1] == scores.shape[-1]]
    if not own:
        raise _other_model(folder, _("its decoders do not know the same number of tokens"))
    return Cache(
        carried=carried,
        kept=kept,
        ids=taken.ids,
        scores=own[0].name,
        mask=taken.mask,
        hidden=taken.hidden.name if taken.hidden is not None else None,
        position=taken.position,
    )


def _sources(name: str) -> Iterable[str]:
    """Yield possible names of the output that feeds an input: past_key_values.0.decoder.key ← present.0.decoder.key."""
    for past in PAST:
        if name.startswith(past):
            yield from (present + name[len(past) :] for present in PRESENT)


def _same_kind(entry: TensorSpec, output: TensorSpec) -> bool:
    """Return whether type and known sizes (heads, and numbers of each head) are equal."""
    sizes = zip(entry.shape, output.shape, strict=False)
    same = all(a == b for a, b in sizes if isinstance(a, int) and isinstance(b, int))
    return entry.dtype == output.dtype and len(entry.shape) == len(output.shape) and same


def _mel(folder: Path, encoder: Graph, settings: Mapping[str, Any]) -> MelSteps | None:
    """Return how sounds become the encoder's input; None for an encoder that reads tokens."""
    features = vectors_of(encoder.inputs)
    if not features:
        return None
    extractor = read_dict(folder / "preprocessor_config.json")
    kind = str(extractor.get("feature_extractor_type", "WhisperFeatureExtractor"))
    if settings.get("model_type") != WHISPER or kind != "WhisperFeatureExtractor" or len(encoder.inputs) != 1:
        raise unfit(folder, _("its encoder takes another kind of sound spectrum than Whisper's, which Fettle makes"))
    names = {"bins": "feature_size", "sample_rate_hz": "sampling_rate", "window": "n_fft", "hop": "hop_length"}
    stated = {mine: _number(extractor.get(theirs)) for mine, theirs in {**names, "seconds": "chunk_length"}.items()}
    bins = features[0].shape[1]
    if isinstance(bins, int) and stated["bins"] is None:
        stated["bins"] = bins
    steps = checked(MelSteps(input=features[0].name, **{name: value for name, value in stated.items() if value}))
    frames = steps.seconds * steps.sample_rate_hz // steps.hop
    wanted = zip(features[0].shape[1:], (steps.bins, frames), strict=True)
    if any(isinstance(size, int) and size != made for size, made in wanted):
        sizes = " × ".join(map(str, features[0].shape[1:]))
        raise _other_model(
            folder,
            _("preprocessor_config.json makes {0} × {1} of a sound and its encoder takes {2}").format(
                steps.bins, frames, sizes
            ),
        )
    return steps


def _begin(settings: Mapping[str, Any]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the tokens that always follow the start, and the languages from which the model chooses first.

    The rules are those of WhisperForConditionalGeneration.generate.
    """
    task, language = settings.get("task"), settings.get("language")
    known = settings["lang_to_id"] if isinstance(settings.get("lang_to_id"), dict) else {}
    tasks = settings["task_to_id"] if isinstance(settings.get("task_to_id"), dict) else {}
    forced = settings.get("forced_decoder_ids") if task is None and language is None else None
    begin: list[int | None] = [pair[1] for pair in forced or () if isinstance(pair, list) and len(pair) == 2]
    languages: tuple[int, ...] = ()
    if language is not None:
        begin = [_number(known.get(f"<|{language}|>", known.get(str(language)))), *begin[1:]]
    elif known and (not begin or begin[0] is None):
        languages, begin = tuple(sorted(int(token) for token in known.values())), begin[1:]
    if task is not None or language is not None:
        begin.append(_number(tasks.get(str(task or "transcribe"))))
    silent = _number(settings.get("no_timestamps_token_id"))
    if silent is not None and (not begin or begin[-1] != silent):
        begin.append(silent)
    return tuple(token for token in begin if token is not None), languages


def _longest(settings: Mapping[str, Any], begun: int, speech: bool) -> tuple[int, bool]:
    """Return the largest number of generated tokens, and whether a file states it.

    `max_length` includes the tokens with which a text begins. The number never exceeds the decoder's positions.
    """
    new, whole = _number(settings.get("max_new_tokens")), _number(settings.get("max_length"))
    places = _number(settings.get("max_target_positions")) or _number(settings.get("max_position_embeddings"))
    if not new and whole:
        # it excludes the beginning of a transcript (WhisperForConditionalGeneration)
        new = whole if speech else whole - 1
    fits = MOST if not places else max(1, places - begun)
    return max(1, min(new or LONGEST, fits, MOST)), bool(new)


def _findings(settings: Mapping[str, Any], step: Graph | None) -> Iterable[Finding]:
    beams = _number(settings.get("num_beams")) or 1
    if beams > 1:
        yield info(
            _(
                "Its author compares {0} texts at once (beam search). Fettle takes the likeliest word each time, "
                "in the original and in every version, so texts may differ a little from its author's."
            ).format(beams)
        )
    usual = {"no_repeat_ngram_size": 0, "min_length": 0, "repetition_penalty": 1.0}
    unlike = [name for name, value in usual.items() if settings.get(name) not in (None, value)]
    if unlike:
        yield info(_("Its files also state {0}, which Fettle ignores in all versions.").format(", ".join(unlike)))
    if step is None:
        yield info(
            "It has no decoder with a cache (decoder_with_past_model.onnx), so it reads all words again for each next"
            " one. Longer texts take much longer than with a cache."
        )


def _barred(settings: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the tokens that are never a prediction by themselves (`bad_words_ids` of one token: Marian's padding)."""
    words = settings.get("bad_words_ids")
    alone = [word[0] for word in words if isinstance(word, list) and len(word) == 1] if isinstance(words, list) else []
    return _numbers(alone)


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple(one for one in value if _number(one) is not None) if isinstance(value, list) else ()


def _number(value: Any) -> int | None:
    first = value[0] if isinstance(value, list) and value else value
    return first if isinstance(first, int) and not isinstance(first, bool) and first >= 0 else None


def unfit(folder: Path, reason: str) -> Exception:
    """Return the refusal for parts that cannot run together."""
    return unsupported(
        _("{0} holds an encoder and a decoder, but {1}.").format(folder.name, reason),
        _("Export the model again with optimum (optimum-cli export onnx), beside the model's own config.json."),
        _("These parts cannot be run together"),
    )


def _other_model(folder: Path, reason: str) -> Exception:
    return refuse(
        "parts_of_different_models",
        "These parts belong to different models",
        _("{0} mixes files of different models: {1}.").format(folder.name, reason),
        "Download or export all files of one model again, into an empty folder.",
    )


def _cache_unfit(folder: Path, reason: str) -> Exception:
    return refuse(
        "cache_does_not_fit",
        "The decoder's cache does not fit",
        _("{0} has a decoder_with_past that does not fit its decoder: {1}.").format(folder.name, reason),
        "Export both again from one model (with a task that ends in -with-past), or remove"
        " decoder_with_past_model.onnx: it then runs without a cache, slower.",
    )
