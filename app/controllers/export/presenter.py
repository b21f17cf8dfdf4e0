"""Format stored facts and described targets as values of the page Export."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QStandardPaths

from app.domain.variant import Variant
from app.services.after.exporting import Exported
from app.services.records.facts import RunFacts
from widgets.parts.format import clipped, percent, percent_of
from widgets.parts.installing.value import SetValue
from widgets.parts.small import CheckState, CheckValue
from workers.contracts.error_info import ErrorInfo
from workers.contracts.licenses import LICENSE_WORDS, LicenseVerdict
from workers.contracts.optional_sets import OptionalSet
from workers.contracts.specs import DescribedTarget, Question, Stage
from workers.contracts.translation import _

MAX_NAME, MAX_LICENSE = 60, 80


def checks(facts: RunFacts, variant: Variant) -> tuple[CheckValue, ...]:
    """Return the checks that apply before the export."""
    judgement = variant.judgement
    limit = _("Within your limit of {0}").format(percent_of(facts.run.goal.max_loss_pct))
    if judgement is None:
        first = CheckValue("warn", limit, _("not compared"))
    elif variant.is_baseline:
        first = CheckValue("ok", limit, _("it is the original"))
    else:
        drop = percent(max(0.0, judgement.drop or 0.0))
        result = _("{0} less accurate") if judgement.labelled else _("{0} of answers changed")
        states: dict[str, CheckState] = {"safe": "ok", "regressed": "bad"}
        state = states.get(judgement.verdict, "warn")
        words = result.format(drop)
        first = CheckValue(state, limit, words if state != "warn" else _("{0}, not proven").format(words))
    done = [first]
    n = facts.data.n_of_person if facts.data is not None else 0
    if n:
        shared = _("0 of {0:,} shared").format(n)
        done.append(CheckValue("ok", _("Test examples were never used for tuning"), shared))
    if facts.verdict is not None:
        done.append(license_check(facts.verdict))
    return tuple(done)


def another_version(variant: Variant, wanted: Variant) -> tuple[CheckValue, ...]:
    """Return one line if the target takes `variant` instead of `wanted`."""
    if variant.id == wanted.id:
        return ()
    what = _("Uses “{0}”, because it needs ONNX").format(clipped(_(variant.title), MAX_LICENSE))
    return (CheckValue("warn", what, _("instead of “{0}”").format(clipped(wanted.title, MAX_LICENSE))),)


def stage_checks(stages: Sequence[Stage], at_id: str = "") -> tuple[CheckValue, ...]:
    """Return the state of each stage: those before `at_id` are done; "" means that the export has not begun."""
    ids = [stage.id for stage in stages]
    if at_id not in ids:
        return tuple(CheckValue("waiting", _(stage.title), _("waiting")) for stage in stages)
    at = ids.index(at_id)

    def state(number: int) -> CheckState:
        return "ok" if number < at else "running" if number == at else "waiting"

    return tuple(CheckValue(state(number), _(stage.title), "") for number, stage in enumerate(stages))


def result_checks(exported: Exported) -> tuple[CheckValue, ...]:
    """Return what the self-test found, and where the bundle was signed and pushed to."""
    results = [CheckValue("ok" if check.ok else "bad", check.what, check.detail) for check in exported.result.selftest]
    if exported.result.signed_by:
        results.append(CheckValue("ok", _("Signed"), _("with the key {0}").format(exported.result.signed_by)))
    if exported.pushed is not None:
        results.append(CheckValue("ok", _("On the hub"), exported.pushed.address))
    return tuple(results)


def offered_targets(
    rows: Sequence[DescribedTarget], set_value: Callable[[OptionalSet | None], SetValue | None]
) -> tuple[tuple[DescribedTarget, SetValue | None], ...]:
    """Return targets in the user's language, each with the set that it needs, None for none."""
    found = []
    for row in rows:
        missing = set_value(row.installs)
        needs_more = not row.available and row.installs is not None
        text = _("This installation cannot write it.") if needs_more and missing is None else _(row.summary)
        found.append((row.model_copy(update={"title": _(row.title), "summary": text}), missing))
    return tuple(found)


def translated(question: Question) -> Question:
    """Return a question of a target in the user's language."""
    return question.model_copy(update={"title": _(question.title), "hint": _(question.hint)})


def license_check(verdict: LicenseVerdict) -> CheckValue:
    """Return what the model's license allows, as the word of the verdict; the model card has the details."""
    state: CheckState = "ok" if verdict.word == "ok" and verdict.copies else "warn"
    word = _(LICENSE_WORDS[verdict.word]) if verdict.copies else _("changed copies must not be passed on")
    result = f"{verdict.title}: {word}" if verdict.title else word
    return CheckValue(state, _("License of the model"), clipped(result, MAX_LICENSE))


def reason_needed(facts: RunFacts, variant: Variant) -> str:
    """Return the question for a reason if the version exceeds the limit; "" if no reason is needed."""
    judgement = variant.judgement
    if judgement is None or judgement.verdict != "regressed":
        return ""
    return _("Its answers are worse than your limit of {0} allows. To export it anyway, give a reason.").format(
        percent_of(facts.run.goal.max_loss_pct)
    )


def documents_folder() -> Path:
    """Return the default folder for bundles."""
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(documents or Path.home()) / "Fettle"


def file_stem(name: str) -> str:
    """Return a project's name as the beginning of a file name."""
    return "".join(char if char.isalnum() else "-" for char in name.lower()).strip("-")[:MAX_NAME] or "model"


def default_path(name: str, folder: Path, suffix: str = ".zip") -> Path:
    """Return the path of a file that does not exist yet, named after the project."""
    stem, number = file_stem(name), 1
    while (folder / f"{stem}-{number}{suffix}").exists():
        number += 1
    return folder / f"{stem}-{number}{suffix}"


def free_path(facts: RunFacts, target: DescribedTarget) -> str:
    """Return the path of a file that does not exist yet, for a bundle of this target."""
    return str(default_path(facts.project.name, documents_folder(), target.suffix))


def no_folder(out: Path, error: OSError) -> ErrorInfo:
    """Return the error for a bundle whose folder cannot be written."""
    return ErrorInfo(
        code="not_writable",
        title=_("The bundle cannot be written there"),
        detail=_("{0} cannot be made: {1}.").format(out.parent, error.strerror or os.strerror(error.errno or 0)),
        hint=_("Choose another place."),
    )
