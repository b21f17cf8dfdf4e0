"""Tools of `peers.py` for an encoder and a decoder: they take the encoder's inputs, and return tokens as Fettle's loop.

`in_parts` runs the three ONNX files in that loop. CTranslate2 and faster-whisper run a folder that the recipe
``ctranslate2`` made, with greedy search as all others. faster-whisper hears 30 s at once, whatever the model states,
and fills a spectrum up with zeros.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.pipeline.generating import LOGITS, SOUND, TOKENS, generate, part_names
from workers.pipeline.log_mel import log_mel
from workers.pipeline.spec import Generation
from workers.pipeline.spec_file import read_spec

Arrays = dict[str, NDArray[Any]]
Run = Callable[[Mapping[str, NDArray[Any]]], Arrays]
Start = Callable[[str, int, Arrays], Run]


def in_parts(start: Start) -> Start:
    """Return a tool that runs each part with the tool that `start` opens."""

    def started(where: str, threads: int, first: Arrays) -> Run:
        loop = loop_in(where)
        runs = {name: start(str(Path(where, name, "model.onnx")), threads, first) for name in part_names(loop)}
        return lambda feeds: generate(runs, loop, feeds)

    return started


def loop_in(where: str) -> Generation:
    loop = read_spec(Path(where)).generation
    assert loop is not None
    return loop


def answered(tokens: list[int], loop: Generation) -> Arrays:
    """One row of tokens with its end, as Fettle's loop returns it; the scores of the first token are not compared."""
    ended = tokens if len(tokens) >= loop.longest or tokens[-1:] == [loop.end] else [*tokens, loop.end]
    return {TOKENS: np.asarray([ended], np.int64), LOGITS: np.zeros((1, 1), np.float32)}


def ctranslate2(where: str, threads: int, _first: Arrays, *, numbers: str) -> Run:
    import ctranslate2

    loop = loop_in(where)
    options = {"device": "cpu", "compute_type": numbers, "inter_threads": 1, "intra_threads": threads}
    if loop.mel is not None:
        names = json.loads(Path(where, "vocabulary.json").read_text(encoding="utf-8"))
        return _whisper(ctranslate2, ctranslate2.models.Whisper(where, **options), loop, names)
    translator = ctranslate2.Translator(where, **options)
    words, ids = _words(Path(where), "source"), {word: at for at, word in enumerate(_words(Path(where), "target"))}

    def run(feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        ids_in = next(array for name, array in feeds.items() if "mask" not in name)[0]
        found = translator.translate_batch(
            [[words[token] for token in ids_in]],
            beam_size=1,
            max_decoding_length=loop.longest,
            max_input_length=0,
            return_end_token=True,
        )
        tokens = [ids[word] for word in found[0].hypotheses[0]]
        if loop.forced_end and len(tokens) >= loop.longest:
            tokens[-1] = loop.end
        return answered(tokens, loop)

    return run


def _words(folder: Path, side: str) -> list[str]:
    """The vocabulary of one side by number; both sides share one where the model has only one."""
    own, shared = folder / f"{side}_vocabulary.json", folder / "shared_vocabulary.json"
    words: list[str] = json.loads((own if own.exists() else shared).read_text(encoding="utf-8"))
    return words


def _whisper(library: Any, model: Any, loop: Generation, names: list[str]) -> Run:
    mel = loop.mel
    assert mel is not None

    def run(feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        spectrum = library.StorageView.from_array(np.ascontiguousarray(log_mel(feeds[SOUND], mel)))
        begin = [loop.start, *loop.begin]
        if loop.languages:
            spectrum = model.encode(spectrum)  # once for both
            begin.insert(1, names.index(model.detect_language(spectrum)[0][0][0]))
        # it generates at most half of `max_length`
        found = model.generate(spectrum, [begin], beam_size=1, max_length=2 * loop.longest)
        return answered(found[0].sequences_ids[0], loop)

    return run


def faster_whisper(where: str, threads: int, _first: Arrays, *, numbers: str) -> Run:
    from faster_whisper import WhisperModel

    loop = loop_in(where)
    model = WhisperModel(where, device="cpu", compute_type=numbers, cpu_threads=threads, local_files_only=True)
    named = None if loop.languages or not loop.begin else model.hf_tokenizer.id_to_token(loop.begin[0])
    greedy = {"beam_size": 1, "temperature": 0.0, "without_timestamps": True, "condition_on_previous_text": False}
    greedy |= {"language": named.strip("<|>") if named else None, "suppress_tokens": list(loop.never)}

    def run(feeds: Mapping[str, NDArray[Any]]) -> Arrays:
        segments, _ = model.transcribe(feeds[SOUND][0], **greedy)
        return answered([token for segment in segments for token in segment.tokens], loop)

    return run
