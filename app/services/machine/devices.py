"""Describe the machine, check requested runtimes, devices and recipes, and store on which GPU a run began."""

import dataclasses
import platform
from collections.abc import Sequence

from app.domain.record import Owner, RecordKind
from app.persistence import Repositories
from app.services.flow.artifacts import library_versions
from app.services.flow.steps import Flow, JobStep, Refused, Unavailable, WrongRequest
from app.services.flow.workspace import Workspace
from app.version import VERSION
from workers.contracts.base import Frozen, Nothing
from workers.contracts.jobs import DescribeResult
from workers.contracts.planning import Arithmetic
from workers.contracts.process.messages import Card, Limits
from workers.contracts.specs import Described, Recipe
from workers.contracts.text import WHOLE
from workers.contracts.translation import _, joined, mark

LOOK = mark("Run 'fettle describe' to see what there is.")


def check_runtimes(machine: DescribeResult, wanted: Sequence[str]) -> tuple[str, ...]:
    """Return `wanted` unchanged.

    Raises:
        JobError: A name is unknown (exit code 2), or its engine is missing (exit code 6).
    """
    known = {row.id: row for row in machine.runtimes}
    for name in wanted:
        if name not in known:
            raise WrongRequest(
                "usage", "There is no such runtime", _("{0!r} is none of {1}.").format(name, ", ".join(known)), LOOK
            )
        row = known[name]
        if not row.available:
            words = _("{0} does not work here.").format(name)
            raise Unavailable(
                "runtime_missing", _("{0} is not available").format(_(row.title)), words, row.hint or LOOK
            )
    return tuple(wanted)


def check_recipes(machine: DescribeResult, recipes: Sequence[Recipe], source: str) -> None:
    """Raise `JobError` (exit code 3) if a person's recipe names an unknown technique or engine."""
    techniques = [row.id for row in machine.techniques]
    runtimes = [row.id for row in machine.runtimes]
    for recipe in recipes:
        unknown = [(step.technique, techniques) for step in recipe.steps if step.technique not in techniques]
        if recipe.runtime not in runtimes:
            unknown.append((recipe.runtime, runtimes))
        for name, known in unknown:
            detail = _("{0}, “{1}”: {2!r} is none of {3}.").format(source, _(recipe.title), name, ", ".join(known))
            raise Refused("recipe_refused", "This recipe cannot be used", detail, "Correct this name.")


def runtimes_on(machine: DescribeResult, device: str) -> tuple[str, ...]:
    """Return the runtimes that work on `device` (``cpu`` or ``cuda:1``); raises `JobError`."""
    rows = {row.id: row for row in machine.devices}
    group = device.partition(":")[0]
    if group not in ("cpu", "cuda"):
        raise WrongRequest(
            "usage", "There is no such device", _("{0!r} is neither cpu nor cuda:N.").format(device), LOOK
        )
    row = rows.get("cuda:0" if device == "cuda" else device)
    if row is None or not row.available:
        hint = row.hint if row else _("There are: {0}.").format(", ".join(r.id for r in rows.values() if r.available))
        raise Unavailable(
            "device_missing", _("There is no {0}").format(device), "It was not found on this computer.", hint or LOOK
        )
    there = [runtime for runtime in machine.runtimes if runtime.group == group]
    working = tuple(runtime.id for runtime in there if runtime.available)
    if not working:
        raise Unavailable("runtime_missing", _("Nothing runs on {0}").format(device), _missing(there), "Use the cpu.")
    return working


def card_of(machine: DescribeResult, device: str) -> Card | None:
    """Return the GPU of ``cuda:1`` for the limits of jobs, None for the processor or a card without a UUID."""
    group, _, number = device.partition(":")
    index = int(number) if number.isdigit() else 0
    card = next((card for card in machine.cards if group == "cuda" and card.index == index), None)
    return card.choice if card is not None and card.uuid else None


def _missing(rows: Sequence[Described]) -> str:
    reasons = joined(joined([_(row.title), _(row.hint)], ": ") for row in rows)
    return reasons or mark("No runtime for it is installed.")


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


KEY = "describe"


class _Remembered(Frozen):
    stamp: str
    result: DescribeResult


def describe(computer: str = "") -> Flow[DescribeResult]:
    """Return devices, runtimes, techniques and targets of a computer, with their availability and hints."""
    done = yield from JobStep(
        "describe",
        Nothing(),
        DescribeResult,
        "Look at this computer",
        shares_card=True,
        limits=Limits(gpu=True),  # GPUs are invisible without their device files
        computer=computer,
    ).run()
    return done.result


def fast_formats(machine: DescribeResult) -> tuple[Arithmetic, ...] | None:
    """Return the number formats that a computer's processor computes fast, None if its features are unknown."""
    is_known = machine.instructions or machine.device.lacks_avx2
    return tuple(sorted({one.arithmetic for one in machine.instructions})) if is_known else None


def remembered(repositories: Repositories) -> DescribeResult | None:
    """Return the last description if nothing was installed or moved since; shown until a new one is ready."""
    stored = repositories.settings.read(KEY, _Remembered)
    return stored.result if stored is not None and stored.stamp == _stamp() else None


def remember(repositories: Repositories, machine: DescribeResult) -> None:
    """Store the description for the next start."""
    repositories.settings.put(KEY, _Remembered(stamp=_stamp(), result=machine).model_dump(mode="json", context=WHOLE))


def _stamp() -> str:
    versions = ",".join(f"{name}={number}" for name, number in sorted(library_versions().items()))
    return f"{VERSION};{platform.node()};{platform.python_version()};{versions}"
