"""Requests of the protocol that are small and cost much, or hold numbers that the model's dtype cannot hold."""

import json
import tracemalloc

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from workers.export.service.bundle_files.fettle_service.documents import RequestError
from workers.export.service.bundle_files.fettle_service.engine import Axes, Engine
from workers.export.service.bundle_files.fettle_service.forms import ChatBody, InferBody, read_body
from workers.export.service.bundle_files.fettle_service.protocol import InferenceRequest, Tensor, parse

FREE = Tensor("x", "float32", (None, None))
MOST_BYTES = 16 << 20
"""Memory that refusing one small request may take."""


def request(data: object, shape: list[int], datatype: str = "FP32", name: str = "x") -> bytes:
    entry = {"name": name, "datatype": datatype, "shape": shape, "data": data}
    return json.dumps({"inputs": [entry]}).encode()


def parsed(data: object, shape: list[int], tensor: Tensor = FREE, datatype: str = "FP32") -> InferenceRequest:
    return parse(request(data, shape, datatype), None, [tensor])


def refused_cheaply(body: bytes, header: str | None = None, tensor: Tensor = FREE) -> RequestError:
    """The refusal of a request; it must not take more memory than `MOST_BYTES`."""
    tracemalloc.start()
    try:
        with pytest.raises(RequestError) as refused:
            parse(body, header, [tensor])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < MOST_BYTES, f"{peak / 1e6:.0f} MB"
    return refused.value


def test_parse_one_long_text_among_short_ones_is_refused_within_memory() -> None:
    """Given 103 KB of JSON with one text of 100,000 characters among 800 empty ones, then status 400 and little memory."""
    refused = refused_cheaply(request(["a" * 100_000, *[""] * 800], [1, 801]))
    assert refused.status == 400


@pytest.mark.parametrize("piece", [b"[],", b"{},", b'"ab",', b"[[]],"])
def test_parse_millions_of_values_are_refused_before_they_are_read(piece: bytes) -> None:
    """Given 24 MB of JSON that would become 500 MB and more of Python objects, then 413 without reading it."""
    body = b'{"inputs": [' + piece * (24_000_000 // len(piece)) + b"0]}"
    assert refused_cheaply(body).status == 413


def test_parse_a_picture_of_six_million_numbers_is_read() -> None:
    """Given a picture of 1920×1080 in JSON, as clients may send it, then it is read."""
    body = b'{"inputs": [{"name": "x", "datatype": "UINT8", "shape": [1080, 5760], "data": [' + b"7," * 6_220_799
    tensor = Tensor("x", "uint8", (None, None))
    feeds = parse(body + b"7]}]}", None, [tensor]).feeds
    assert feeds["x"].shape == (1080, 5760) and (feeds["x"] == 7).all()


@pytest.mark.parametrize("header", ["9" * 5000, "0" * 5000, "²", ""])
def test_parse_header_that_is_no_length_is_refused(header: str) -> None:
    """Given a header of 5,000 digits, or of other digits, then 400 and not Python's own error."""
    assert refused_cheaply(request([1.0], [1, 1]), header).status == 400


@pytest.mark.parametrize(
    ("dtype", "datatype", "number"),
    [("float32", "FP32", "1e300"), ("float32", "FP32", "-1e39"), ("float16", "FP16", "65520"),
     ("float64", "FP64", "1e999"), ("float32", "FP32", "Infinity"), ("float32", "FP32", "NaN"),
     ("float32", "FP32", "1" + "0" * 400), ("int8", "INT8", "128"), ("int64", "INT64", "9223372036854775808")],
)  # fmt: skip
def test_parse_number_that_dtype_cannot_hold_is_refused(dtype: str, datatype: str, number: str) -> None:
    """Given a number in JSON that would become infinity or another number, then 400."""
    body = f'{{"inputs": [{{"name": "x", "datatype": "{datatype}", "shape": [1, 1], "data": [{number}]}}]}}'
    assert refused_cheaply(body.encode(), tensor=Tensor("x", dtype, (None, None))).status == 400


@pytest.mark.parametrize(
    "shape", [[2**62, 0], [0, 2**63], [2**63 - 1] * 2, [-1, -1], [0] * 17, [1e300, 1], [True, 1], [10**400, 0]]
)
def test_parse_huge_or_negative_shape_is_refused(shape: list) -> None:
    """Given sizes that no array has, then 400 and no memory for it."""
    for data in ([], [1.0]):
        assert refused_cheaply(request(data, shape), tensor=FREE).status == 400


def test_parse_deep_lists_are_refused() -> None:
    """Given lists in lists, more than arrays have axes and more than Python reads, then 400."""
    for depth in (17, 40, 900, 100_000):
        text = "[" * depth + "1" + "]" * depth
        body = f'{{"inputs": [{{"name": "x", "datatype": "FP32", "shape": [1, 1], "data": {text}}}]}}'
        assert refused_cheaply(body.encode()).status == 400


@pytest.mark.parametrize(
    ("data", "dtype", "datatype"),
    [([[1, 2], [3, 4]], "float32", "FP32"), ([0.1, 2, 3.5, 1e-46], "float32", "FP32"),
     ([[[16777217, 2]], [[3, 4]]], "float32", "FP32"), ([2**53 + 1, -1, 0, 5], "int64", "INT64"),
     ([2**64 - 1, 2**63, 2**64 - 2, 2**63 + 1], "uint64", "UINT64"), ([True, False, True, True], "bool", "BOOL"),
     ([65519, 0.0, -0.0, 1], "float16", "FP16")],
)  # fmt: skip
def test_parse_valid_numbers_equal_numpys(data: list, dtype: str, datatype: str) -> None:
    """Given numbers that fit, flat or nested, then the array is numpy's own, to the bit."""
    found = parsed(data, [2, 2], Tensor("x", dtype, (None, None)), datatype).feeds["x"]
    assert found.tobytes() == np.array(data).astype(dtype).tobytes() and found.shape == (2, 2)


class Echo:
    """A model that gives each row of both inputs back."""

    def run(self, feeds):
        return {"y": feeds["a"], "z": feeds["b"]}


@pytest.mark.parametrize(("a", "b"), [(1, 2), (2, 1), (0, 0), (0, 1)])
def test_engine_request_with_other_batch_sizes_is_refused(a: int, b: int) -> None:
    """Given a request whose inputs hold different numbers of items, or none, then 400: joined with another client's, its
    rows would go to the other one."""
    engine = Engine(Echo(), Axes({"a": 0, "b": 0}, {"y": 0, "z": 0}), max_batch=4, max_waiting=8)
    try:
        with pytest.raises(RequestError) as refused:
            engine.submit({"a": np.zeros((a, 2)), "b": np.zeros((b, 2))})
        assert refused.value.status == 400
    finally:
        engine.close()


@pytest.mark.parametrize(("form", "field"), [(InferBody, "inputs"), (InferBody, "outputs"), (ChatBody, "messages")])
@pytest.mark.parametrize("item", ["{}", '{"shape": [], "role": 1, "content": [{}]}', "0", '{"shape": [-1, -1]}'])
def test_read_body_reports_the_first_of_many_errors(form: type[BaseModel], field: str, item: str) -> None:
    """Given thousands of wrong items, then one error comes without memory for the others."""
    body = f'{{"{field}": [{",".join([item] * 20_000)}]}}'.encode()
    document = json.loads(body)  # outside of the measured memory
    tracemalloc.start()
    with pytest.raises(ValidationError) as refused:
        form.model_validate(document)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_BYTES and refused.value.error_count() < 10
    with pytest.raises(RequestError) as report:
        read_body(form, body)
    assert (report.value.status, len(str(report.value)) < 200) == (400, True)
