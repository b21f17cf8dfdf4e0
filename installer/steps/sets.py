"""Choose among three sets of packages that are never mixed: the base and two sets for NVIDIA GPUs.

`onnxruntime` and `onnxruntime-gpu` own the same folder. The set "rtx" adds a provider to the base's `onnxruntime`. The
set "cuda" replaces it with `onnxruntime-gpu` and has PyTorch with CUDA. Sources: support matrix of TensorRT for RTX
(GeForce RTX 30, 40, 50 and related GPUs), release notes of CUDA 13 (Turing, 7.5, and later).
"""

from pathlib import Path

from app import programs
from steps.environment import clean_environment, distributions, name_of
from steps.lockfile import Pin, read
from steps.machine import OLDEST_CUDA, WHEELS, Machine
from steps.place import Place
from steps.words import SetupError, print_line

NAMES = ("none", "rtx", "cuda")
"""Values of `--gpu`; "none" is the base alone."""

OLDEST_CAPABILITY = (7, 5)
RTX_CAPABILITIES = ((8, 6), (8, 9))
RTX_FROM = (12, 0)

BASE, GPU = "onnxruntime", "onnxruntime-gpu"
PLUGIN = "onnxruntime-ep-nv-tensorrt-rtx-cu13"
OWN = {"none": (BASE,), "rtx": (BASE, PLUGIN, "tensorrt-rtx-cu13-bindings", "tensorrt-rtx-cu13-libs"), "cuda": (GPU,)}
"""The packages that identify a set; those of the other sets are removed."""

TORCH = ("torch", "torchvision")
"""PyTorch's packages, which must have the same build."""

PLUGIN_MODULE = "onnxruntime_ep_nv_tensorrt_rtx"
TITLES = {
    "none": "the base set, for the processor",
    "rtx": "the set “rtx”, for GeForce RTX cards (TensorRT for RTX)",
    "cuda": "the set “cuda” (CUDA and cuDNN)",
}


def fits_rtx(capability: tuple[int, int]) -> bool:
    """Return whether TensorRT for RTX supports a compute capability."""
    return capability in RTX_CAPABILITIES or capability >= RTX_FROM


def choose(machine: Machine, requested: str | None) -> tuple[str, str]:
    """Return the set for this machine, the `requested` one or else the set that fits its GPUs, and why ("" for none).

    Raises:
        SetupError: if the chosen set is not available for this machine.
    """
    why_not = _why_not(machine)
    if requested is not None and requested != "none":
        if why_not and (machine.system, machine.processor) not in WHEELS:
            raise SetupError(why_not, "Fettle works without it.")
        return requested, f"You chose {TITLES[requested]}." + (f" {why_not}" if why_not else "")
    if requested == "none":
        return "none", f"You chose {TITLES['none']}." if machine.cuda is not None else ""
    if machine.cuda is None:
        return "none", ""
    if why_not:
        return "none", why_not
    return _by_cards(machine)


def _by_cards(machine: Machine) -> tuple[str, str]:
    """Return the one set that fits all GPUs: "cuda" supports every GPU that "rtx" supports."""
    cards = machine.capabilities
    report = ", ".join(f"{major}.{minor}" for major, minor in cards)
    if cards and all(map(fits_rtx, cards)):
        return "rtx", f"An NVIDIA GPU was found (compute capability {report}): taking {TITLES['rtx']}."
    if not cards or any(capability >= OLDEST_CAPABILITY for capability in cards):
        about = f" (compute capability {report})" if report else ""
        return "cuda", f"An NVIDIA GPU was found{about}: taking {TITLES['cuda']}."
    return "none", f"The NVIDIA GPU here (compute capability {report}) is too old for CUDA 13, which needs 7.5."


def _why_not(machine: Machine) -> str:
    """Return why no GPU set runs here; "" if one does or if there is no GPU."""
    if (machine.system, machine.processor) not in WHEELS:
        return "There are no builds for NVIDIA GPUs on this kind of computer: the processor does the work."
    if machine.cuda is not None and machine.cuda < OLDEST_CUDA:
        cuda = f"{machine.cuda[0]}.{machine.cuda[1]}"
        return (
            f"The NVIDIA driver here runs CUDA up to {cuda}; {OLDEST_CUDA[0]}.{OLDEST_CUDA[1]} (driver 580) is needed, "
            "so the processor does the work until the driver is updated."
        )
    return ""


def pins_of(name: str, base: list[Pin], place: Place) -> list[Pin]:
    """Return the pins of a set: those of the base, except for packages that the set has in another build.

    The set "rtx" is the base with a folder of its own beside it (steps/folders.py).
    """
    if name != "cuda":
        return base
    added = read([place.root / "installer" / f"requirements-{name}.lock"])
    gone = {pin.name for pin in added} | {BASE}
    return [pin for pin in base if pin.name not in gone] + added


def unwanted(name: str, there: set[str]) -> list[str]:
    """Return the installed packages that must be removed before a set is installed.

    If two packages that own one folder are both installed, both are removed, because each overwrote files of the other.
    """
    own = set(OWN[name])
    foreign = {package for packages in OWN.values() for package in packages} - own
    go = foreign & there
    if {BASE, GPU} <= there or (go & {BASE, GPU}):
        go |= {BASE, GPU} & there
    return sorted(go)


def requested_set(place: Place) -> str | None:
    """Return the set that the user chose last; None if the installer chooses."""
    try:
        name = place.gpu_choice.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return name if name in NAMES else None


def remember(place: Place, name: str) -> None:
    """Save the set for all later set-ups of this clone."""
    place.venv.mkdir(parents=True, exist_ok=True)
    place.gpu_choice.write_text(name + "\n", encoding="ascii")


def processor_builds(place: Place) -> list[str]:
    """Return PyTorch's installed packages in their CPU build, which has the same version without CUDA."""
    return [name_of(path) for path in distributions(place) if name_of(path) in TORCH and "+cpu" in path.name]


def make_links(python: Path, site: Path) -> None:
    """Import the provider of TensorRT for RTX once, so that it creates the links next to its libraries in `site`.

    It creates them at its first import, and sandboxed worker processes cannot write there.
    """
    folder = site / PLUGIN_MODULE
    if not folder.is_dir():
        return
    code = f"import sys; sys.path.append({str(site)!r}); import {PLUGIN_MODULE}"
    run = programs.run([python, "-c", code], clean_environment(), site)
    if run.returncode != 0 or not _has_links(folder):
        last = (run.stdout.strip().splitlines() or ["it made no links"])[-1]
        print_line(f"TensorRT for RTX could not be prepared: {last}")
        print_line("Try again; until then the processor does the work.")


def _has_links(folder: Path) -> bool:
    """Return whether each library on Linux has the link with its short name."""
    versioned = [path for path in folder.glob("libtensorrt*_rtx.so.*.*") if not path.is_symlink()]
    return all((folder / f"{path.name.partition('.so.')[0]}.so.1").exists() for path in versioned)
