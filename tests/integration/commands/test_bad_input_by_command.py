"""Bad input through the command line: each a sentence with what to do next, the right exit code, nothing lost."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import answer_kinds
import command_models as small
import numpy as np
import pytest
from fettle_command import Fettle, Finished
from no_models import NO_MODELS, canary_of, pickled
from one_engine import write_preset
from PIL import Image
from run_text import run_text
from typer.main import get_command

from app.cli.commands import commands

TIDY = "- title: Tidy\n  settings: {num_threads: 1}\n  steps: [{technique: graph_optimize}]\n"


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Fettle:
    return Fettle(tmp_path_factory.mktemp("bad") / "home")


@pytest.fixture(scope="module")
def tidy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "tidy.yaml"
    path.write_text(TIDY)
    return path


@pytest.fixture(scope="module")
def soon(tidy: Path) -> list[str | Path]:
    """Options of an optimization that is as short as can be: it opens the model, reads the data, and its time is up."""
    return ["--recipe", tidy, "--time-budget", "1", "--json"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small.picture_model(tmp_path_factory.mktemp("model") / "pictures.onnx")


@pytest.fixture(scope="module")
def run_id(workshop: Fettle, model: Path, soon: list[str | Path]) -> str:
    """A run that is over."""
    done = workshop.here("optimize", model, *soon)
    assert done.code in (0, 4), done.err
    return str(done.document["run_id"])


def check_refused(done: Finished, code: int = 3) -> dict[str, str]:
    """One JSON error, the same words on the last line of stderr, no traceback."""
    assert done.code == code, done.err
    error = done.error
    assert error["title"]
    assert error["detail"].endswith(".")
    assert error["hint"].rstrip(".")
    assert "Traceback" not in done.err + done.out
    assert error["title"].rstrip(".") in done.last_line
    assert error["hint"] in done.last_line
    return error


BY_A_PROGRAM = "böse.pkl"
"""As a person types it; the others run in this process."""


@pytest.mark.parametrize(("name", "write"), NO_MODELS, ids=[name for name, _ in NO_MODELS])
def test_unusable_model_is_refused(
    workshop: Fettle, tmp_path: Path, name: str, write: Callable[[Path], object]
) -> None:
    """Given a file that is no model, unsafe, broken or useless, then exit code 3 with a sentence, and no code has run."""
    path = tmp_path / name
    write(path)
    begin = workshop if name == BY_A_PROGRAM else workshop.here
    check_refused(begin("optimize", path, "--json"))
    assert not canary_of(path).exists()
    assert workshop.leftovers == []


def test_the_canary_sings(tmp_path: Path) -> None:
    """Given the pickle of the test above, When anybody unpickles it, Then its mark is there."""
    path = tmp_path / "böse.pkl"
    pickled(path)
    code = "import pickle, sys; pickle.load(open(sys.argv[1], 'rb'))"
    subprocess.run([sys.executable, "-I", "-c", code, path], check=True)
    assert canary_of(path).exists()


def test_torchscript_needs_consent(workshop: Fettle, tmp_path: Path) -> None:
    """Given TorchScript without --allow-code, then exit code 3, and the hint names the option."""
    import warnings

    import torch

    path = tmp_path / "skript.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.trace(torch.nn.Linear(4, 2), torch.zeros(1, 4)).save(str(path))
    error = check_refused(workshop.here("optimize", path, "--json"))
    assert "--allow-code" in error["hint"]


def test_what_is_not_there(workshop: Fettle, model: Path, tmp_path: Path) -> None:
    """Given names of nothing, then exit code 3, and no project is made for them."""
    gone = tmp_path / "weg.onnx"
    for arguments in (["optimize", gone], ["inspect", gone], ["bench", gone], ["verify", gone]):
        check_refused(workshop.here(*arguments, "--json"))
    error = check_refused(workshop.here("optimize", model, "--data", tmp_path / "keine", "--json"))
    assert "keine" in error["detail"]
    assert check_refused(workshop.here("compare", "nobody", "--json"))["code"] == "unknown_run"


@pytest.fixture
def broken_pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "kaputt"
    folder.mkdir()
    for number in range(12):
        (folder / f"{number}.png").write_bytes(b"no picture at all")
    return folder


def test_data_that_cannot_be_used(
    workshop: Fettle, model: Path, soon: list[str | Path], broken_pictures: Path, tmp_path: Path
) -> None:
    """Given pictures that cannot be decoded, or texts for a picture model, then exit code 3 with what to do."""
    texts = tmp_path / "texte.csv"
    texts.write_text("text,label\n" + "".join(f"some text {number},{number % 2}\n" for number in range(30)))
    empty_folder = tmp_path / "nichts"
    empty_folder.mkdir()
    for data in (broken_pictures, texts, empty_folder):
        check_refused(workshop.here("optimize", model, "--data", data, *soon))


DATA: list[tuple[str, int, tuple[str, ...], str]] = [
    ("wenige", 6, ("0", "1", "2"), "prove a loss below"),
    ("eine Klasse", 20, ("1",), "class"),
    ("fremde Namen", 24, ("Katze", "Hund"), "Katze"),
]


@pytest.mark.parametrize(("name", "count", "classes", "warning"), DATA[1:], ids=[row[0] for row in DATA[1:]])
def test_poor_labels_give_a_warning(
    workshop: Fettle, model: Path, soon: list[str | Path], tmp_path: Path, name: str, count: int, classes: tuple[str, ...], warning: str,
) -> None:  # fmt: skip
    """Given one class, or unknown labels, then they are used, and a warning names the defect."""
    done = workshop.here("optimize", model, "--data", small.pictures(tmp_path / name, count, classes), *soon)
    assert done.code in (0, 4), done.err
    assert warning in done.err


@pytest.mark.parametrize(
    ("name", "count", "classes", "warning"),
    [pytest.param(*row, id=row[0], marks=[pytest.mark.slow] * (row is not DATA[0])) for row in DATA],
)
def test_poor_data_is_used_with_a_warning(
    workshop: Fettle, model: Path, tidy: Path, tmp_path: Path, name: str, count: int, classes: tuple[str, ...], warning: str,
) -> None:  # fmt: skip
    """Given fewer than ten pictures, one class, or unknown labels, then nothing is called safe, and a warning gives the reason."""
    data = small.pictures(tmp_path / name, count, classes)
    done = workshop.here("optimize", model, "--data", data, "--recipe", tidy, "--time-budget", "150", "--json")
    assert done.code in (0, 4), done.err
    assert warning in done.err
    assert done.document["variants"], "in this time something could be called safe"
    assert {variant["verdict"] for variant in done.document["variants"]} <= {"not_enough_data", "unmeasured"}
    if name == "fremde Namen":
        assert done.document["baseline"]["accuracy"] is None


def test_broken_pictures_are_left_out_and_named(
    workshop: Fettle, model: Path, soon: list[str | Path], tmp_path: Path
) -> None:
    """Given two broken pictures among good ones, then the rest is used, and the two are reported."""
    data = small.pictures(tmp_path / "gemischt", 24)
    for name in ("a.png", "b.png"):
        (data / "0" / name).write_bytes(b"broken")
    done = workshop.here("optimize", model, "--data", data, *soon)
    assert done.code in (0, 4), done.err
    assert "a.png" in done.err


def test_masks_and_texts_that_do_not_fit_are_named(workshop: Fettle, soon: list[str | Path], tmp_path: Path) -> None:
    """Given a mask of another shape, the folder of pictures alone, and a list of sounds alone, Then the mask is named and
    its picture stays, the folder above is requested, and the list is refused with what to choose."""
    model = answer_kinds.colors(tmp_path / "model" / "gardens.onnx")
    gardens = answer_kinds.write_gardens(tmp_path / "gardens", 24)
    for mask in (gardens / "masks").iterdir():
        Image.new("L", (50, 50)).save(mask)
    done = workshop.here("optimize", model, "--data", gardens, *soon)
    assert done.code in (0, 4), done.err
    assert "50×50 ≠ 96×64" in done.err
    done = workshop.here("optimize", model, "--data", gardens / "images", *soon)
    assert done.code in (0, 4) and "The folder “masks” lies beside the pictures" in done.err
    sayings = answer_kinds.write_sayings(tmp_path / "said", 12)
    words = answer_kinds.tones(tmp_path / "words.onnx")
    error = check_refused(workshop.here("optimize", words, "--data", sayings / "manifest.jsonl", *soon))
    assert error["code"] == "list_alone" and "folder" in error["hint"]


def test_long_and_foreign_names(workshop: Fettle, soon: list[str | Path], tmp_path: Path) -> None:
    """Given a name of 255 bytes that is no ASCII, then the model is used, exported and verified like any other."""
    name = "模" * 83 + ".onnx"
    assert len(os.fsencode(name)) == 254
    path = small.picture_model(tmp_path / name)
    done = workshop.here("optimize", path, *soon)
    assert done.code in (0, 4), done.err
    out = tmp_path / ("ü" * 125 + "x.zip")
    assert len(os.fsencode(out.name)) == 255
    exported = workshop.here("export", done.document["run_id"], "--target", "python", "--out", out, "--json")
    assert exported.code == 0, exported.err
    assert workshop.here("verify", out).code == 0
    too_long = workshop.here("export", done.document["run_id"], "--target", "python", "--out", f"{out}p", "--json")
    assert check_refused(too_long)["code"] == "name_too_long"


@pytest.mark.skipif(sys.platform == "win32", reason="names are text there")
def test_a_name_that_is_no_text(workshop: Fettle, tmp_path: Path) -> None:
    """Given a name with bytes that are no UTF-8, then a model opens under it, and data are read; a file that is no data is
    refused in words."""
    path = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.onnx")
    model = small.picture_model(tmp_path / "ok.onnx")
    shutil.copyfile(model, path)
    assert workshop("inspect", path, "--json").document["format"] == "onnx"
    check_refused(workshop.here("optimize", model, "--data", path, "--json"))
    data = os.fsdecode(os.fsencode(tmp_path) + b"/data\xe9.npz")
    arrays = np.random.default_rng(1).normal(size=(20, 3, 16, 16)).astype(np.float32)
    np.savez(tmp_path / "ok.npz", picture=arrays)
    shutil.copyfile(tmp_path / "ok.npz", data)
    checked = workshop.here("data", "check", data, "--json")
    assert checked.code == 0, checked.err
    assert check_refused(workshop.here("verify", path, "--json"))["code"] == "name_no_text"


def test_a_model_that_takes_long(workshop: Fettle, tmp_path: Path) -> None:
    """Given a model whose requests take longer than the whole time allows, then the original is kept, in words."""
    path = small.slow_model(tmp_path / "langsam.onnx", rounds=120)
    done = workshop.here("optimize", path, "--recipe", write_preset(tmp_path), "--time-budget", "1", "--json")
    assert done.code == 4, done.err
    assert "time was up" in done.last_line
    assert done.document["recommended"] is None


def test_no_display(tmp_path: Path) -> None:
    """Given no display, when the window is requested, then exit code 6, and the commands are named."""
    hidden = {"DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"}
    fettle = Fettle(tmp_path / "home")
    env = {name: value for name, value in fettle.env.items() if name not in hidden}
    done = run_text([sys.executable, "-m", "app"], cwd=fettle.root, env=env)
    if sys.platform in ("win32", "darwin"):
        pytest.skip("there is always a display")
    assert done.returncode == 6
    listed = done.stderr.partition("fettle ")[2].partition(".")[0]
    named = {name.strip() for name in listed.split(",")}
    assert named >= set(get_command(commands).commands)
    assert "Traceback" not in done.stderr


# -- places that cannot be written --


def test_a_data_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """Given a file in the data folder's place, then exit code 6 and what to do."""
    (tmp_path / "file").write_text("mine")
    done = Fettle(tmp_path / "file").here("demo", "--json", "--out", tmp_path / "d.zip")
    assert "--data-dir" in check_refused(done, 6)["hint"]
    assert (tmp_path / "file").read_text() == "mine"


def test_a_full_disk(workshop: Fettle, run_id: str, model: Path, soon: list[str | Path], small_disk: Path) -> None:
    """Given a disk that is full, then a run and an export on it end with words, and an old bundle stays as it was."""
    filler = small_disk / "filler"
    out = small_disk / "alt.zip"
    out.write_bytes(b"an older bundle")
    with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
        while True:
            file.write(bytes(1 << 12))
    exported = workshop.here("export", run_id, "--target", "python", "--out", out, "--json")
    check_refused(exported)
    assert "old file is as it was" in exported.last_line
    assert out.read_bytes() == b"an older bundle"
    assert sorted(path.name for path in small_disk.iterdir()) == ["alt.zip", "filler"]
    full = Fettle(small_disk / "home").here("optimize", model, *soon)
    check_refused(full, 6)
    assert full.error["code"] == "disk_full"
    assert str(small_disk) in full.error["detail"]


@pytest.mark.parametrize("size_kb", [300, 700])
def test_a_disk_that_fills_up_on_the_way(
    model: Path, soon: list[str | Path], tmp_path: Path, small_disk: Path, size_kb: int
) -> None:
    """Given a disk with room for some of a run only, then it ends with the disk's name, what is free and exit code 6,
    and what reads the data folder afterwards lists no run that still goes on."""
    subprocess.run(["mount", "-o", f"remount,size={size_kb}k", str(small_disk)], check=True)
    fettle = Fettle(small_disk / "home")
    arrays = np.random.default_rng(1).normal(size=(120, 3, 16, 16)).astype(np.float32)
    np.savez(tmp_path / "pictures.npz", picture=arrays)
    done = fettle.here("optimize", model, "--data", tmp_path / "pictures.npz", *soon)
    check_refused(done, 6)
    assert done.error["code"] == "disk_full"
    assert str(small_disk) in done.error["detail"]
    assert "free" in done.error["detail"]
    subprocess.run(["mount", "-o", "remount,size=20m", str(small_disk)], check=True)
    states = [run["state"] for run in fettle.here("jobs", "--json").document["runs"]]
    assert set(states) <= {"failed", "interrupted"}


def test_a_disk_that_allows_reading_only(
    workshop: Fettle, model: Path, soon: list[str | Path], small_disk: Path, tmp_path: Path
) -> None:
    """Given a data folder on a disk that can only be read, then reading commands work, and writing answers 6."""
    fettle = Fettle(small_disk / "home")
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    done = fettle.here("optimize", model, *soon)
    assert done.code in (0, 4), done.err
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    again = fettle.here("compare", done.document["run_id"], "--json")
    assert again.code == done.code, again.err
    assert again.document["baseline"] == done.document["baseline"]
    assert fettle.here("jobs").code == 0
    assert fettle.here("inspect", model).code == 0
    check_refused(fettle.here("optimize", model, *soon), 6)
    run = done.document["run_id"]
    check_refused(fettle.here("export", run, "--target", "python", "--out", tmp_path / "x.zip", "--json"), 6)


def test_places_for_bundles_that_cannot_be(workshop: Fettle, run_id: str, tmp_path: Path) -> None:
    """Given a target in no folder, a folder as target, or a wrong kind of bundle, then words before any work is done."""
    folder = tmp_path / "ordner.zip"
    folder.mkdir()
    for out in (tmp_path / "keiner" / "x.zip", folder):
        check_refused(workshop.here("export", run_id, "--target", "python", "--out", out, "--json"))
    check_refused(workshop.here("export", run_id, "--target", "toaster", "--out", tmp_path / "x.zip", "--json"), 2)
    wrong = workshop.here(
        "export", run_id, "--target", "python", "--variant", "nobody", "--out", tmp_path / "x.zip", "--json"
    )
    assert check_refused(wrong)["code"] == "unknown_variant"
    check_refused(workshop.here("demo", "--out", tmp_path / "keiner" / "d.zip", "--json"))


def test_recipes_and_presets_that_are_wrong(workshop: Fettle, model: Path, tmp_path: Path) -> None:
    """Given a recipe file with a mistake, then its line is named; an unknown preset is wrong usage and names those known."""
    bad = tmp_path / "falsch.yaml"
    bad.write_text("- title: A\n  stepps: []\n")
    error = check_refused(workshop.here("optimize", model, "--recipe", bad, "--json"))
    assert "line 2" in error["detail"]
    assert "balanced" in check_refused(workshop.here("optimize", model, "--preset", "nope", "--json"), 2)["hint"]
    unknown = tmp_path / "technik.yaml"
    unknown.write_text("- title: A\n  steps: [{technique: magic}]\n")
    assert "magic" in check_refused(workshop.here("optimize", model, "--recipe", unknown, "--json"))["detail"]


def test_nan_in_the_data(workshop: Fettle, soon: list[str | Path], tmp_path: Path) -> None:
    """Given arrays that hold NaN, then the run ends with words, and the document holds no NaN."""
    nodes = [small.helper.make_node("MatMul", ["x", "w"], ["y"])]
    path = small.save(
        tmp_path / "m.onnx", nodes, [small.floats("x", "n", 8)], [small.floats("y", "n", 3)],
        [small.weights("w", 8, 3)],
    )  # fmt: skip
    buffer = io.BytesIO()
    np.savez(buffer, x=np.full((20, 8), np.nan, np.float32) + np.arange(20, dtype=np.float32)[:, None])
    data = tmp_path / "d.npz"
    data.write_bytes(buffer.getvalue())
    done = workshop.here("optimize", path, "--data", data, *soon)
    assert done.code in (0, 3, 4), done.err
    assert "NaN" not in done.out.replace("(NaN)", "")
    assert "Traceback" not in done.err
