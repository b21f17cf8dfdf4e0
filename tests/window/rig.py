"""The program on a separate screen, moved by a real mouse and real keys."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from screen import Screen
from short_runs import SHORT_RUNS
from stopwatch import busyness

ROOT = Path(__file__).parents[2]
OFTEN_S = 5
PROBE = Path(__file__).parent / "probe"
WITHOUT_KERNEL = Path(__file__).parents[1] / "hostile" / "without_kernel.py"
BUTTONS = (
    "Button", "PrimaryButton", "GhostButton", "TextButton", "RailEntry", "QPushButton", "QToolButton", "FoldButton",
)  # fmt: skip


@dataclass(frozen=True)
class Item:
    """One widget as the person sees it; places are global pixels."""

    kind: str
    name: str
    object: str
    text: str
    rect: tuple[int, int, int, int]
    seen: tuple[int, int, int, int]
    enabled: bool
    focus: bool
    window: str
    checked: bool

    @property
    def middle(self) -> tuple[int, int]:
        """Where to press."""
        left, top, width, height = self.seen
        return left + width // 2, top + height // 2

    @property
    def is_whole(self) -> bool:
        """Not cut off by the page's edge."""
        return self.seen[2] >= self.rect[2] - 2 and self.seen[3] >= self.rect[3] - 2


@dataclass(frozen=True)
class View:
    """Everything that is visible in this moment."""

    page: str
    state: str
    modal: str
    strays: tuple[str, ...]
    garbage: dict[str, bool]
    items: tuple[Item, ...]

    def find(self, text: str, *kinds: str) -> Item | None:
        """The first item that is called so (begins so), of these kinds."""
        found = [item for item in self.items if not kinds or item.kind in kinds]
        same = [item for item in found if text in (item.text.replace("&", ""), item.name)]
        begin = [item for item in found if item.text.startswith(text) or item.name.startswith(text)]
        return next(iter(same or begin), None)

    def button(self, text: str) -> Item | None:
        """A button that can be pressed; of a dialog that is open, first."""
        found = [item for item in self.items if item.kind in BUTTONS and item.enabled]
        found.sort(key=lambda item: item.window == "MainWindow")
        return next((item for item in found if text in item.text or text in item.name), None)

    @property
    def texts(self) -> str:
        """All that can be read, one a line."""
        return "\n".join(item.text or item.name for item in self.items if item.text or item.name)


def has_list(view: View) -> bool:
    """Whether the choices of a field are open; they are a window of their own."""
    return any(item.kind == "QListView" and item.window == "QFrame" for item in view.items)


class Program:
    """`python -m app`, looked at through the probe. `clicks` counts presses of the mouse.

    `without` names features of the kernel that are hidden from it ("landlock,seccomp"). `program` starts another one, such
    as an installed one; the probe must be among its own packages.
    """

    def __init__(
        self,
        screen: Screen,
        home: Path,
        *,
        files: Sequence[str] = (),
        extra: dict[str, str] | None = None,
        without: str = "",
        program: Sequence[str] = (sys.executable, "-m", "app"),
    ) -> None:
        self.screen, self.home = screen, home
        self.clicks = 0
        home.mkdir(parents=True, exist_ok=True)
        self._eyes = home.parent / f"{home.name}-probe-{time.monotonic_ns()}.json"
        environment = {
            **screen.environment,
            **SHORT_RUNS,
            "FETTLE_HOME": str(home / "data"),
            "HOME": str(home),
            "FETTLE_TEST_PROBE": str(self._eyes),
            "PYTHONPATH": os.pathsep.join([str(PROBE), str(ROOT)]),
            "PYTHONDONTWRITEBYTECODE": "",
            **(extra or {}),
        }
        self.started_s = time.monotonic()
        self.errors = home.parent / f"{self._eyes.stem}.stderr"
        command = [*program, *files]
        if without:
            command = [sys.executable, str(WITHOUT_KERNEL), without, *command]
        with self.errors.open("wb") as errors:
            self.process = subprocess.Popen(command, cwd=home, env=environment, stdout=errors, stderr=errors)
        self.environment = environment
        self.wait(lambda: Path(f"{self._eyes}.ready").exists(), 60, "the window")

    # --- seeing

    def wait(self, holds: Callable[[], Any], limit_s: float, what: str, every_s: float | None = None) -> Any:
        """What `holds` gives as soon as it is true; it may take `limit_s` of a quiet computer. Looking takes a part of a
        core: what is waited for longer is looked at less often, or `every_s`."""
        began_s = time.monotonic()
        while time.monotonic() < began_s + limit_s * busyness():
            if self.process.poll() is not None:
                raise AssertionError(f"the program ended with {self.process.returncode}:\n{self.errors.read_text()}")
            if found := holds():
                return found
            time.sleep(every_s or (0.1 if time.monotonic() < began_s + OFTEN_S else 0.5))
        self.screen.picture(self.home.parent / "last.png")
        raise AssertionError(f"{what} did not come within {limit_s:g} s; seen:\n{self.see().texts}")

    def see(self) -> View:
        """Ask the program what it shows."""
        self._eyes.unlink(missing_ok=True)
        end_s, again_s = time.monotonic() + 30 * busyness(), 0.0
        while not self._eyes.exists():
            if time.monotonic() > end_s or self.process.poll() is not None:
                raise AssertionError(f"the program does not answer:\n{self.errors.read_text()}")
            if time.monotonic() > again_s:
                self.process.send_signal(signal.SIGUSR1)
                again_s = time.monotonic() + 3
            time.sleep(0.01)
        report = json.loads(self._eyes.read_text(encoding="utf-8"))
        items = tuple(
            Item(**{**row, "rect": tuple(row["rect"]), "seen": tuple(row["seen"])})
            for row in report["widgets"]
            if row["seen"][2] > 2 and row["seen"][3] > 2
        )
        return View(report["page"], report["state"], report["modal"], tuple(report["strays"]), report["garbage"], items)

    def until(self, holds: Callable[[View], Any], limit_s: float = 30, what: str = "it") -> View:
        """Look until it holds."""

        def look() -> View | None:
            view = self.see()
            return view if holds(view) else None

        view = self.wait(look, limit_s, what)
        assert isinstance(view, View)
        return view

    def comes(self, holds: Callable[[View], Any], within_s: float = 1) -> bool:
        """Return whether the condition becomes true within the time; if not, the caller may repeat its click or drag."""
        end_s = time.monotonic() + within_s * busyness()
        while not (found := bool(holds(self.see()))) and time.monotonic() < end_s:
            time.sleep(0.1)
        return found

    def until_ready(self) -> None:
        """Wait until the start shows a page."""
        self.until(lambda view: bool(view.page) and view.state != "waiting", 60, "a page")

    def check_clean(self) -> None:
        """Check that no widget is a window by mistake, and that the program printed no error."""
        assert self.see().strays == (), self.see().strays
        assert self.errors.read_text(encoding="utf-8") == ""

    def until_page(self, page: str, state: str = "", limit_s: float = 60) -> View:
        """Wait for a page, in a state."""
        return self.until(
            lambda view: view.page == page and state in ("", view.state), limit_s, f"the page {page} {state}".strip()
        )

    def until_text(self, *texts: str, limit_s: float = 30) -> View:
        """Wait until all of these can be read; a page that has just come may still be laid out."""
        return self.until(lambda view: all(text in view.texts for text in texts), limit_s, f"the words {texts}")

    # --- doing

    def open_compare(self) -> None:
        """Open the page Compare of the project that the start opens."""
        self.until_ready()
        self.keys("ctrl+5")
        self.until_page("compare", "full")

    def look_closer(self, caption: str) -> None:
        """Open a page below Compare."""
        self.open_compare()
        self.press(caption)

    def export_from_compare(self) -> None:
        """One click where the result is safe; where the original was kept, or more is asked, the form comes first."""
        self.until(lambda view: view.button("Export"), 30, "a button that exports")
        if self.see().button("Export bundle") is None:
            self.press("Export")
            self.until_page("export", "full")
        self.press("Export bundle")

    def press(self, text: str, limit_s: float = 30) -> None:
        """One click on the button that is called so."""
        self.click(lambda view: view.button(text), f"the button {text!r}", limit_s)

    def click(self, pick: Callable[[View], Item | None], what: str = "it", limit_s: float = 10) -> None:
        """One click in the middle of what `pick` finds; scrolled into view first, as a person would, and pressed when two
        looks find it in the same place: a page that has just come may still be laid out."""
        item = pick(self.until(pick, limit_s, what))
        for _ in range(80):
            time.sleep(0.05)
            before, item = item, pick(self.see())
            if item is None or before is None or item.seen != before.seen:  # the page is just being filled anew
                continue
            if item.is_whole:
                break
            self.screen.do("mousemove", *item.middle, "click", 5)
        assert item is not None, what
        self.screen.do("mousemove", *item.middle)
        self.screen.do("click", 1)
        self.clicks += 1

    def choose(self, name: str, below_first: int) -> None:
        """Open a list of choices by a click and take the one so many below the first, by keys.

        Where the computer is busy, the release of the button may come so late that Qt takes it for a choice and shuts the
        list; it is opened again then, as a person would.
        """
        self.click(lambda view: view.find(name), name)
        if not self.comes(has_list):
            self.click(lambda view: view.find(name), name)
        self.until(has_list, 10, f"the list of {name!r}")
        self.keys("Home", *["Down"] * below_first, "Return")
        self.until(lambda view: not has_list(view), 10, f"the end of the list of {name!r}")

    def to_top(self) -> None:
        """Scroll the page to its top by the wheel, beside its cards, so that no list in them takes the wheel."""
        self.screen.do("mousemove", 1262, 500, "click", "--repeat", 40, "--delay", 10, 4)
        time.sleep(0.2)

    def keys(self, *names: str) -> None:
        """Press keys, as xdotool names them."""
        for name in names:
            self.screen.do("key", "--clearmodifiers", name)
            time.sleep(0.05)

    def type(self, text: str) -> None:
        self.screen.do("type", "--delay", 15, text)

    def drop(self, *paths: Path, on: tuple[int, int] = (800, 420)) -> None:
        """Drop files by a real drag from another program; begin anew where the press was lost, as a person would."""
        for _ in range(3):
            is_taken = False
            try:
                is_taken = self._dropped(paths, on)
            finally:
                if not is_taken:
                    self.screen.do("mouseup", 1)
                    self.screen.end_drag_source()
            if is_taken:
                return
        raise AssertionError("three drags began, and the window took none")

    def _dropped(self, paths: Sequence[Path], on: tuple[int, int]) -> bool:
        """Drag the files and let go when the window has accepted them; return whether it took them."""
        source = self.screen.drag_source
        source.stdin.write(json.dumps([str(path) for path in paths]) + "\n")
        source.stdin.flush()
        left, top = json.loads(source.stdout.readline())
        self._drag((left, top), on)
        end_s = time.monotonic() + 20 * busyness()
        while not select.select([source.stdout], [], [], 0.1)[0]:  # a drag that began late has missed the moves
            if time.monotonic() > end_s:
                return False
            self.screen.do("mousemove_relative", 1, 0, "mousemove_relative", "--", -1, 0)
        is_accepted = json.loads(source.stdout.readline()) == "accepted"
        self.screen.do("mouseup", 1)
        return is_accepted and bool(json.loads(source.stdout.readline()) == "taken")

    def _drag(self, start: tuple[int, int], end: tuple[int, int]) -> None:
        """Press and move in small steps."""
        time.sleep(0.3)
        self.screen.do("mousemove", *start)
        self.screen.do("mousedown", 1)
        for step in range(1, 11):
            place = (round(a + (b - a) * step / 10) for a, b in zip(start, end, strict=True))
            self.screen.do("mousemove", *place)
            time.sleep(0.04)

    # --- going

    @property
    def children(self) -> list[psutil.Process]:
        """All processes below the window's."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    def close_window(self) -> None:
        """As by the button of the window's frame. Now and then the window manager loses the key; it is pressed again then,
        as a person would who sees that nothing happens."""
        before = self._windows()
        for _ in range(3):
            main = self.screen.do("search", "--all", "--onlyvisible", "--pid", self.process.pid, "--name", "Fettle$")
            self.screen.do("windowactivate", "--sync", main.split()[0])
            self.screen.do("key", "--clearmodifiers", "alt+F4")
            end_s = time.monotonic() + 3 * busyness()
            while time.monotonic() < end_s:
                if self.process.poll() is not None or self._windows() != before:
                    return
                time.sleep(0.1)
        raise AssertionError("the window was closed three times, and nothing happened")

    def _windows(self) -> list[str]:
        """Those that are visible; a question is one more."""
        try:
            return self.screen.do("search", "--all", "--onlyvisible", "--pid", self.process.pid, "--name", "").split()
        except subprocess.CalledProcessError:  # there is none
            return []

    def end(self) -> None:
        """Whatever happened: nothing of it stays."""
        below = self.children
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        for child in below:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


Start = Callable[..., Program]
"""Type of the fixture `start`: it starts the program and returns it."""
