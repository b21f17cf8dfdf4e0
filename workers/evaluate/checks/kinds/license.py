"""Report the license that files beside the data state; anything else is the person's knowledge and is asked for."""

from pathlib import Path

from workers.contracts.data.checks import CheckFinding
from workers.contracts.process.context import JobContext
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.hub.licenses import judge
from workers.model_io.readers.neighbors import license_of


def run(material: Material, ctx: JobContext) -> Outcome:
    """Read LICENSE and README in each set's folder, or beside its file."""
    findings = []
    stated = 0
    places = dict.fromkeys(zip(material.names, material.roots, strict=True))
    if len(set(material.roots)) == 1:
        places = dict.fromkeys([("The data", material.roots[0])])
    for name, root in places:
        ctx.check_cancelled()
        found = _stated(root)
        who = name if name == "The data" else f"“{name}”"
        if found is None:
            what = f"{who} came without a license: whether you may use it for this is not known here."
            hint = "Ask whoever made it, unless it is your own."
            findings.append(CheckFinding(check=CHECK.id, level="warning", what=what, hint=hint))
            continue
        stated += 1
        verdict = judge(found)
        level = "info" if verdict.for_business else "warning"
        what = f"{who} came under {verdict.sentence}."
        findings.append(CheckFinding(check=CHECK.id, level=level, what=what))  # type: ignore[arg-type]
    return Outcome(tuple(findings), {"licenses": stated})


def _stated(root: Path) -> str | None:
    return license_of(root if root.is_dir() else root.parent)


CHECK = Check("license", "What its license allows", "SPDX; the rows of the hub's licenses", 110, run)
