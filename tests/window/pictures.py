"""Pictures of each page from the real program, to be looked at: light and dark, at three sizes of the window.

    python tests/window/pictures.py FOLDER [--sizes 1280 1024 3840] [--themes light dark] [--quick] [--compare FILE.png]

`--quick` leaves out what measures or tests again (load, stress, comparison, export): each page as the next start shows it.

`--compare` writes the page Compare of the sample (light, 1280×800) as a small palette PNG, as the README shows it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fixtures"))
sys.path.insert(0, str(Path(__file__).parent))

from rig import Program, Screen
from small_model import write_model, write_pictures

SIZES = ((1280, 800), (1024, 700), (3840, 2160))
PAGES = ("model", "data", "goal", "optimize", "compare", "try", "export", "jobs", "settings")
BY_ENTRY = ("Projects", "Releases", "Monitor", "Guide")


@contextmanager
def opened(home: Path, size: tuple[int, int], *files: str) -> Iterator[Program]:
    """The program on a screen of just this size, its window filling it; nobody puts a frame around it."""
    screen = Screen(f"{size[0]}x{size[1]}", managed=False)
    program = Program(screen, home, files=files)
    try:
        program.until_ready()
        window = focus(program)
        screen.do("windowmove", window, 0, 0)
        screen.do("windowsize", "--sync", window, *size)
        time.sleep(0.5)
        yield program
        program.keys("ctrl+q")
        program.process.wait(15)
    finally:
        program.end()
        screen.close()


def focus(program: Program) -> str:
    """Keys go to the window; nobody else sees to that here. Its number."""
    words = ("search", "--all", "--onlyvisible", "--pid", program.process.pid, "--name", "Fettle$")
    window = program.screen.do(*words).split()[0]
    program.screen.do("windowfocus", window)
    return window


def shoot(program: Program, out: Path, name: str) -> None:
    """What can be seen, without the pointer over anything."""
    focus(program)
    program.screen.do("mousemove", 4, 400)
    time.sleep(0.9)
    program.screen.picture(out / f"{name}.png")
    print(name)  # noqa: T201


def set_theme(home: Path, theme: str) -> None:
    """As the person would have chosen it."""
    file = home / "data" / "settings.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    file.write_text(json.dumps({**kept, "theme": theme, "window_geometry": ""}), encoding="utf-8")


def run_the_sample(home: Path, out: Path, size: tuple[int, int], tag: str) -> None:
    """First run, loading, the run itself."""
    with opened(home, size) as program:
        shoot(program, out, f"01-first-run-{tag}")
        program.press("Try the sample")
        program.until_page("goal", limit_s=90)
        program.press("Start (")
        program.until_page("optimize", "running")
        program.until(lambda view: "Measure the original: done" in view.texts or view.state != "running", 240, "a step")
        time.sleep(8)
        shoot(program, out, f"05-optimize-running-{tag}")
        program.until(lambda view: view.state in ("finished", "kept_original"), 300, "the end of the run")


def under_load(home: Path, out: Path, size: tuple[int, int], tag: str) -> None:
    """The page Under load: the question, then what was measured if it was (else it is left at the question)."""
    with opened(home, size) as program:
        look_closer(program, "Under load")
        program.until_page("load")
        shoot(program, out, f"25-load-{tag}")


def measure_load(home: Path, out: Path, tag: str) -> None:
    """Ten seconds for each part, once; later starts show the record."""
    with opened(home, SIZES[0]) as program:
        look_closer(program, "Under load")
        program.until_page("load", "ask")
        shoot(program, out, f"24-load-ask-{tag}")
        program.press("Start")
        program.until_page("load", "loading")
        time.sleep(5)
        shoot(program, out, f"24-load-running-{tag}")
        program.until(lambda view: view.page == "load" and view.state == "full", 900, "the end of the measurement")


def looked_closer(home: Path, out: Path, size: tuple[int, int], tag: str) -> None:
    """What changed in the recommended version, and what else was tried."""
    with opened(home, size) as program:
        look_closer(program, "What changed, and why")
        program.until_page("changes", "full")
        if program.see().button("Show what changed"):
            shoot(program, out, f"27-changes-offer-{tag}")
            program.press("Show what changed")
            program.until_text("operators, the worst first", limit_s=120)
        shoot(program, out, f"27-changes-{tag}")
        scroll_down(program)
        shoot(program, out, f"28-tried-{tag}")


def export(home: Path, out: Path, size: tuple[int, int], tag: str) -> None:
    """The page Export while it writes, and done."""
    with opened(home, size) as program:
        program.keys("ctrl+7")
        program.until_page("export", "full")
        program.press("Export bundle")
        time.sleep(1.2)
        shoot(program, out, f"11-export-running-{tag}")
        program.until_page("export", "done", 180)
        shoot(program, out, f"12-export-done-{tag}")


def all_pages(home: Path, out: Path, size: tuple[int, int], tag: str) -> None:
    """Each page as the next start shows it."""
    with opened(home, size) as program:
        for number, page in enumerate(PAGES, 1):
            program.keys(f"ctrl+{number}")
            program.until_page(page)
            time.sleep(0.5)
            shoot(program, out, f"20-{number}-{page}-{tag}")
        for entry in BY_ENTRY:
            program.press(entry)
            program.until_page(entry.lower())
            shoot(program, out, f"20-{entry.lower()}-{tag}")
        if look_closer(program, "All answers"):
            program.until_page("answers", "full", 60)
            shoot(program, out, f"21-all-answers-{tag}")


def look_closer(program: Program, caption: str) -> bool:
    """Open a page below Compare, if the run offers it: an unsettled one has no page All answers."""
    program.keys("ctrl+5")
    program.until_page("compare", "full")
    if program.see().button(caption) is None:
        print(f"no page {caption}")  # noqa: T201
        return False
    program.press(caption)
    return True


def scroll_down(program: Program) -> None:
    """To the end of the page, by the wheel."""
    program.screen.do("mousemove", 600, 400, "click", "--repeat", 30, "--delay", 10, 5)
    time.sleep(0.3)


def under_stress(home: Path, out: Path, size: tuple[int, int], tag: str) -> None:
    """The page below Compare: its offer as long as nothing was tried, then what was found."""
    with opened(home, size) as program:
        if not look_closer(program, "Under stress"):
            return
        program.until_page("stress", "full")
        if program.see().button("Start the quick test"):
            shoot(program, out, f"25-stress-offer-{tag}")
            program.press("Start the quick test")
            program.until_text("changed pictures", limit_s=60)
            shoot(program, out, f"25-stress-running-{tag}")
            program.until_text("Test again", limit_s=240)
        shoot(program, out, f"25-stress-{tag}")
        scroll_down(program)
        shoot(program, out, f"25-stress-below-{tag}")


def own_model(folder: Path, out: Path, size: tuple[int, int], tag: str, theme: str) -> None:
    """A model without names, few pictures: questions, warnings, refusals."""
    home = folder / f"own-{tag}"
    set_theme(home, theme)
    model = write_model(folder / "nameless.onnx", names=False)
    pictures = folder / "my pictures"
    if not pictures.exists():
        write_pictures(pictures, each=7)
    bad = folder / "old-classifier.pt"
    bad.write_bytes(b"<!DOCTYPE html><html>Not found</html>")
    with opened(home, size, str(model)) as program:
        program.until_page("model", "full", 60)
        shoot(program, out, f"30-model-{tag}")
        program.press("Continue to data")
        program.until_page("data", "empty")
        shoot(program, out, f"31-data-empty-{tag}")
        program.drop(pictures, on=(600, 400))
        program.until_page("data", "full", 60)
        shoot(program, out, f"32-data-unknown-labels-{tag}")
        for key, name in (("ctrl+4", "optimize"), ("ctrl+5", "compare"), ("ctrl+6", "try"), ("ctrl+7", "export")):
            program.keys(key)
            program.until_page(name)
            shoot(program, out, f"33-{name}-empty-{tag}")
        program.drop(bad, on=(600, 400))
        program.until_page("model", "error", 60)
        shoot(program, out, f"34-refused-{tag}")


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--compare", type=Path)
    parser.add_argument("--sizes", type=int, nargs="*", default=[size[0] for size in SIZES])
    parser.add_argument("--themes", nargs="*", default=["light", "dark"])
    parser.add_argument("--quick", action="store_true")
    requested = parser.parse_args()
    requested.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        home = folder / "sample"
        set_theme(home, "light")
        run_the_sample(home, requested.out, SIZES[0], "light-1280")
        if requested.compare is not None:
            with opened(home, SIZES[0]) as program:
                program.keys("ctrl+5")
                program.until_page("compare", "full")
                shoot(program, folder, "compare")
            small = [
                "convert",
                str(folder / "compare.png"),
                "-strip",
                "+dither",
                "-colors",
                "200",
                f"PNG8:{requested.compare}",
            ]
            subprocess.run(small, check=True)
        if not requested.quick:
            measure_load(home, requested.out, "light-1280")
        for theme in requested.themes:
            for size in (size for size in SIZES if size[0] in requested.sizes):
                tag = f"{theme}-{size[0]}"
                set_theme(home, theme)
                all_pages(home, requested.out, size, tag)
                if requested.quick:
                    continue
                under_stress(home, requested.out, size, tag)
                under_load(home, requested.out, size, tag)
                looked_closer(home, requested.out, size, tag)
                export(home, requested.out, size, tag)
                own_model(folder, requested.out, size, tag, theme)
        if requested.quick:
            return 0
        again = folder / "dark"
        set_theme(again, "dark")
        run_the_sample(again, requested.out, SIZES[0], "dark-1280")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
