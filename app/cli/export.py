"""Run `fettle export`."""

from dataclasses import dataclass
from pathlib import Path

from app.cli.options.inputs import check_exists
from app.cli.output import OK, Output, usage
from app.cli.session import run, workspace
from app.services.after.exporting import ExportRequest, export
from app.services.machine.describing import describe
from app.services.records.facts import read_facts


@dataclass(frozen=True)
class ExportOptions:
    """The options of `fettle export`."""

    target: str
    out: Path
    variant: str | None = None
    accept_regression: str | None = None
    answers: tuple[str, ...] = ()
    sign: Path | None = None
    fallback: bool | None = None


def export_run(output: Output, run_id: str, options: ExportOptions) -> int:
    """Write a bundle, run its self-test in a fresh environment, and print the result."""
    answers = _answers(options.answers)
    if options.sign is not None:
        check_exists(options.sign)
    with workspace(output.options, writes=True, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        targets = [row.id for row in run(space, describe(), output.watch).targets]
        if options.target not in targets:
            raise usage(f"--target {options.target!r} is not known.", f"Choose one of: {', '.join(targets)}.")
        ask = ExportRequest(
            run_id,
            options.variant,
            options.target,
            options.out.absolute(),
            options.accept_regression,
            answers=answers,
            sign_key=options.sign.absolute() if options.sign is not None else None,
            fallback=options.fallback,
        )
        exported = run(space, export(space, facts, ask), output.watch)
    result = exported.result
    original = exported.record.variant_id == facts.baseline.id
    output.document(
        {
            "bundle": str(exported.path),
            "sha256": result.sha256,
            "selftest": [check.model_dump(mode="json") for check in result.selftest],
            "variant": exported.record.variant_id,
            "original": original,
            "instead_of": exported.instead_of.model_dump(mode="json") if exported.instead_of else None,
            "signed_by": result.signed_by or None,
            "pushed": exported.pushed.model_dump(mode="json") if exported.pushed else None,
        }
    )
    for check in result.selftest:
        output.text(f"  {'ok ' if check.ok else 'NOT'} {check.what}: {check.detail}")
    if result.signed_by:
        output.text(f"  signed with the key {result.signed_by}")
    said = ""
    if (other := exported.instead_of) is not None:
        held = "the original, unchanged" if original else "another version"
        said = f"This kind of bundle needs ONNX: it holds {held} instead of the recommended “{other.title}”. "
    elif original and options.variant is None:
        said = "No version was recommended, so this bundle holds the original, unchanged. "
    elif original:
        said = "This bundle holds the original, unchanged. "
    tested = "runs on its own: it was unpacked in a clean place and gave the same answers"
    sent = f" It was pushed to {exported.pushed.address}." if exported.pushed else ""
    output.sentence(f"{said}{exported.path} {tested}.{sent}")
    return OK


def _answers(given: tuple[str, ...]) -> dict[str, str]:
    """Return the answers of `--answer ID=WORDS` by id."""
    pairs = [answer.partition("=") for answer in given]
    wrong = next(
        (answer for answer, (key, equals, _words) in zip(given, pairs, strict=True) if not (key and equals)), None
    )
    if wrong is not None:
        raise usage(f"--answer {wrong!r} is no answer.", "Write the question's id, an equals sign, and the words.")
    return {key: words for key, _equals, words in pairs}
