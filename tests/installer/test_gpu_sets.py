"""Three sets of packages: which one a machine gets, what it holds, and how a mix is put right."""

import json
import sys
from pathlib import Path

import pytest
from steps import gpu_libs, lockfile, sets, words
from steps.command import split_gpu
from steps.cost import cost, missing
from steps.lockfile import Pin, parse
from steps.machine import Machine
from steps.place import Place, fingerprint
from steps.words import SetupError

from workers.contracts.gpu import fitting_set

ROOT = Path(__file__).parents[2]
PINS = parse("numpy==2.4.6\nonnxruntime==1.32.0  # download 27 installed 80\ntorch>=2.9,<2.14\n")
RTX, CUDA = ((8, 9),), ((9, 0),)


def linux(cuda: tuple[int, int] | None = (13, 0), cards: tuple[tuple[int, int], ...] = ()) -> Machine:
    return Machine("linux", "x86_64", cuda, cards)


@pytest.mark.parametrize(
    ("machine", "requested", "chosen"),
    [
        (linux(None), None, "none"),
        (linux(cards=RTX), None, "rtx"),
        (linux(cards=((12, 0), (8, 6))), None, "rtx"),
        (linux(cards=CUDA), None, "cuda"),
        (linux(cards=((8, 9), (9, 0))), None, "cuda"),
        (linux(cards=((7, 5),)), None, "cuda"),
        (linux(cards=((7, 0),)), None, "none"),
        (linux(), None, "cuda"),
        (linux((12, 8), RTX), None, "none"),
        (Machine("win32", "amd64", (13, 0), RTX), None, "rtx"),
        (Machine("linux", "aarch64", (13, 0), RTX), None, "none"),
        (Machine("darwin", "arm64"), None, "none"),
        (linux(cards=RTX), "cuda", "cuda"),
        (linux(cards=RTX), "none", "none"),
        (linux(None), "cuda", "cuda"),
    ],
)
def test_the_set_of_a_machine(machine: Machine, requested: str | None, chosen: str) -> None:
    """Given a machine and a person's choice, then one set is chosen; where there is a card, a sentence gives the reason."""
    name, why = sets.choose(machine, requested)
    assert name == chosen
    assert bool(why) == (machine.cuda is not None or requested is not None)


def test_what_cannot_be_had_is_refused() -> None:
    """Given a kind of computer without builds, then a set for GPUs is refused, and nothing is kept of it."""
    with pytest.raises(SetupError):
        sets.choose(Machine("linux", "aarch64", (13, 0), RTX), "cuda")


def test_old_driver_names_its_version_and_the_needed_one() -> None:
    """Given a driver for CUDA 12.4, then both numbers are shown."""
    why = sets.choose(linux((12, 4), RTX), None)[1]
    assert "12.4" in why and "13.0" in why and "580" in why


def names(pins: list[Pin]) -> list[str]:
    return [pin.name for pin in pins]


@pytest.mark.parametrize("name", sets.NAMES)
def test_exactly_one_onnx_runtime(name: str) -> None:
    """Given any set, then one of the two that own the same folder is in it; the base's other pins stay."""
    pins = sets.pins_of(name, PINS, Place(ROOT))
    assert [pin for pin in names(pins) if pin in (sets.BASE, sets.GPU)] == [sets.OWN[name][0]]
    assert names(pins).count("torch") == 1 and "numpy" in names(pins)
    if name != "cuda":
        assert pins == PINS, "the base is untouched"


def test_cublas_and_cudnn_are_pinned_and_weighed() -> None:
    """Given the set with CUDA, then each of its libraries has one version, and its size is known before it is fetched."""
    pins = {pin.name: pin for pin in sets.pins_of("cuda", PINS, Place(ROOT))}
    for name in ("nvidia-cublas", "nvidia-cudnn-cu13", "onnxruntime-gpu"):
        assert "==" in pins[name].requirement and pins[name].download_bytes > 1e8
    assert sum(pin.download_bytes for pin in pins.values()) > 2e9


@pytest.mark.parametrize(
    ("name", "there", "go"),
    [
        ("none", {"onnxruntime", "numpy"}, []),
        ("none", {"onnxruntime-gpu"}, ["onnxruntime-gpu"]),
        ("cuda", {"onnxruntime"}, ["onnxruntime"]),
        ("cuda", {"onnxruntime", "onnxruntime-gpu"}, ["onnxruntime", "onnxruntime-gpu"]),
        ("none", {"onnxruntime", "onnxruntime-gpu"}, ["onnxruntime", "onnxruntime-gpu"]),
        ("cuda", {"onnxruntime", sets.PLUGIN}, ["onnxruntime", sets.PLUGIN]),
        ("rtx", {"onnxruntime-gpu", sets.PLUGIN}, ["onnxruntime-gpu"]),
        ("rtx", {"onnxruntime", sets.PLUGIN}, []),
    ],
)
def test_a_mix_is_taken_apart(name: str, there: set[str], go: list[str]) -> None:
    """Given installed packages, then those of another set are removed, and of two that share a folder both are."""
    assert sets.unwanted(name, there) == sorted(go)


@pytest.mark.parametrize(
    ("arguments", "gpu_set", "rest"),
    [
        (["--gpu", "cuda"], "cuda", []),
        (["--gpu=rtx", "describe"], "rtx", ["describe"]),
        (["describe", "--gpu", "x"], None, ["describe", "--gpu", "x"]),
        ([], None, []),
    ],
)
def test_the_option(arguments: list[str], gpu_set: str | None, rest: list[str]) -> None:
    """Given a command line, then --gpu counts at its beginning; all else is the program's."""
    assert split_gpu(arguments) == (gpu_set, rest)


@pytest.mark.parametrize("arguments", [["--gpu"], ["--gpu", "amd"], ["--gpu="], ["--gpus", "cuda"]])
def test_unknown_set_is_refused(arguments: list[str]) -> None:
    """Given another word, then the message names the three sets."""
    with pytest.raises(SetupError) as refused:
        split_gpu(arguments)
    assert "rtx" in refused.value.what


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Return a set-up's place that contains the locks alone."""
    (tmp_path / "installer").mkdir()
    for file in (ROOT / "installer").glob("*.lock"):
        (tmp_path / "installer" / file.name).write_bytes(file.read_bytes())
    return Place(tmp_path)


def test_a_choice_is_kept_and_counts(place: Place) -> None:
    """Given a chosen set, then it is read back, and a set-up that was finished without it is done again."""
    before = fingerprint(place, "program")
    assert sets.requested_set(place) is None
    sets.remember(place, "rtx")
    assert sets.requested_set(place) == "rtx"
    assert fingerprint(place, "program") != before


@pytest.mark.parametrize("capability", [(7, 0), (7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (10, 0), (12, 0), (12, 1)])
def test_installer_and_doctor_agree(capability: tuple[int, int]) -> None:
    """Given a card, then the set that the doctor names is the one that the installer takes."""
    assert sets.choose(linux(cards=(capability,)), None)[0] == fitting_set("{}.{}".format(*capability))


def test_processor_builds_are_distinguished_from_card_builds(tmp_path: Path) -> None:
    """Given PyTorch's packages as pip notes them, then only those are to be replaced that have no CUDA in them."""
    place = Place(tmp_path)
    for name in ("torch-2.13.0+cpu", "torchvision-0.28.0", "numpy-2.4.6+cpu"):
        (place.site_packages / f"{name}.dist-info").mkdir(parents=True)
    assert sets.processor_builds(place) == ["torch"]


@pytest.mark.parametrize(
    ("arguments", "is_wanted"),
    [
        ([], False),
        (["-k", "gpu_libs"], False),
        (["-m", "slow"], False),
        (["-m"], False),
        (["-m", "gpu_libs"], True),
        (["-x", "-mgpu_libs"], True),
    ],
)
def test_nvidia_libraries_are_fetched_only_for_their_mark(arguments: list[str], is_wanted: bool) -> None:
    """Given pytest's arguments, usually none, then only the mark itself requests the libraries."""
    assert gpu_libs.wanted(arguments) is is_wanted


def test_what_a_set_would_bring(place: Place) -> None:
    """Given the base, then the set "rtx" counts its folder by the lock's sizes, and the base if another build is there;
    of a set whose packages go first, these count, and packages for another system do not."""
    site, root = place.site_packages, place.sets
    base = {pin.name: pin for pin in lockfile.read(place.locks("program"))}["onnxruntime"]
    (site / f"onnxruntime-{base.version}.dist-info").mkdir(parents=True)
    own = lockfile.read([place.root / "installer" / "requirements-rtx.lock"])
    assert missing(place, "rtx") == []
    report = cost(place, "rtx", root)
    assert report["packages"] == 3 and report["download_bytes"] == sum(pin.download_bytes for pin in own)
    assert cost(place, "none", root)["packages"] == 0
    names = {pin.name for pin in missing(place, "cuda")}
    assert "onnxruntime-gpu" in names and "numpy" not in names and "onnxruntime" not in names
    assert ("torch" in names) == (sys.platform == "linux")
    next(site.iterdir()).rename(site / "onnxruntime_gpu-1.31.1.dist-info")
    assert cost(place, "rtx", root)["packages"] == 4


def test_its_window_gets_objects(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Given the variable that Fettle's window sets, then lines, progress and a failure are objects on stderr."""
    monkeypatch.setenv(words.AS_JSON, "1")
    words.print_line("A line")
    progress = words.Progress()
    progress.show("Downloading", 1, 4, "2 MB")
    progress.show("Downloading", 2, 4)
    with pytest.raises(SetupError) as refused:
        split_gpu(["--gpu", "amd"])
    words.print_failure(refused.value)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert lines[:2] == [{"line": "A line"}, {"line": "Downloading: 1 of 4 2 MB", "done": 1, "total": 4}]
    assert "rtx" in lines[2]["what"] and set(lines[2]) == {"what", "hint", "code"}
