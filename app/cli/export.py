"""`fettle export`."""

from pathlib import Path

from app.cli.output import OK, Output, usage
from app.cli.session import run, workspace
from app.services.after.exporting import ExportRequest, export
from app.services.machine.describing import describe
from app.services.records.facts import read_facts


def export_run(
    output: Output, run_id: str, variant_id: str | None, target: str, out: Path, accept_regression: str | None
) -> int:
    """Write a bundle, unpack it in a fresh environment, compare its answers."""
    with workspace(output.options, writes=True, notice=output.notice) as space:
        facts = read_facts(space, run_id)
        targets = [row.id for row in run(space, describe(), output.watch).targets]
        if target not in targets:
            raise usage(f"--target {target!r} is not known.", f"Choose one of: {', '.join(targets)}.")
        ask = ExportRequest(run_id, variant_id, target, out.absolute(), accept_regression)
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
        }
    )
    for check in result.selftest:
        output.text(f"  {'ok ' if check.ok else 'NOT'} {check.what}: {check.detail}")
    said = ""
    if original and variant_id is None:
        said = "No version was recommended, so this bundle holds the original, unchanged. "
    elif original:
        said = "This bundle holds the original, unchanged. "
    tested = "runs on its own: it was unpacked in a clean place and gave the same answers"
    output.sentence(f"{said}{exported.path} {tested}.")
    return OK
