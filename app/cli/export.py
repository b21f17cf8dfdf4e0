"""Run `fettle export`: write a bundle of a version, and prove the version first if requested."""

from pathlib import Path
from typing import Annotated

from typer import Option

from app.cli.options.arguments import AcceptRegression, Run, Sign
from app.cli.options.arguments import Variant as VariantOption
from app.cli.options.inputs import existing_key
from app.cli.output import OK, Output, usage
from app.cli.session import run, workspace
from app.domain.variant import Variant
from app.domain.words.results import times, verdict_words
from app.services.after.exporting import Exported, ExportRequest, export, version_of
from app.services.after.fitting import provable
from app.services.after.one_version import is_timed, prove_alone, prove_alone_s
from app.services.flow.workspace import Workspace
from app.services.machine.devices import describe
from app.services.records.facts import RunFacts, read_facts
from app.services.records.run_records import saved_objective
from workers.contracts.specs import DescribedTarget
from workers.contracts.wording import about


def export_run(
    output: Output,
    run_id: Run,
    target: Annotated[str, Option(metavar="ID", help="Kind of bundle, as listed by 'fettle describe'.")],
    out: Annotated[Path, Option(metavar="FILE.zip")],
    variant: VariantOption = None,
    sign: Sign = None,
    accept_regression: AcceptRegression = None,
    answer: Annotated[
        list[str], Option(metavar="ID=WORDS", help="Answer to a question of the target; repeatable.")
    ] = [],  # noqa: B006 - typer copies it
    fallback: Annotated[
        bool | None,
        Option(help="Add the original for computers where the version is slower (default: up to 100 MB)."),
    ] = None,
    prove: Annotated[
        bool, Option("--prove", help="First prove the faster version that this target can use, and export it.")
    ] = False,
) -> int:
    """Write and self-test a bundle; without --variant it holds the recommended version."""
    answers = _answers(answer)
    key = existing_key(sign)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        targets = {row.id: row for row in run(space, describe(), output.watch).targets}
        if target not in targets:
            raise usage(f"--target {target!r} is not known.", f"Choose one of: {', '.join(targets)}.")
        if prove and variant is None:
            facts = _proven(output, space, facts, targets[target])
        request = ExportRequest(
            variant, target, out.absolute(), accept_regression, answers=answers, sign_key=key, fallback=fallback
        )
        exported = run(space, export(space, facts, request), output.watch)
        if variant is None and not prove:
            _name_provable(output, space, facts, targets[target])
    result = exported.result
    output.document(_document(exported, facts))
    for check in result.selftest:
        output.text(f"  {'ok ' if check.ok else 'NOT'} {check.what}: {check.detail}")
    if result.signed_by:
        output.text(f"  signed with the key {result.signed_by}")
    output.sentence(_last_sentence(exported, facts, is_named=variant is not None))
    return OK


def _document(exported: Exported, facts: RunFacts) -> dict[str, object]:
    result = exported.result
    return {
        "bundle": str(exported.path),
        "sha256": result.sha256,
        "selftest": [check.model_dump(mode="json") for check in result.selftest],
        "variant": exported.record.variant_id,
        "original": exported.record.variant_id == facts.baseline.id,
        "instead_of": exported.instead_of.model_dump(mode="json") if exported.instead_of else None,
        "signed_by": result.signed_by or None,
        "pushed": exported.pushed.model_dump(mode="json") if exported.pushed else None,
    }


def _last_sentence(exported: Exported, facts: RunFacts, *, is_named: bool) -> str:
    """Return what the bundle holds and that it runs; `is_named` means that the user named a version."""
    original = exported.record.variant_id == facts.baseline.id
    content = ""
    if (other := exported.instead_of) is not None:
        held = "the original, unchanged" if original else "another version"
        content = f"This kind of bundle needs ONNX: it holds {held} instead of the recommended “{other.title}”. "
    elif original and not is_named:
        content = "No version was recommended, so this bundle holds the original, unchanged. "
    elif original:
        content = "This bundle holds the original, unchanged. "
    tested = "runs on its own: it was unpacked in a clean place and gave the same answers"
    sent = f" It was pushed to {exported.pushed.address}." if exported.pushed else ""
    return f"{content}{exported.path} {tested}.{sent}"


def _provable(facts: RunFacts, target: DescribedTarget) -> Variant | None:
    return provable(target, facts, facts.recommended or facts.baseline)


def _proven(output: Output, space: Workspace, facts: RunFacts, target: DescribedTarget) -> RunFacts:
    """Prove the version that the target could take; return the facts of the run after that."""
    version = _provable(facts, target)
    if version is None:
        output.notice("No version of this run is left to prove for this kind of bundle.")
        return facts
    run(space, prove_alone(space, facts, version), output.watch)
    facts = read_facts(space, facts.run.id)
    proven = version_of(facts, version.id)
    verdict = verdict_words(proven, saved_objective(facts.run))
    measured = proven.measurement
    speed = "" if measured.under_load else f", {times(measured.speedup or 0.0)} times as fast as the original"
    output.notice(f"“{proven.title}”: {verdict}{speed}.")
    return facts


def _name_provable(output: Output, space: Workspace, facts: RunFacts, target: DescribedTarget) -> None:
    """Print in one line which version the target could take once it is proven, and how to prove it."""
    version = _provable(facts, target)
    if version is None:
        return
    seconds = prove_alone_s(space, facts, version)
    lasts = f" ({about(seconds)})" if seconds is not None else ""
    speed = "is faster" if is_timed(version) else "looked faster at first"
    output.notice(
        f"“{version.title}” fits this kind of bundle and {speed}; it is not proven. "
        f"To prove it first, add --prove{lasts}."
    )


def _answers(given: list[str]) -> dict[str, str]:
    """Return ``ID=WORDS`` as {id: words}."""
    answers = {}
    for answer in given:
        key, equals, words = answer.partition("=")
        if not (key and equals):
            raise usage(f"--answer {answer!r} is no answer.", "Write the question's id, an equals sign, and the words.")
        answers[key] = words
    return answers
