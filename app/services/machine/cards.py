"""Which GPU a run was begun on, so that it goes on there."""

import dataclasses

from app.domain.record import Owner, RecordKind
from app.services.flow.workspace import Workspace
from workers.contracts.process.messages import Card

CARD = RecordKind("card", Owner.RUN, Card)


def keep_card(workspace: Workspace, run_id: str) -> None:
    """Write down which GPU was chosen for a run; nothing where none was."""
    card = workspace.card()
    if card is not None:
        with workspace.writing():
            workspace.repositories.records.put(CARD, run_id, card)


def on_same_card(workspace: Workspace, run_id: str) -> Workspace:
    """The workspace on the GPU that the run was begun on; as it is where none was chosen then."""
    card = workspace.repositories.records.get(CARD, run_id)
    return workspace if card is None else dataclasses.replace(workspace, card=lambda: card)
