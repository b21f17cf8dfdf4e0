"""`fettle explain`: its document, exit codes and sentences."""

import json
from pathlib import Path

import numpy as np
import planted as make
import pytest

from app.cli.explain import conclusion, explain_document
from app.cli.main import main
from workers.contracts.after.changes import ChangedNode, DiffResult, ExplainResult


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FETTLE_HOME", str(tmp_path / "home"))


@pytest.mark.whole
def test_explain_names_a_cause_with_exit_code_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given a model of BGR pictures, When it is explained with --json, Then the document holds the cause."""
    model = make.picture_model(tmp_path / "one" / "model.onnx")
    other = make.planted(model, tmp_path / "two" / "model.onnx", before=make.swap_colors())
    make.pictures(tmp_path / "pictures", 12)
    assert main(["explain", str(model), str(other), "--data", str(tmp_path / "pictures"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    (cause,) = found["causes"]
    assert cause == {
        "code": "channel_order", "parameter": "channels", "from": "rgb", "to": "bgr", "share_differing_after": 0,
    }  # fmt: skip
    assert found["first_node"] is None


@pytest.mark.whole
def test_explain_ends_with_4_where_nothing_explains_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Given expected outputs by chance, Then the exit code is 4 and no cause is named."""
    model = make.picture_model(tmp_path / "one" / "model.onnx")
    make.pictures(tmp_path / "pictures", 12)
    np.savez(tmp_path / "expected.npz", output=np.random.default_rng(1).normal(0, 3, (12, 5)))
    arguments = ["explain", str(model), str(tmp_path / "expected.npz"), "--data", str(tmp_path / "pictures")]
    assert main([*arguments, "--json"]) == 4
    found = json.loads(capsys.readouterr().out)
    assert not found["agree"] and not found["causes"]


def test_explain_document_names_the_first_node() -> None:
    """Given a comparison of inner values, Then the document and the last sentence name the first node that differs."""
    nodes = tuple(ChangedNode(a=name, b=name, op="Conv", status="unchanged", error=0.5) for name in ("one", "two"))
    diff = DiffResult(nodes=nodes, first_different=1)
    result = ExplainResult(agree=False, share_differing=0.5, diff=diff, n_items=4)
    assert explain_document(result)["first_node"] == {"name": "two", "op": "Conv", "error": 0.5}
    assert "“two”" in conclusion(result)
