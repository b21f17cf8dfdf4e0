"""Run one request on several computers, one after the other, and print their versions side by side."""

from collections.abc import Callable, Sequence
from typing import Any

from app.cli.output import KEPT_ORIGINAL, OK, CommandFailed, Output, usage
from app.cli.tables import faster_words
from app.domain.fleet import Fleet, FleetVersion, worst_speedup
from app.domain.run import Run
from app.domain.variant import Variant
from app.domain.words.results import verdict_words
from app.services.flow.steps import JobError
from app.services.flow.workspace import Workspace
from app.services.records.fleet import fleet_document, fleet_of_run
from workers.contracts.wording import in_ms, rounded_down

HERE = "here"
"""Name of this computer in the option ``--on``."""


def computers_of(space: Workspace, text: str | None) -> tuple[str, ...]:
    """Return the names in ``here,pi`` as ("", "pi"), ("",) without the option.

    Raises:
        CommandFailed: (exit code 2) A name is empty or named twice; (exit code 6) no computer has this name.
    """
    if text is None:
        return ("",)
    names = tuple(name.strip() for name in text.split(","))
    if "" in names or len(set(names)) < len(names):
        raise usage(f"--on {text}: each computer is named once, and names are separated by commas.")
    found = tuple("" if name == HERE else name for name in names)
    for name in found:
        try:
            space.pool_of(name)
        except JobError as error:
            raise CommandFailed(error.exit_code, error.error) from error
    return found


def shown_name(computer: str) -> str:
    """Return the name of a computer in words of the command line."""
    return computer or "this computer"


def on_each(
    output: Output,
    computers: Sequence[str],
    optimize: Callable[[str], tuple[Run, dict[str, Any]]],
    space: Workspace,
) -> int:
    """Optimize for each computer and print all results; a computer that fails ends its own run only.

    Returns:
        The exit code of the last failure, else 0 if a version is recommended on some computer, else 4.
    """
    done: list[Run] = []
    documents: list[dict[str, Any]] = []
    failed: CommandFailed | None = None
    for computer in computers:
        output.notice(f"Now on {shown_name(computer)} …")
        try:
            run, document = optimize(computer)
        except CommandFailed as error:
            if error.error.code == "cancelled":
                raise
            failed = error
            output.notice(f"{shown_name(computer)}: {error.error.title}. {error.error.detail}")
            fields = {"code": error.error.code, "title": error.error.title, "detail": error.error.detail}
            documents.append({"computer": computer or None, "error": fields})
        else:
            done.append(run)
            documents.append(document)
    fleet = fleet_of_run(space.repositories, done[0]) if done else None
    output.document({"runs": documents, "table": None if fleet is None else fleet_document(fleet)})
    if fleet is not None:
        _print(output, fleet)
    if failed is not None:
        return failed.exit_code
    return OK if any(run.recommended_variant_id for run in done) else KEPT_ORIGINAL


def _print(output: Output, fleet: Fleet) -> None:
    for run in fleet.runs:
        best = fleet.recommended(run)
        output.text(f"{shown_name(run.computer)}: {best.title if best is not None else 'keep the original'}")
        for version in fleet.versions:
            one = version.variants[fleet.runs.index(run)]
            if one is not None:
                output.text(f" {'→' if version is best else ' '} {version.title:<40} {_figures(one)}")
    output.sentence(for_all_words(fleet.for_all))


def _figures(variant: Variant) -> str:
    typical_ms = variant.measurement.typical_ms
    time = "not measured" if typical_ms is None else in_ms(typical_ms)
    verdict = "to compare with" if variant.is_baseline else verdict_words(variant)
    return f"{time:>14}  {faster_words(variant):>20}  {verdict}"


def for_all_words(version: FleetVersion | None) -> str:
    """Return whether one version serves all computers."""
    if version is None:
        return "No version is proven safe and faster on all of them: take the one of each computer."
    speedup = worst_speedup(version)
    faster = f", at least {rounded_down(speedup)} times as fast" if speedup else ""
    return f"One for all: {version.title} is safe on each of them{faster}."
