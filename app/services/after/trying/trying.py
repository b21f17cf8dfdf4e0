"""Evaluate one input after another with the original and one version, both loaded."""

import shutil
import stat
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from app.domain.variant import Variant
from app.paths import unusable
from app.services.after.trying.live import LiveModel
from app.services.flow.background import Background, Stopped, pieces
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts
from workers.contracts.after.trying import MAX_TEXT_CHARS, TryAnswer, TryRequest
from workers.contracts.error_info import ErrorInfo
from workers.contracts.paths import from_text
from workers.contracts.process.disk import NO_ROOM
from workers.contracts.process.messages import Answered
from workers.contracts.translation import _, mark

MAX_FILE_BYTES = 256 << 20
TOO_LARGE = mark("it is larger than {0} MB")


@dataclass(frozen=True)
class TryInput:
    """One input to try: a file (a path as `to_text` writes it), a text, a test item's number, or PNG bytes."""

    path: str = ""
    text: str | None = None
    item: int | None = None
    png: bytes = b""


@dataclass(frozen=True)
class TryOutcome:
    """Both predictions for one input; `picture` is a small PNG and `sound` the WAV file of the input, if any."""

    given: TryInput
    before: TryAnswer
    after: TryAnswer
    picture: bytes = b""
    sound: bytes = b""


@dataclass(frozen=True)
class TryRefusal:
    """An input that cannot be evaluated; later ones may work."""

    given: TryInput
    error: ErrorInfo


@dataclass(frozen=True)
class Lost:
    """A version's process could not load it, or ended; nothing works until another version is loaded."""

    variant: Variant
    error: ErrorInfo


TryEvent = TryOutcome | TryRefusal | Lost


class TryPair:
    """The original and one version, each in a live process; owned by the page Try.

    `request` sends an input and `poll` returns new events. The newest input counts: it replaces one that still waits.
    `close` ends both processes and removes copied files.
    """

    def __init__(self, workspace: Workspace, facts: RunFacts, variant: Variant, *, alone: bool = False) -> None:
        """Load the original and `variant`; with `alone` only the latter, whose prediction then stands for both.

        Raises:
            JobError: Files of the run are gone, or the data folder cannot be written.
        """
        self._workspace, self._facts = workspace, facts
        self._inputs = workspace.jobs / f"try-inputs-{uuid.uuid4().hex[:12]}"
        try:
            with workspace.writing():
                self._inputs.mkdir(parents=True)
                first = variant if alone else facts.baseline
                self._original = LiveModel(workspace, facts, first, (self._inputs,))
        except BaseException:
            shutil.rmtree(self._inputs, ignore_errors=True)
            raise
        self._other: LiveModel | None = None
        self._index = 0
        self._waiting: TryInput | None = None
        self._current: TryInput | None = None
        self._copying: Background[Path] | None = None
        self._request: TryRequest | None = None
        self._before: TryAnswer | None = None
        self._is_lost, self._is_alone = False, alone
        try:
            if not alone:
                self.choose(variant)
        except BaseException:
            self.close()
            raise

    @property
    def is_loaded(self) -> bool:
        """Return whether both versions are loaded."""
        return self._original.is_loaded and (self._is_alone or (self._other is not None and self._other.is_loaded))

    @property
    def is_busy(self) -> bool:
        """Return whether an input waits or is being evaluated."""
        return self._current is not None or self._waiting is not None

    def choose(self, variant: Variant) -> None:
        """Compare another version with the original and evaluate the open input again."""
        with self._workspace.writing():
            other = LiveModel(self._workspace, self._facts, variant, (self._inputs, self._original.work_dir))
        if self._other is not None:
            self._other.close()
        self._other = other
        if self._waiting is None:
            self._waiting = self._current
        self._forget()

    def request(self, given: TryInput) -> None:
        """Evaluate an input with both versions."""
        self._waiting = given

    def poll(self) -> list[TryEvent]:
        """Return new events without waiting."""
        if self._is_lost or (self._other is None and not self._is_alone):
            return []
        events: list[TryEvent] = []
        for answered in self._original.poll():
            events += self._on_original(answered)
        for answered in self._other.poll() if self._other is not None else ():
            events += self._on_other(answered)
        for live in (self._original, self._other):
            if live is not None and live.error is not None and not self._is_lost:
                self._is_lost = True
                events.append(Lost(live.variant, live.error))
        if not self._is_lost:
            events += self._go_on()
        return events

    def close(self) -> None:
        """End both processes at once."""
        if self._copying is not None:
            self._copying.stop()
        for live in (self._original, self._other):
            if live is not None:
                live.close()
        shutil.rmtree(self._inputs, ignore_errors=True)

    # --- one input

    def _go_on(self) -> list[TryEvent]:
        """Begin with the waiting input once nothing else is evaluated; its file is copied first."""
        if self._copying is not None and self._copying.done:
            return self._on_copied(self._copying)
        if self._waiting is None or self._current is not None or not self.is_loaded:
            return []
        self._current, self._waiting = self._waiting, None
        self._index += 1
        requested = self._current
        if requested.path or requested.png:
            folder = self._inputs / str(self._index)
            self._copying = Background(_copy(requested, folder))
            return []
        text = requested.text[:MAX_TEXT_CHARS] if requested.text is not None else None
        self._send(TryRequest(text=text, item=requested.item))
        return []

    def _on_copied(self, copying: Background[Path]) -> list[TryEvent]:
        self._copying = None
        try:
            path = copying.result()
        except OSError as error:
            return self._refuse(self._not_copied(error))
        self._send(TryRequest(path=str(path), draw=True))
        return []

    def _not_copied(self, error: OSError) -> ErrorInfo:
        if error.errno in NO_ROOM:
            return unusable(self._workspace.paths.root, error).info()
        return _unreadable(error)

    def _send(self, request: TryRequest) -> None:
        self._request = request
        self._original.request(self._index, request)

    def _on_original(self, answered: Answered) -> list[TryEvent]:
        if answered.index != self._index or self._request is None:
            return []
        if answered.error is not None:
            return self._refuse(answered.error)
        self._before = TryAnswer.model_validate(answered.result)
        if self._other is None:
            return self._on_other(answered)
        original = str(self._original.work_dir / self._before.answer)
        self._other.request(self._index, self._request.model_copy(update={"draw": False, "beside": original}))
        return []

    def _on_other(self, answered: Answered) -> list[TryEvent]:
        requested, before = self._current, self._before
        if answered.index != self._index or requested is None or before is None:
            return []
        if answered.error is not None:
            return self._refuse(answered.error)
        after = TryAnswer.model_validate(answered.result)
        picture, sound = self._take_file(before.picture), self._take_file(before.sound)
        self._forget()
        return [TryOutcome(requested, before, after, picture, sound)]

    def _take_file(self, name: str | None) -> bytes:
        """Return the content of a file that the original's process wrote for display, and remove the file."""
        if name is None:
            return b""
        file = self._original.work_dir / Path(name).name
        content = file.read_bytes()
        file.unlink()
        return content

    def _refuse(self, error: ErrorInfo) -> list[TryEvent]:
        requested = self._current
        self._forget()
        return [] if requested is None else [TryRefusal(requested, error)]

    def _forget(self) -> None:
        """Stop the present evaluation, remove its copied file, and ignore late results."""
        if self._copying is not None:
            self._copying.stop()
            self._copying = None
        shutil.rmtree(self._inputs / str(self._index), ignore_errors=True)
        self._index += 1
        self._current = self._request = self._before = None


def _copy(given: TryInput, folder: Path) -> Callable[[Stopped], Path]:
    """Return the work that copies an input below the jobs' folder, so that workers never see the person's folder."""

    def copy(stopped: Stopped) -> Path:
        folder.mkdir(exist_ok=True)
        if given.png:
            pasted = folder / "picture.png"
            pasted.write_bytes(given.png)
            return pasted
        source = from_text(given.path)
        facts = source.stat()
        if not stat.S_ISREG(facts.st_mode):
            raise OSError(0, mark("it is no file"))
        if facts.st_size > MAX_FILE_BYTES:
            raise OSError(0, _(TOO_LARGE).format(MAX_FILE_BYTES >> 20))
        name = source.name.encode("utf-8", "replace").decode().replace("?", "_")
        return _copy_file(source, folder / name, stopped)

    return copy


def _copy_file(source: Path, target: Path, stopped: Stopped) -> Path:
    """Copy in pieces, so that a stop takes effect soon; raises OSError, or InterruptedError when `stopped`."""
    with target.open("wb") as write:
        for piece in pieces(source, stopped):
            write.write(piece)
            if write.tell() > MAX_FILE_BYTES:  # the file grows while it is read
                raise OSError(0, _(TOO_LARGE).format(MAX_FILE_BYTES >> 20))
    return target


def _unreadable(error: OSError) -> ErrorInfo:
    return ErrorInfo(
        code="input_unreadable",
        title="It cannot be read",
        detail=_("It cannot be read: {0}.").format(error.strerror or error),
        hint="Try another file.",
    )
