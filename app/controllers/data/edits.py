"""What a person changes in a set by hand, step by step: each can be undone and done again; files are never touched."""

from collections.abc import Sequence

from workers.contracts.jobs import DataParams

EDITED = ("left_out", "relabeled", "moved", "confirmed")
"""The parts of `DataParams` that are changed here."""
MOST_STEPS = 200


class DataEdits:
    """The states of one set, the present one among them. `begin` starts anew with another set."""

    def __init__(self) -> None:
        self._states: list[DataParams] = []
        self._at = 0

    @property
    def can_undo(self) -> bool:
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        return self._at + 1 < len(self._states)

    @property
    def asked(self) -> DataParams:
        """How to read the set as it is wanted now."""
        return self._states[self._at]

    def begin(self, asked: DataParams) -> bool:
        """A set was read; whether that is all that is wanted by now. Of another set nothing can be undone."""
        for number, state in enumerate(self._states):
            if _same_set(state, asked):
                self._states[number] = asked
                return number == self._at
        self._states, self._at = [asked], 0
        return True

    def edit(self, name: str, sources: Sequence[str], label: str = "") -> DataParams:
        """Do one thing: leave_out, put_back, test, calibration, relabel or right. Raises ValueError for another."""
        asked, chosen = self.asked, set(sources)
        changed: dict[str, object]
        if name == "leave_out":
            changed = {"left_out": tuple(dict.fromkeys((*asked.left_out, *sources)))}
        elif name == "put_back":
            changed = {"left_out": tuple(source for source in asked.left_out if source not in chosen)}
        elif name in ("test", "calibration"):
            changed = {"moved": {**asked.moved, **dict.fromkeys(sources, name)}}
        elif name == "relabel":
            changed = {"relabeled": {**asked.relabeled, **dict.fromkeys(sources, label)}}
        elif name == "right":
            changed = {"confirmed": tuple(dict.fromkeys((*asked.confirmed, *sources)))}
        else:
            raise ValueError(f"nothing is called {name!r}")
        return self._push(asked.model_copy(update=changed))

    def put_all_back(self) -> DataParams:
        """Everything as the files say."""
        empty = DataParams(model_dir="")
        return self._push(self.asked.model_copy(update={name: getattr(empty, name) for name in EDITED}))

    def undo(self) -> DataParams:
        """One step back."""
        self._at = max(0, self._at - 1)
        return self.asked

    def redo(self) -> DataParams:
        """One step on."""
        self._at = min(len(self._states) - 1, self._at + 1)
        return self.asked

    def _push(self, asked: DataParams) -> DataParams:
        self._states = [*self._states[: self._at + 1], asked][-MOST_STEPS:]
        self._at = len(self._states) - 1
        return asked


def _same_set(one: DataParams, other: DataParams) -> bool:
    """Whether both ask for the same files with the same changes by hand."""
    return (one.path, one.calibration_path) == (other.path, other.calibration_path) and all(
        getattr(one, name) == getattr(other, name) for name in EDITED
    )
