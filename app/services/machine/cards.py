"""Store on which GPU a run began, so that it resumes there."""

import dataclasses

from app.domain.record import Owner, RecordKind
from app.services.flow.workspace import Workspace
from workers.contracts.process.messages import Card

CARD = RecordKind("card", Owner.RUN, Card)


def save_gpu(workspace: Workspace, run_id: str) -> None:
    """Store which GPU was chosen for a run; nothing if none was."""
    card = workspace.card()
    if card is not None:
        with workspace.writing():
            workspace.repositories.records.put(CARD, run_id, card)


def on_same_card(workspace: Workspace, run_id: str) -> Workspace:
    """Return the workspace on the GPU that the run began on, or unchanged if none was chosen."""
    card = workspace.repositories.records.get(CARD, run_id)
    return workspace if card is None else dataclasses.replace(workspace, card=lambda: card)
