"""Record the user's edits of a data set step by step, with undo and redo; files are never changed."""

from collections.abc import Sequence

from workers.contracts.jobs import DataParams

EDITED = ("left_out", "relabeled", "moved", "confirmed")
"""The fields of `DataParams` that edits change."""
MOST_STEPS = 200


class DataEdits:
    """The states of one data set with the current one; owned by `DataItems`. `begin` starts with another set."""

    def __init__(self) -> None:
        """Create edits without a data set."""
        self._states: list[DataParams] = []
        self._at = 0

    @property
    def can_undo(self) -> bool:
        """Return whether there is an earlier state."""
        return self._at > 0

    @property
    def can_redo(self) -> bool:
        """Return whether there is a later state."""
        return self._at + 1 < len(self._states)

    @property
    def requested(self) -> DataParams:
        """Return the parameters to read the set with its current edits."""
        return self._states[self._at]

    def begin(self, params: DataParams) -> bool:
        """Record that a set was read and return whether it includes all edits so far.

        Another set clears the history.
        """
        for number, state in enumerate(self._states):
            if _same_set(state, params):
                self._states[number] = params
                return number == self._at
        self._states, self._at = [params], 0
        return True

    def edit(self, name: str, sources: Sequence[str], label: str = "") -> DataParams:
        """Apply one edit: leave_out, put_back, test, calibration, relabel or right.

        Raises:
            ValueError: for another name.
        """
        params, chosen = self.requested, set(sources)
        changed: dict[str, object]
        if name == "leave_out":
            changed = {"left_out": tuple(dict.fromkeys((*params.left_out, *sources)))}
        elif name == "put_back":
            changed = {"left_out": tuple(source for source in params.left_out if source not in chosen)}
        elif name in ("test", "calibration"):
            changed = {"moved": {**params.moved, **dict.fromkeys(sources, name)}}
        elif name == "relabel":
            changed = {"relabeled": {**params.relabeled, **dict.fromkeys(sources, label)}}
        elif name == "right":
            changed = {"confirmed": tuple(dict.fromkeys((*params.confirmed, *sources)))}
        else:
            raise ValueError(f"nothing is called {name!r}")
        return self._push(params.model_copy(update=changed))

    def put_all_back(self) -> DataParams:
        """Remove all edits, as one step that can be undone."""
        empty = DataParams(model_dir="")
        return self._push(self.requested.model_copy(update={name: getattr(empty, name) for name in EDITED}))

    def undo(self) -> DataParams:
        """Undo one step."""
        self._at = max(0, self._at - 1)
        return self.requested

    def redo(self) -> DataParams:
        """Redo one step."""
        self._at = min(len(self._states) - 1, self._at + 1)
        return self.requested

    def _push(self, params: DataParams) -> DataParams:
        self._states = [*self._states[: self._at + 1], params][-MOST_STEPS:]
        self._at = len(self._states) - 1
        return params


def _same_set(one: DataParams, other: DataParams) -> bool:
    """Return whether both parameters read the same files with the same edits."""
    return (one.path, one.calibration_path) == (other.path, other.calibration_path) and all(
        getattr(one, name) == getattr(other, name) for name in EDITED
    )
