"""Large JSON is read and written while other requests are answered, and takes bounded memory."""

import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from served_bundles import INFER, Served, item_of, request, send_request

from workers.export.service.bundle_files.fettle_service import documents
from workers.export.service.bundle_files.fettle_service.documents import RequestError, read_document, write_document
from workers.export.service.bundle_files.fettle_service.forms import ChatBody, read_body
from workers.export.service.bundle_files.fettle_service.protocol import InferenceRequest, Tensor, parse, reply

NUMBERS = 1_000_000
FREE = Tensor("x", "float32", (None,))


@pytest.fixture(scope="module")
def values() -> np.ndarray[Any, np.dtype[Any]]:
    return np.random.default_rng(0).normal(size=NUMBERS)


@pytest.fixture(scope="module")
def body(values: np.ndarray[Any, np.dtype[Any]]) -> bytes:
    """A request of 20 MB of numbers."""
    entry = {"name": "x", "datatype": "FP32", "shape": [NUMBERS], "data": values.tolist()}
    return json.dumps({"inputs": [entry]}).encode()


@contextmanager
def short_turns() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.001)
    yield
    sys.setswitchinterval(before)


def turns_beside(work: Callable[[], Any]) -> tuple[int, Any]:
    """(how often another thread has the interpreter's lock while `work` runs, what that returns)."""
    results: list[Any] = []
    thread, turns = threading.Thread(target=lambda: results.append(work())), 0
    with short_turns():
        thread.start()
        while thread.is_alive():
            time.sleep(0.0005)
            turns += 1
        thread.join()
    return turns, results[0]


@pytest.mark.whole
def test_parse_large_request_lets_other_threads_go_on(values: np.ndarray[Any, Any], body: bytes) -> None:
    """Given a request of 20 MB of numbers, when a thread reads it, then another thread has a turn every few milliseconds;
    `json.loads` gives it hardly any."""
    assert len(body) > 19 << 20
    assert turns_beside(lambda: json.loads(body))[0] < 20
    turns, found = turns_beside(lambda: parse(body, None, [FREE]))
    assert turns > 50
    np.testing.assert_array_equal(found.feeds["x"], values.astype(np.float32))


@pytest.mark.whole
def test_reply_with_many_numbers_lets_other_threads_go_on(values: np.ndarray[Any, Any]) -> None:
    """Given an output of a million numbers, when a thread writes it as JSON, then another thread has its turns."""
    values = values.astype(np.float32)
    requested = InferenceRequest("", {}, {}, False)
    turns, (content, length) = turns_beside(lambda: reply("m", "1", requested, {"y": values}))
    assert turns > 50
    (output,) = json.loads(content)["outputs"]
    assert length is None
    np.testing.assert_array_equal(np.asarray(output["data"], np.float32), values)


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"a": [], "ä": {}, "b": None, "c": True},
        {
            "numbers": list(range(25_000)),
            "nested": [[1.5, 2], [3, 4e-9]],
            "texts": ["x", 'y"\n'],
            "objects": [{"a": 1}],
        },
        [[[1], [2]], [[3], []]],
        "text",
    ],
)
def test_write_document_is_what_json_writes(document: Any) -> None:
    """Given a document, then it is written as the standard library writes it."""
    assert write_document(document) == json.dumps(document, ensure_ascii=False)


def test_write_document_arrays_are_lists() -> None:
    """Given arrays of numpy, then they are written as their numbers; a value that is not a JSON number is refused."""
    arrays = {"x": np.arange(3), "y": np.asarray([0.5, 1e-7]), "z": np.zeros(0), "b": np.asarray([True])}
    assert json.loads(write_document(arrays)) == {"x": [0, 1, 2], "y": [0.5, 1e-7], "z": [], "b": [True]}
    with pytest.raises(ValueError, match="JSON"):
        write_document({"y": np.asarray([np.nan])})


@pytest.mark.parametrize("part", [b"[]", b"{}", b'""', b'{"":[]}', b"0"])
def test_read_body_large_chat_of_tiny_values_is_refused_unread(part: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given a chat of 30 MB that would become a gigabyte of objects, then 413 without reading it."""
    body = b'{"messages": [' + (part + b",") * (30_000_000 // (len(part) + 1)) + part + b"]}"
    monkeypatch.setattr(documents, "json", None)
    with pytest.raises(RequestError) as refused:
        read_body(ChatBody, body)
    assert refused.value.status == 413


def test_read_document_numbers_of_any_form() -> None:
    """Given numbers in JSON's forms, then they are as `json.loads` reads them; NaN and long whole ones are refused."""
    text = b"[0, -1, 2.5, 1e3, -0.0, 12345678901234567890, 1E-400]"
    assert [*map(repr, read_document(text))] == [*map(repr, json.loads(text))]
    for wrong in (b"[NaN]", b"[-Infinity]", b"[" + b"9" * 5000 + b"]", b"[" * 100_000, b"\xff"):
        with pytest.raises(RequestError) as refused:
            read_document(wrong)
        assert refused.value.status in (400, 413)


@pytest.mark.whole
def test_service_answers_others_while_it_reads_a_large_body(served: Served, body: bytes) -> None:
    """Given a request of 20 MB in JSON, when the service reads it, then small requests are answered meanwhile."""
    small = request(item_of(served.folder))
    statuses: list[int] = []
    send_request(served.port, "POST", INFER, small)
    large = threading.Thread(target=lambda: statuses.append(send_request(served.port, "POST", INFER, body)[0]))
    large.start()
    answered = 0
    while large.is_alive():
        assert send_request(served.port, "POST", INFER, small)[0] == 200
        answered += 1
    assert statuses == [400]
    assert answered > 5
