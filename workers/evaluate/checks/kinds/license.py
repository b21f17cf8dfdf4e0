"""Report the license in the files of the data; without one, the person has to find out."""

from workers.contracts.process.context import JobContext
from workers.contracts.translation import _
from workers.evaluate.checks.base import Check, Material, Outcome
from workers.hub.licenses import judge
from workers.model_io.readers.neighbors import license_of


def run(material: Material, ctx: JobContext) -> Outcome:
    """Read LICENSE and README in each set's folder, or next to its file."""
    findings = []
    stated = 0
    places = dict(zip(material.roots, (f"“{name}”" for name in material.names), strict=True))
    if len(places) == 1:
        places = {material.roots[0]: _("The data")}
    for root, who in places.items():
        ctx.check_cancelled()
        found = license_of(root if root.is_dir() else root.parent)
        if found is None:
            what = _("{0} came without a license: whether you may use it for this is not known here.").format(who)
            findings.append(CHECK.finding("warning", what, "Ask its author, unless it is your own."))
            continue
        stated += 1
        verdict = judge(found)
        what = _("{0} came under {1}.").format(who, verdict.sentence)
        findings.append(CHECK.finding("info" if verdict.for_business else "warning", what))
    return Outcome(tuple(findings), {"licenses": stated})


CHECK = Check("license", "What its license allows", "SPDX; the rows of the hub's licenses", 110, run)
