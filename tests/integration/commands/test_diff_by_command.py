"""`fettle diff A B`: the graphs of any two models, with data also their errors and times."""

from pathlib import Path
from typing import get_args

import command_models as small
import foreign_models as foreign
import pytest
from fettle_command import Fettle

from app.cli.diff import FIELDS
from presets.sample import sample_paths
from workers.contracts.after.changes import Status

SAMPLE = sample_paths().model


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    return Fettle(tmp_path_factory.mktemp("diff") / "home")


def test_diff_of_a_model_with_itself_finds_each_operator_unchanged(shop: Fettle) -> None:
    """Given one file twice, When it is compared without data, Then each operator is unchanged and nothing is timed."""
    done = shop.here("diff", SAMPLE, SAMPLE, "--json")
    assert done.code == 0, done.err
    assert list(done.document) == ["counts", "nodes", "reasons"]
    counts = done.document["counts"]
    assert list(counts) == list(get_args(Status))
    assert counts["unchanged"] == len(done.document["nodes"]) == sum(counts.values()) > 5
    assert all(list(node) == list(FIELDS) for node in done.document["nodes"])
    assert all(node["error"] is None and node["ms_a"] is None for node in done.document["nodes"])
    assert done.document["reasons"] == []


def test_diff_of_a_rounded_model_with_data_gives_errors_and_times(shop: Fettle, tmp_path: Path) -> None:
    """Given an INT8 file of the sample and pictures, When both are compared, Then products are rounded to int8, with
    errors and times, and the page is written."""
    other, page = foreign.static_int8(tmp_path / "static.onnx"), tmp_path / "changes.html"
    pictures = foreign.examples(tmp_path / "pictures.npz", 0, 8)
    done = shop.here("diff", SAMPLE, other, "--data", pictures, "--html", page, "--json")
    assert done.code == 0, done.err
    rounded = [node for node in done.document["nodes"] if node["status"] == "rounded"]
    assert {node["dtype_b"] for node in rounded} == {"int8"} and {node["op"] for node in rounded} >= {"Conv"}
    assert all(0 < node["error"] < 1 for node in rounded if node["error"] is not None)
    assert any(node["error"] is not None for node in rounded)
    assert sum(node["ms_a"] or 0 for node in done.document["nodes"]) > 0
    assert sum(node["ms_b"] or 0 for node in done.document["nodes"]) > 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_diff_of_models_without_anything_in_common_says_so(shop: Fettle, tmp_path: Path) -> None:
    """Given a picture model and one of numbers, When they are compared, Then no operator is matched, exit code 0."""
    numbers = small.save(
        tmp_path / "numbers.onnx",
        [small.helper.make_node("MatMul", ["x", "w"], ["y"])],
        [small.floats("x", "n", 8)],
        [small.floats("y", "n", 3)],
        [small.weights("w", 8, 3)],
    )
    done = shop.here("diff", small.picture_model(tmp_path / "pictures.onnx"), numbers, "--json")
    assert done.code == 0, done.err
    assert done.document["counts"]["unmatched"] == len(done.document["nodes"])


def test_diff_with_data_of_other_inputs_is_refused(shop: Fettle, tmp_path: Path) -> None:
    """Given a model with other inputs, When it is compared on pictures, Then it is refused with exit code 3."""
    pictures = foreign.examples(tmp_path / "pictures.npz", 0, 4)
    done = shop.here("diff", SAMPLE, small.picture_model(tmp_path / "other.onnx"), "--data", pictures, "--json")
    assert (done.code, done.error["code"]) == (3, "other_interface")


def test_diff_with_a_page_that_cannot_be_written_is_an_error(shop: Fettle, tmp_path: Path) -> None:
    """Given a folder that does not exist, When the page is to be written there, Then the error says so, exit code 3."""
    done = shop.here("diff", SAMPLE, SAMPLE, "--html", tmp_path / "nowhere" / "page.html", "--json")
    assert (done.code, done.error["code"]) == (3, "not_written")
