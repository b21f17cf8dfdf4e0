"""A language model is rounded layer by layer as if it were rounded whole, and goes on where it was ended."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recording import RecordingContext

from workers.contracts.errors import JobCancelled
from workers.convert.graphs import onnx_files
from workers.infer.openvino_program import import_library
from workers.measure.timing import frozen
from workers.quantize import language_int4
from workers.quantize.weights import compressed_weights, graph_parts, mapped_weights
from workers.runtime.failure import terminal_message

EXAMPLES = 3
WORDS = np.arange(100, 120)[None]
PARAMS = language_int4.Params(group_size=32)


@pytest.fixture(scope="module")
def small(make_small: Callable[..., Any]) -> Iterator[Any]:
    """Two layers, each of which is two parts."""
    with pytest.MonkeyPatch.context() as patched, frozen():  # each part ends with a collection of garbage
        patched.setattr(graph_parts, "SMALLEST_BYTES", 1)
        yield make_small("chat", items=EXAMPLES)


@dataclass(frozen=True)
class Once:
    """A version that was made layer by layer without a break, and the maps of the original's file meanwhile."""

    folder: Path
    given_back: list[set[mapped_weights.Map]]
    of_others: set[mapped_weights.Map]


@pytest.fixture(scope="module")
def once(small: Any, tmp_path_factory: pytest.TempPathFactory) -> Once:
    _other = import_library().Core().read_model(str(small.folder / "model.xml"))
    taken: list[set[mapped_weights.Map]] = []

    def given_back(maps: set[mapped_weights.Map]) -> AbstractContextManager[None]:
        taken.append(maps)
        return mapped_weights.given_back(maps)

    of_others = mapped_weights.maps_of(small.folder / "model.bin")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compressed_weights, "given_back", given_back)
        return Once(rounded(small, tmp_path_factory.mktemp("once")), taken, of_others)


def graph_of(folder: Path) -> graph_parts.Graph:
    return graph_parts.Graph(import_library().Core().read_model(str(folder / "model.xml")))


def logits_of(model: Any, text: np.ndarray = WORDS) -> list[np.ndarray]:
    """What comes after some words, and after one more that the cache goes before."""
    exact = {"INFERENCE_PRECISION_HINT": "f32", "KV_CACHE_PRECISION": "f32", "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0"}
    request = import_library().Core().compile_model(model, "CPU", exact).create_infer_request()
    logits = []
    for ids, before in ((text, 0), (np.array([[7]]), text.shape[1])):
        places = np.arange(before, before + ids.shape[1])[None]
        mask = np.ones((1, before + ids.shape[1]), np.int64)
        feeds = {"input_ids": ids, "attention_mask": mask, "position_ids": places, "beam_idx": np.zeros(1, np.int32)}
        logits.append(request.infer(feeds)["logits"].copy())
    return logits


def rounded(small: Any, work: Path, **params: Any) -> Path:
    work.mkdir(exist_ok=True)
    ctx = RecordingContext(work_dir=work, threads=1, data_dir=small.data)
    language_int4.apply(small.model, language_int4.Params(group_size=32, **params), ctx)
    assert [path.name for path in work.iterdir()] == ["model"]
    return work / "model"


def test_joined_parts_are_the_model(small: Any) -> None:
    """Given a graph cut into parts, Then each layer with weights is in one, And together they predict the same."""
    library, graph = import_library(), graph_of(small.folder)
    before = logits_of(small.folder / "model.xml")
    parts = graph_parts.parts_of(graph)
    assert [len(part.products) for part in parts] == [0, 4, 3, 4, 3, 0]
    assert [len(part.kept) for part in parts] == [1, 0, 0, 0, 0, 1]
    made = {number: graph_parts.taken_out(library, graph, part) for number, part in enumerate(parts)}
    whole = graph_parts.joined(library, graph, dict(enumerate(parts)), made)
    assert all(np.array_equal(one, other) for one, other in zip(before, logits_of(whole), strict=True))


@pytest.mark.skipif(sys.platform != "linux", reason="memory is only given back on Linux")
def test_only_own_maps_are_given_back(once: Once) -> None:
    """Given a model that is also open elsewhere in the process, Then only the maps of the compression are released."""
    (own,) = once.given_back
    assert once.of_others and len(own) == 1 and not own & once.of_others


def check_whole(small: Any, ours: Path, work: Path, **params: Any) -> None:
    """NNCF gives the same for all layers at once."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compressed_weights, "parts_of", lambda graph: [])
        whole = rounded(small, work, **params)
    assert (ours / "model.bin").stat().st_size == (whole / "model.bin").stat().st_size
    for one, other in zip(logits_of(ours / "model.xml"), logits_of(whole / "model.xml"), strict=True):
        assert np.abs(one - other).max() < 1e-3 * one.std()


@pytest.mark.whole
def test_rounding_by_parts_equals_nncf_at_once(small: Any, once: Once, tmp_path: Path) -> None:
    """Given AWQ and scales learned from examples, Then layer by layer gives what NNCF gives for all at once."""
    check_whole(small, once.folder, tmp_path)


@pytest.mark.whole
def test_sensitive_layers_by_parts_equal_nncf_at_once(small: Any, tmp_path: Path) -> None:
    """Given that half of the weights get 4 bits, Then the same layers are found sensitive."""
    params = {"share": 0.5, "sensitivity": "hessian", "awq": False, "scales": False}
    check_whole(small, rounded(small, tmp_path / "parts", **params), tmp_path / "whole", **params)


@pytest.mark.slow
def test_layers_after_rounded_ones(small: Any, tmp_path: Path) -> None:
    """Given GPTQ, which makes up for what went before, Then on the texts that it learned from it is as close to the
    original as at once, and closer than plain rounding."""
    params = {"awq": False, "scales": False}
    plain, gptq = rounded(small, tmp_path / "plain", **params), rounded(small, tmp_path / "gptq", gptq=True, **params)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compressed_weights, "parts_of", lambda graph: [])
        whole = rounded(small, tmp_path / "whole", gptq=True, **params)
    texts = [feeds["input_ids"] for feeds in small.items(EXAMPLES)]
    far = {made.parent.name: distance(made, small.folder, texts) for made in (plain, gptq, whole)}
    assert far["gptq"] < far["plain"] and far["gptq"] == pytest.approx(far["whole"], rel=0.1)


def distance(made: Path, original: Path, texts: list[np.ndarray]) -> float:
    """Of the logits, root mean square."""
    pairs = [(logits_of(made / "model.xml", ids)[0], logits_of(original / "model.xml", ids)[0]) for ids in texts]
    return float(np.sqrt(np.mean([np.square(one - other).mean() for one, other in pairs])))


class Counted:
    """Stands before NNCF; ends the work at the call of this number."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: Exception, at: int | None) -> None:
        import nncf

        self.learned, self._at, self._error, self._real = 0, at, error, nncf.compress_weights
        monkeypatch.setattr(nncf, "compress_weights", self)

    def __call__(self, model: Any, **arguments: Any) -> Any:
        if "dataset" in arguments:
            if self.learned == self._at:
                raise self._error
            self.learned += 1
        return self._real(model, **arguments)


@pytest.mark.whole
def test_ended_work_continues_with_the_next_part(
    small: Any, once: Once, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given work that lacked memory in its third part, When the same is begun again, Then two parts are left to do, And
    what comes of it is what comes of work that was never ended, And nothing is kept any longer."""
    kept = tmp_path / "kept"

    def work(name: str) -> tuple[Path, RecordingContext]:
        (tmp_path / name).mkdir()
        ctx = RecordingContext(work_dir=tmp_path / name, data_dir=small.data, persistent_dir=kept)
        language_int4.apply(small.model, PARAMS, ctx)
        return tmp_path / name / "model", ctx

    with monkeypatch.context() as patched:
        first = Counted(patched, RuntimeError("std::bad_alloc"), at=2)
        with pytest.raises(MemoryError) as ended:
            work("first")
    assert first.learned == 2
    assert terminal_message(ended.value).error.code == "out_of_memory"
    assert list((tmp_path / "first").iterdir()) == []
    second = Counted(monkeypatch, JobCancelled(), at=None)
    folder, ctx = work("second")
    assert second.learned == 2
    assert (folder / "model.bin").read_bytes() == (once.folder / "model.bin").read_bytes()
    assert list(kept.iterdir()) == []
    shares = [sent.done / (sent.total or 1) for sent in ctx.progress_sent if sent.unit == "weights"]
    assert 0.4 < shares[0] < 0.6 and shares == sorted(shares) and shares[-1] == 1


def test_cancelled_between_two_examples(small: Any, tmp_path: Path) -> None:
    """Given a job without a folder that outlives it, When it is cancelled, Then nothing stays."""
    ctx = RecordingContext(work_dir=tmp_path, data_dir=small.data, cancel_after=8)
    with pytest.raises(JobCancelled):
        language_int4.apply(small.model, PARAMS, ctx)
    assert list(tmp_path.iterdir()) == []


def test_other_work_has_another_folder(small: Any, tmp_path: Path) -> None:
    """Given other examples or other parameters, Then what was finished for these is not gone on with."""
    ctx = RecordingContext(work_dir=tmp_path, data_dir=small.data)
    works = {"few": (PARAMS, 2), "more": (PARAMS, 3), "other": (PARAMS.model_copy(update={"gptq": True}), 3)}
    places = set()
    for params, count in works.values():
        with compressed_weights.working_folder(
            small.model, params, compressed_weights.Examples(ctx, count).fingerprint, ctx
        ) as place:
            places.add(place.name)
    assert len(places) == len(works)


def test_library_call_without_memory_raises_a_memory_error(tmp_path: Path) -> None:
    """Given a library that reports a lack of memory in its own error, Then a MemoryError is raised."""
    with pytest.raises(MemoryError), onnx_files.library_call("Anything", RecordingContext(tmp_path)):
        raise RuntimeError("std::bad_alloc")
