"""Run `fettle result save` and `fettle result show`: the result of a run as a signed file for other computers."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from app.cli.options.arguments import Run, Sign
from app.cli.options.inputs import check_exists, existing_key
from app.cli.output import OK, Output
from app.cli.session import workspace
from app.domain.words.claims import basis_words, claim_words, likeness_words, signer_words, speed_words
from app.services.after.saved_results import own_machine, read_result, save_result, signer
from app.services.records.facts import read_facts

Out = Annotated[Path, Option("--out", metavar="FILE", help="File to write.", show_default=False)]


def save(output: Output, run_id: Run, out: Out, sign: Sign = None) -> int:
    """Save the result of a run as a signed file: machine, figures and verdict, and nothing of your data."""
    key = existing_key(sign)
    with workspace(output.options, writes=False, notice=output.notice) as space:
        signed_by = save_result(space, read_facts(space, run_id), out.absolute(), key)
    output.document({"path": str(out.absolute()), "signed_by": signed_by})
    output.sentence(f"{out} was written, signed with the key {signed_by}.")
    return OK


def show(output: Output, file: Annotated[Path, Argument(metavar="FILE")]) -> int:
    """Show the result in a file; the exit code is 3 if it was changed or is no result."""
    check_exists(file)
    _item, opened = read_result(file)
    result = opened.result
    with workspace(output.options, writes=False, notice=output.notice) as space:
        known, machine = signer(space, opened.signed_by), own_machine(space, result.model_sha256)
        projects = [one for one in space.repositories.projects.list() if one.model_sha256 == result.model_sha256]
    is_like = None if machine is None else result.machine.is_like(machine)
    output.document(
        {
            "signed_by": opened.signed_by or None,
            "signer": known.value,
            "projects": [one.id for one in projects],
            "like_this_computer": is_like,
            "result": result.model_dump(mode="json"),
        }
    )
    output.text(f"  model {result.model_sha256}" + "".join(f", “{one.name}” here" for one in projects))
    for version in (result.original, *result.versions):
        mark = "→" if version is result.best else " "
        names = ", ".join(step.technique for step in version.steps) or "unchanged files"
        title = "original" if version is result.original else names
        output.text(f" {mark} {title:<32} {version.runtime:<18} {speed_words(version)}; {basis_words(result, version)}")
    for line in filter(None, (likeness_words(is_like), signer_words(known, opened.signed_by))):
        output.text(f"  {line}")
    output.sentence(f"Somebody's claim: {claim_words(result)}.")
    return OK
