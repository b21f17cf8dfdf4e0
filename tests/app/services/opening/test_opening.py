"""Test opening a model with real workers, refused models, and the kind of a path by its names."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from flows import go
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from app.cli.output import Globals
from app.cli.session import workspace
from app.jobs.outcome import CrashCause, Crashed, explain
from app.services.flow.steps import JobError
from app.services.flow.workspace import Workspace
from app.services.opening.opening import TRIED, OpenedModel, ReadData, as_refusal, open_model, read_data
from app.services.opening.sniffing import LOG_FILE, MAX_FOLDERS, Kind, is_log, kind_of
from workers.contracts.jobs import DataParams, OpenParams
from workers.contracts.paths import to_text
from workers.contracts.process.messages import StageLimit

LABELS = ["cat", "dog", "cow", "owl"]


@pytest.fixture(scope="module")
def space(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with workspace(Globals(data_dir=tmp_path_factory.mktemp("opening") / "home"), writes=True) as opened:
        yield opened


def save(path: Path) -> Path:
    """Write a model with pictures of 3×8×8 as input and logits of four classes as output."""
    path.parent.mkdir(parents=True, exist_ok=True)
    weights = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["picture"], ["p"]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("MatMul", ["f", "w"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("picture", TensorProto.FLOAT, ["n", 3, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(weights, "w")],
    )
    onnx.save_model(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def opened(space: Workspace, path: Path) -> OpenedModel:
    return go(space, open_model(OpenParams(path=to_text(path))))


def read(space: Workspace, model: OpenedModel, path: Path) -> ReadData:
    return go(space, read_data(DataParams(model_dir=str(model.folder), path=to_text(path))))


def odd(folder: Path, name: bytes) -> Path:
    """Return a path whose name has bytes that are no text."""
    return Path(os.fsdecode(os.fsencode(folder) + b"/" + name))


def classes(model: OpenedModel) -> str:
    return (model.folder / "pipeline.json").read_text(encoding="utf-8")


def test_companions_of_a_model_are_part_of_its_key(space: Workspace, tmp_path: Path) -> None:
    """Given the same model file, When its labels, preparation or license change, Then it is opened anew; otherwise the
    cached result is used."""
    path = save(tmp_path / "model.onnx")
    first = opened(space, path)
    assert opened(space, path).key == first.key
    (tmp_path / "labels.txt").write_text("\n".join(LABELS))
    named = opened(space, path)
    assert named.key != first.key
    assert '"owl"' in classes(named)
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": [0.1, 0.2, 0.3], "image_std": [1, 1, 1]}')
    prepared = opened(space, path)
    assert prepared.result.info.preprocessing["mean"] == [0.1, 0.2, 0.3]
    (tmp_path / "LICENSE").write_text("Mozilla Public License, version 2.0")
    assert opened(space, path).result.info.license == "MPL-2.0"
    (tmp_path / "LICENSE").unlink()
    (tmp_path / "holiday.jpg").write_bytes(b"nothing of the model's")
    (tmp_path / "download.json").write_text('{"state": "done", "bytes": 100}')
    (tmp_path / "notes.txt").write_text("buy milk")
    assert opened(space, path).key == prepared.key


def test_companions_above_a_hub_folder_count(space: Workspace, tmp_path: Path) -> None:
    """Given onnx/model.onnx with a preparation in the folder above, Then that is read, and a change gives another
    key."""
    path = save(tmp_path / "onnx" / "model.onnx")
    keys, above = set(), tmp_path / "preprocessor_config.json"
    for mean in (0.25, 0.5):
        above.write_text(f'{{"image_mean": [{mean}, {mean}, {mean}], "image_std": [1, 1, 1]}}')
        model = opened(space, path)
        assert model.result.info.preprocessing["mean"] == [mean] * 3
        keys.add(model.key)
    assert len(keys) == 2


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_a_name_that_is_no_text_opens(space: Workspace, tmp_path: Path) -> None:
    """Given names of a file and of a folder with bytes that are no UTF-8, Then the model opens."""
    path = odd(tmp_path, b"f\xfd/m\xff.onnx")
    path.parent.mkdir()
    shutil.copyfile(save(tmp_path / "ok.onnx"), path)
    (path.parent / "labels.txt").write_text("\n".join(LABELS))
    model = opened(space, path)
    assert model.result.info.format == "onnx"
    assert '"owl"' in classes(model)


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_data_of_names_that_are_no_text_are_read(space: Workspace, tmp_path: Path) -> None:
    """Given a folder and pictures whose names have bytes that are no UTF-8, Then all are read, and so is a file of
    arrays."""
    model = opened(space, save(tmp_path / "model.onnx"))
    plain, strange = tmp_path / "plain", odd(tmp_path, b"f\xfe")
    for folder in (plain, strange):
        folder.mkdir()
    for number in range(12):
        pixels = np.random.default_rng(number).integers(0, 255, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(plain / f"{number}.png")
        shutil.copyfile(plain / f"{number}.png", odd(strange, b"%d\xff.png" % number))
    found = [read(space, model, folder) for folder in (plain, strange)]
    assert [data.result.n_items for data in found] == [12, 12]
    assert [data.result.unreadable for data in found] == [(), ()]
    np.savez(tmp_path / "plain.npz", picture=np.ones((12, 3, 8, 8), np.float32) * np.arange(12).reshape(12, 1, 1, 1))
    shutil.copyfile(tmp_path / "plain.npz", odd(tmp_path, b"s\xff.npz"))
    assert read(space, model, odd(tmp_path, b"s\xff.npz")).result.n_items == 12


def refused(reason: CrashCause) -> JobError:
    """Return the error of a worker that ended for `reason` while it opened the model."""
    stage = StageLimit(what="trying the model out", seconds=6)
    return as_refusal(JobError(*explain(Crashed(1, None, "its log", reason, stage))), Path("/tmp/my model.onnx"))


@pytest.mark.parametrize(
    ("reason", "code"),
    [(reason, "took_too_long") for reason in ("stage_time", "wall_time", "cpu_time")]
    + [("memory", "out_of_memory")]
    + [(reason, "library_crashed") for reason in ("crash", "abort", "exit", "protocol")],
)
def test_end_caused_by_the_file_is_a_refusal(reason: CrashCause, code: str) -> None:
    """Given a worker that ended because of the file, Then exit code 3 with the file's name and advice to ask the
    author."""
    error = refused(reason)

    assert (error.error.code, error.exit_code) == (code, 3)
    assert "my model.onnx" in error.error.detail
    assert "The job" not in error.error.detail
    assert "author" in error.error.hint
    assert error.error.traceback == "its log"
    assert code in TRIED


def test_refusal_after_a_stage_limit_names_stage_and_time() -> None:
    """Given a first run without end, Then the error names the stage and its time."""
    assert refused("stage_time").error.detail.startswith("Fettle was still trying the model out after 6 s, so that was")


@pytest.mark.parametrize("reason", ["killed", "start"])
def test_end_caused_by_the_computer_is_no_refusal(reason: CrashCause) -> None:
    """Given a worker that was killed from outside or never started, Then the file is not blamed."""
    assert refused(reason).exit_code == 1


def test_refusal_replaces_unprintable_characters() -> None:
    """Given characters that change the direction or break the line, Then they are replaced."""
    error = JobError(*explain(Crashed(-11, "SIGSEGV", "", "crash")))
    assert as_refusal(error, Path("a\u202e\nb\udcff.onnx")).error.detail.isprintable()


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        (["a.onnx"], "model"),
        (["config.json", "model.safetensors"], "model"),
        (["cats/1.png", "dogs/2.png"], "data"),
        (["a.onnx", "1.png"], "both"),
        ([], "model"),
    ],
)
def test_kind_of_a_folder_follows_its_files(tmp_path: Path, names: list[str], kind: Kind) -> None:
    """Given a folder, Then its kind follows from the names of its files; an empty one counts as a model."""
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert kind_of(tmp_path) == kind


@pytest.mark.parametrize(("name", "kind"), [("a.onnx", "model"), ("a.png", "data"), ("a.csv", "data"), ("a", "model")])
def test_kind_of_a_file_follows_its_suffix(tmp_path: Path, name: str, kind: Kind) -> None:
    """Given a file, existing or not, Then its kind follows from its suffix."""
    assert kind_of(tmp_path / name) == kind


def test_kind_of_a_large_folder_is_found_from_few_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given many folders with a picture each, Then few of them are listed."""
    for number in range(MAX_FOLDERS + 50):
        (tmp_path / f"class {number}").mkdir()
        (tmp_path / f"class {number}" / "1.png").touch()
    listed, scandir = [], os.scandir
    monkeypatch.setattr(os, "scandir", lambda path: listed.append(path) or scandir(path))
    assert kind_of(tmp_path) == "data"
    assert 1 < len(listed) <= 1 + MAX_FOLDERS


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="a system without pipes in folders")
@pytest.mark.parametrize("name", ["model.onnx", LOG_FILE])
def test_is_log_does_not_open_a_pipe(tmp_path: Path, name: str) -> None:
    """Given a pipe that nobody writes to, Then it is no log, and is not opened."""
    os.mkfifo(tmp_path / name)
    assert not is_log(tmp_path / name) and not is_log(tmp_path)
