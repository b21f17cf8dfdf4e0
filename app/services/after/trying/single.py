"""Evaluate one input after another with one version, for the small window on the desktop."""

import shutil
import uuid
from pathlib import Path

from app.domain.variant import Variant
from app.services.after.trying.live import LiveModel
from app.services.after.trying.trying import (
    Lost,
    TryEvent,
    TryInput,
    TryOutcome,
    TryRefusal,
    copy_input,
    take_file,
    unreadable,
)
from app.services.flow.background import Background
from app.services.flow.workspace import Workspace
from app.services.records.facts import RunFacts
from workers.contracts.after.trying import MAX_TEXT_CHARS, TryAnswer, TryRequest


class TrySingle:
    """One version in a live process, which stays loaded; owned by the small window, which calls `close()`.

    The newest input counts: it replaces one that still waits.
    """

    def __init__(self, workspace: Workspace, facts: RunFacts, variant: Variant) -> None:
        """Load the version; raise `JobError` if its files are gone or the data folder cannot be used."""
        self._inputs = workspace.jobs / f"try-inputs-{uuid.uuid4().hex[:12]}"
        self._waiting: TryInput | None = None
        self._current: TryInput | None = None
        self._copying: Background[Path] | None = None
        self._index = 0
        with workspace.writing():
            self._inputs.mkdir(parents=True)
            self._live = LiveModel(workspace, facts, variant, (self._inputs,))

    @property
    def is_loaded(self) -> bool:
        """Return whether the version is loaded."""
        return self._live.is_loaded

    def request(self, given: TryInput) -> None:
        """Evaluate an input as soon as the version is free."""
        self._waiting = given

    def poll(self) -> list[TryEvent]:
        """Return new events without waiting; both predictions of an outcome are the version's own."""
        events: list[TryEvent] = []
        for answered in self._live.poll():
            given, self._current = self._current, None
            shutil.rmtree(self._inputs / str(self._index), ignore_errors=True)
            if given is None:
                continue
            if answered.error is not None:
                events.append(TryRefusal(given, answered.error))
                continue
            answer = TryAnswer.model_validate(answered.result)
            picture, sound = (take_file(self._live, name) for name in (answer.picture, answer.sound))
            events.append(TryOutcome(given, answer, answer, picture, sound))
        if self._live.error is not None:
            return [*events, Lost(self._live.variant, self._live.error)]
        return [*events, *self._go_on()]

    def _go_on(self) -> list[TryEvent]:
        if self._copying is not None and self._copying.done:
            return self._on_copied(self._copying)
        if self._waiting is None or self._current is not None or not self.is_loaded:
            return []
        given, self._waiting = self._waiting, None
        self._current = given
        self._index += 1
        if given.text is None:
            self._copying = Background(copy_input(given, self._inputs / str(self._index)))
        else:
            self._live.request(self._index, TryRequest(text=given.text[:MAX_TEXT_CHARS], calls=1))
        return []

    def _on_copied(self, copying: Background[Path]) -> list[TryEvent]:
        given, self._copying = self._current, None
        assert given is not None
        try:
            path = copying.result()
        except OSError as error:
            self._current = None
            return [TryRefusal(given, unreadable(error))]
        self._live.request(self._index, TryRequest(path=str(path), draw=True, calls=1))
        return []

    def close(self) -> None:
        """End the process at once and remove copied files."""
        if self._copying is not None:
            self._copying.stop()
        self._live.close()
        shutil.rmtree(self._inputs, ignore_errors=True)
