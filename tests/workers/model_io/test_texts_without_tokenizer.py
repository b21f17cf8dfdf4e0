"""Text models in ONNX that come without a tokenizer: their made inputs make sense to them."""

import numpy as np
import pytest
from odd_models import PLACES, VOCABULARY, reader
from onnx import TensorProto

from workers.contracts.jobs import DataParams
from workers.evaluate.data.build import build_data
from workers.model_io.vocabulary import table_sizes
from workers.pipeline.pipeline import load_pipeline
from workers.pipeline.prepared import Prepared
from workers.runtime.recording import RecordingContext


@pytest.mark.parametrize("dtype", [TensorProto.INT64, TensorProto.INT32])
def test_it_opens_and_its_made_inputs_fit_its_tables(tmp_path, opened, dtype):
    # Given a text model that gives NaN for a mask of zeros and stops at numbers beyond its tables
    path = reader(tmp_path / "m.onnx", dtype)
    # When it is opened / Then it runs, and only the tokens have to be given
    result, folder = opened(path)
    pipeline = load_pipeline(folder)
    assert result.info.task == "text-classification" and pipeline.spec.answer_kind == "class"
    assert {entry.name: entry.optional for entry in pipeline.spec.inputs} == {
        "input_ids": False, "attention_mask": True, "token_type_ids": True, "position_ids": True
    }  # fmt: skip
    # When inputs are made for a run / Then tokens are of its vocabulary, and no text is longer than its places
    (tmp_path / "run").mkdir()
    build_data(DataParams(model_dir=str(folder)), RecordingContext(work_dir=tmp_path / "run"))
    items = [dict(item) for item in Prepared(tmp_path / "run" / "data" / "test")]
    tokens = np.concatenate([item["input_ids"].ravel() for item in items])
    assert table_sizes(path)["input_ids"] == VOCABULARY
    assert len(np.unique(tokens)) > 40 and tokens.min() >= 0 and tokens.max() < VOCABULARY
    assert max(item["input_ids"].shape[1] for item in items) <= PLACES
    for item in items:
        length = item["input_ids"].shape[1]
        assert (item["attention_mask"] == 1).all() and (item["token_type_ids"] == 0).all()
        assert item["position_ids"].tolist() == [list(range(length))] and item["position_ids"].dtype.kind == "i"


def test_what_is_given_is_taken(tmp_path, opened):
    # Given tokens with a mask of their own / Then that mask goes in, and the rest is filled in
    _, folder = opened(reader(tmp_path / "m.onnx"))
    feeds = load_pipeline(folder).feeds_from({"input_ids": np.array([5, 6, 0]), "attention_mask": np.array([1, 1, 0])})
    assert feeds["attention_mask"].tolist() == [[1, 1, 0]] and feeds["position_ids"].tolist() == [[0, 1, 2]]
