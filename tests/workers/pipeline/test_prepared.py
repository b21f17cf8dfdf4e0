"""Store prepared inputs with dtype and shape of every item."""

import time

import numpy as np
import pytest

from workers.pipeline.prepared import Prepared, write_prepared


def test_prepared_items_of_different_sizes_are_read_back_equal(tmp_path):
    # Given items whose sizes differ, among them an empty one and a scalar
    rng = np.random.default_rng(0)
    items = [
        {"ids": rng.integers(0, 99, (1, n)), "mask": np.ones((1, n), bool), "x": rng.random((n, 2), np.float32),
         "sr": np.int64(n)}
        for n in (3, 0, 7)
    ]  # fmt: skip
    # When they are written and read
    assert write_prepared(tmp_path / "store", iter(items)) == 3
    read = Prepared(tmp_path / "store")
    # Then names, dtypes, shapes and values are the same
    assert len(read) == 3
    assert read.names == ("ids", "mask", "x", "sr")
    for want, got in zip(items, read, strict=True):
        for name, value in want.items():
            assert got[name].dtype == np.asarray(value).dtype
            assert got[name].shape == np.asarray(value).shape
            np.testing.assert_array_equal(got[name], value)
    np.testing.assert_array_equal(read[-1]["ids"], items[2]["ids"])
    with pytest.raises(IndexError):
        read[3]


def test_prepared_small_items_take_few_files_and_little_time(tmp_path):
    # Given 20,000 items / When they are written / Then three files an input are enough, and reading is quick
    value = np.arange(8, dtype=np.int64).reshape(1, 8)
    assert write_prepared(tmp_path, ({"x": value} for _ in range(20_000))) == 20_000
    assert len(list(tmp_path.iterdir())) == 4
    started = time.perf_counter()
    read = Prepared(tmp_path)
    assert sum(int(item["x"][0, 7]) for item in read) == 140_000
    assert time.perf_counter() - started < 5


def test_prepared_empty_store_can_be_read(tmp_path):
    assert write_prepared(tmp_path, []) == 0
    assert len(Prepared(tmp_path)) == 0
    assert list(Prepared(tmp_path)) == []


@pytest.mark.parametrize(
    "second",
    [{"y": np.zeros(2)}, {"x": np.zeros(2, np.float32)}, {"x": np.zeros((1, 2))}],
    ids=["name", "dtype", "axes"],
)
def test_prepared_item_that_does_not_fit_is_refused(tmp_path, second):
    with pytest.raises(ValueError, match=r"x|y"):
        write_prepared(tmp_path, [{"x": np.zeros(2)}, second])


def test_prepared_objects_are_never_written(tmp_path):
    with pytest.raises(ValueError, match="numbers"):
        write_prepared(tmp_path, [{"x": np.array([object()])}])
