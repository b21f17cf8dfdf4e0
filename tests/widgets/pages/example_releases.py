"""Example values of the pages Releases, Graphics cards and Chat. Loaded after `examples`, whose names it joins."""

from dataclasses import replace
from datetime import UTC, datetime

from widgets.pages.chat.value import Versions
from widgets.pages.gpu.value import GpuValue, PlaceValue
from widgets.pages.releases.value import ReleasesValue, ReleaseValue
from widgets.parts.installing.value import InstallingValue, SetValue
from widgets.parts.small import CheckValue
from workers.contracts.after.chatting import ChatPiece
from workers.contracts.decisions import Decision
from workers.contracts.gpu import NOT_TRIED, TriedRung

NOVEMBER = datetime(2026, 11, 3, 12, 26, tzinfo=UTC)


def releases() -> ReleasesValue:
    """Three: the current one, the one before it, and one whose bundle was removed."""
    after = (("Median time", "2.4 ms", "2.0 ms"), ("Model's size", "1.3 MB", "0.4 MB"), ("Accuracy", "", "95.5 %"))
    first = tuple((name, "", value) for name, _, value in after)
    made = tuple(
        ReleaseValue(
            number=number,
            title="INT8",
            target="Service",
            state=state,
            at=NOVEMBER,
            size_bytes=2_700_000,
            changed=changed,
            change="Compared with the release before: 2 of 336 answers changed.",
            file_name="clothes.zip",
            sha256="fd593cf498e4cb70fbffe0cacf86bcdcf5921f01d595d23f48ba5ba67386a776",
            switch=switch,
            figures=after if number > 1 else first,
        )
        for number, state, changed, switch in (
            (3, "current", "2 changed", "python serve.py --switch FOLDER"),
            (2, "previous", "all the same", ""),
            (1, "removed", "the first one", ""),
        )
    )
    entry = Decision(number=2, at=NOVEMBER.isoformat(), who="ada", kind="released", why="the shop's new pictures")
    decisions = ((entry, "made release 3 instead of 2"),)
    log = CheckValue("ok", "A diary of 2 entries, each as it was written.")
    return ReleasesValue("Clothes classifier", made, decisions, log, old=1, old_bytes=2_700_000)


def first_release() -> ReleasesValue:
    """One alone, with nothing before it."""
    all_of_them = releases()
    return ReleasesValue(all_of_them.project, all_of_them.releases[-1:], (), all_of_them.log)


def ladders() -> GpuValue:
    """A computer whose driver is too old, and a card that was not tried."""
    driver = TriedRung(
        id="driver",
        title="Driver",
        ok=False,
        found="Version 470.57",
        reason="It is older than these libraries need (525.60).",
        hint="Install a newer driver, then check again.",
        command="sudo apt install nvidia-driver-580",
    )
    nodes = TriedRung(id="nodes", title="Device nodes", ok=True, found="/dev/nvidia0")
    product = TriedRung(id="product", title="A product", ok=False, code=NOT_TRIED)
    computer = PlaceValue("This computer", "Linux", (nodes, driver))
    card = PlaceValue("NVIDIA GeForce RTX 4090", "GPU-1", (product,), "Work on it")
    return GpuValue("One thing is to be mended", "The driver is too old.", (computer, card))


def mendable_ladder() -> GpuValue:
    """A card whose packages are missing, which the installer mends."""
    packages = TriedRung(
        id="packages",
        title="Packages for the card",
        ok=False,
        found="onnxruntime 1.32.0",
        reason="Only the base set is installed, which uses the processor alone.",
        hint="Install the set “rtx” for this card.",
        installs="rtx",
    )
    cuda = TriedRung(id="cuda", title="CUDA starts", ok=True, found="It starts.")
    card = PlaceValue("NVIDIA GeForce RTX 4090", "GPU-1", (cuda, packages))
    title, below = "The graphics card cannot be used yet", "Fix the first red line below, then check again."
    return GpuValue(title, below, (card,), sets={"rtx": SetValue("rtx", 242_000_000)})


def installing_ladder() -> GpuValue:
    """In the middle of a download."""
    at_work = InstallingValue("Downloading: 2 of 3 41 MB of 95 MB", 2 / 3, "12 s")
    return replace(mendable_ladder(), sets={"rtx": SetValue("rtx", 242_000_000, at_work)})


def chat_versions() -> tuple[Versions, str]:
    """Two versions that can be compared with the original."""
    return (("int8", "INT8 weights"), ("bf16", "BF16")), "int8"


def speed() -> ChatPiece:
    """Of one answer."""
    return ChatPiece(tokens=41, first_ms=180.0, tokens_per_s=23.5)
