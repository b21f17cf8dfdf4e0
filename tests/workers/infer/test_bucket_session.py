"""Programs for a few text lengths answer what the model answers at the text's own length."""

import numpy as np
import pytest

from workers.contracts.errors import InputRefused
from workers.measure.opening import open_session

OWN = {"pads": {"input_ids": 7, "attention_mask": 0}, "outputs": {"h": [1]}, "lengths": [4, 8, 16], "common": [8]}


def texts(rows: int, tokens: int) -> dict[str, np.ndarray]:
    ids = np.random.default_rng(tokens).integers(1, 50, size=(rows, tokens))
    return {"input_ids": ids, "attention_mask": np.ones((rows, tokens), np.int64)}


@pytest.mark.parametrize(("rows", "tokens"), [(1, 3), (1, 4), (1, 9), (1, 16), (3, 5), (2, 8), (1, 40), (2, 40)])
def test_every_number_and_length_of_texts_is_answered_alike(rows: int, tokens: int, make_small) -> None:
    """Given shorter, equal and longer texts than any program's, one or several, Then shapes and values are the model's."""
    small = make_small("texts")
    plain = open_session(small.folder, "onnxruntime-cpu", {}, 1).run(texts(rows, tokens))
    session = open_session(small.folder, "openvino", {"buckets": OWN}, 1)
    for _ in range(2):
        answers = session.run(texts(rows, tokens))
        for name, values in plain.items():
            assert answers[name].shape == values.shape and answers[name].dtype == values.dtype
            np.testing.assert_allclose(answers[name], values, atol=1e-4)
    session.close()


def test_programs_are_made_when_they_are_needed(make_small) -> None:
    """Given one common length, Then only its program is there at the start, and each other one is made once."""
    session = open_session(make_small("texts").folder, "openvino", {"buckets": OWN}, 1)
    assert set(session._programs) == {8}
    for tokens in (3, 4, 3, 20, 30):
        session.run(texts(1, tokens))
    assert set(session._programs) == {8, 4, None}


def test_padding_of_earlier_requests_is_cleared(make_small) -> None:
    """Given a long text and then a short one in the same program, Then the short one's padding is clean."""
    small = make_small("texts")
    session = open_session(small.folder, "openvino", {"buckets": OWN}, 1)
    fresh = open_session(small.folder, "openvino", {"buckets": OWN}, 1).run(texts(1, 5))["logits"]
    session.run(texts(1, 8))
    np.testing.assert_array_equal(session.run(texts(1, 5))["logits"], fresh)


def test_wrong_feeds_and_settings_are_refused(make_small) -> None:
    small = make_small("texts")
    session = open_session(small.folder, "openvino", {"buckets": OWN}, 1)
    short = texts(1, 5)["attention_mask"]
    for feeds in ({}, {"input_ids": short}, {"input_ids": short, "attention_mask": short[:, :3]}):
        with pytest.raises(ValueError, match="takes the inputs"):
            session.run(feeds)
    for own in ({}, {**OWN, "nonsense": 1}, {**OWN, "lengths": 8}):
        with pytest.raises(InputRefused, match="setting"):
            open_session(small.folder, "openvino", {"buckets": own}, 1)
