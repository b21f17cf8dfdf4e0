"""The page Export: target, three questions, checks, the card as it will read, one button."""

import os
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QStandardPaths, QUrl
from PySide6.QtGui import QDesktopServices

from app.controllers.commands import EXPORT_VERSION, on
from app.controllers.flows import FlowRunner, Running
from app.controllers.page_controller import ControllerSpec, PageController
from app.controllers.session import Session
from app.controllers.words import error_value, tr
from app.domain.variant import Variant
from app.services.after.exporting import Exported, card_facts, export
from app.services.after.exporting import ExportRequest as Ask
from app.services.after.showing import card_preview
from app.services.flow.events import Event, StepProgress
from app.services.flow.steps import JobError
from app.services.records.facts import RunFacts, read_facts
from widgets.main_window import MainWindow
from widgets.pages.export.page import ExportPage
from widgets.pages.export.value import DoneValue, ExportRequest, ExportValue, TargetValue
from widgets.parts.format import clipped, percent, percent_of
from widgets.parts.small import CheckState, CheckValue
from workers.contracts.errors import ErrorInfo
from workers.contracts.licenses import LICENSE_WORDS, LicenseVerdict

ON_EXPORT = ("Write the bundle", "Unpack it in a clean place", "Compare its answers")
MAX_NAME, MAX_LICENSE = 60, 80


class ExportController(PageController):
    """Shows the chosen version, else the recommended one, else the original."""

    def __init__(self, window: MainWindow, page: ExportPage, session: Session, flows: FlowRunner) -> None:
        super().__init__(page)
        self._window, self._page, self._session, self._flows = window, page, session, flows
        self._facts: RunFacts | None = None
        self._variant: Variant | None = None
        self._value: ExportValue | None = None
        self._exporting: Running | None = None
        self._previewing: Running | None = None
        page.export_requested.connect(self._on_export)
        page.answers_changed.connect(self._on_answers)
        page.path_chosen.connect(self._on_path)
        page.open_folder_requested.connect(self._on_open_folder)
        page.again_requested.connect(self.show)
        page.compare_requested.connect(lambda: window.show_page("compare"))
        page.cancel_requested.connect(self._on_cancel)
        page.link_clicked.connect(lambda _address: None)
        session.run_changed.connect(self.show)
        session.described_changed.connect(self._on_described)
        self.show()

    def choose(self, variant_id: str) -> None:
        """Show this version."""
        self._load(variant_id)
        self._window.show_page("export")

    def show(self) -> None:
        """The recommended version."""
        if self._exporting is None:
            self._load(None)

    def _load(self, variant_id: str | None) -> None:
        run = self._session.run
        self._facts = self._variant = self._value = None
        if run is None:
            self._page.show_empty()
            return
        try:
            facts = read_facts(self._session.workspace, run.id)
        except JobError as error:
            self._page.show_error(error_value(error.error))
            return
        chosen = next((variant for variant in facts.variants if variant.id == variant_id), None)
        self._facts, self._variant = facts, chosen or facts.recommended or facts.baseline
        self._value = self._make_value(facts, self._variant)
        self._page.show_value(self._value)
        self._preview()

    def _make_value(self, facts: RunFacts, variant: Variant) -> ExportValue:
        project = facts.project
        found = self._session.described
        targets = found.targets if found else ()
        return ExportValue(
            targets=tuple(
                TargetValue(row.id, row.title, row.summary, "folder", row.available, row.hint) for row in targets
            ),
            target=targets[0].id if targets else "python",
            version=variant.title,
            path=str(default_path(project.name, documents_folder())),
            card="",
            checks=checks(facts, variant),
            purpose=project.purpose,
            not_for=project.not_for,
            contact=project.contact,
            reason_needed=reason_needed(facts, variant),
            checks_on_export=len(ON_EXPORT),
        )

    def _preview(self) -> None:
        facts, variant, value, found = self._facts, self._variant, self._value, self._session.described
        if facts is None or variant is None or value is None or found is None:
            return
        if self._previewing is not None:
            self._flows.cancel(self._previewing)
        ask = Ask(
            facts.run.id, variant.id, value.target, Path(value.path), None, value.purpose, value.not_for, value.contact
        )
        self._previewing = self._flows.start(
            card_preview(facts, card_facts(facts, variant, ask, found.device)),
            title="",
            on_done=self._on_card,
            on_failed=lambda error: self._window.banner(error_value(error)),
        )

    def _on_card(self, text: str) -> None:
        self._previewing = None
        if self._value is not None and self._exporting is None:
            self._value = replace(self._value, card=without_front_matter(text))
            self._page.show_value(self._value)

    def _on_answers(self, purpose: str, not_for: str, contact: str) -> None:
        self._session.change(purpose=purpose, not_for=not_for, contact=contact)
        if self._value is not None:
            self._value = replace(self._value, purpose=purpose, not_for=not_for, contact=contact)
            self._preview()

    def _on_path(self, path: str) -> None:
        if self._value is not None:
            self._value = replace(self._value, path=path if path.lower().endswith(".zip") else f"{path}.zip")
            self._page.show_value(self._value)

    def _on_export(self, wanted: ExportRequest) -> None:
        facts, variant = self._facts, self._variant
        if facts is None or variant is None or self._exporting is not None:
            return
        self._session.change(purpose=wanted.purpose, not_for=wanted.not_for, contact=wanted.contact)
        out = Path(wanted.path)
        ask = Ask(
            facts.run.id, variant.id, wanted.target, out, wanted.reason or None,
            wanted.purpose, wanted.not_for, wanted.contact,
        )  # fmt: skip
        try:
            out.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._on_failed(_no_folder(out, error))
            return
        self._say(ON_EXPORT[0], 0, None)
        self._exporting = self._flows.start(
            export(self._session.workspace, facts, ask),
            title=tr("Export {0}").format(out.name),
            on_done=self._on_done,
            on_failed=self._on_failed,
            on_cancelled=self._on_cancelled,
            observe=self._on_event,
        )

    def _on_event(self, event: Event) -> None:
        if isinstance(event, StepProgress) and any(words.startswith(event.stage[:8]) for words in ON_EXPORT):
            self._say(event.stage, event.done, event.total)

    def _say(self, stage: str, done: float, total: float | None) -> None:
        facts, variant = self._facts, self._variant
        if facts is not None and variant is not None:
            self._page.show_running(stage, done, total, checks(facts, variant, stage))

    def _on_described(self) -> None:
        """Targets are known now."""
        if (
            self._value is not None
            and not self._value.targets
            and self._exporting is None
            and self._variant is not None
        ):
            self._load(self._variant.id)

    def _on_done(self, exported: Exported) -> None:
        self._exporting = None
        self._session.exported.emit()
        facts, variant = self._facts, self._variant
        if facts is None or variant is None:
            return
        results = [
            CheckValue("ok" if check.ok else "bad", check.what, check.detail) for check in exported.result.selftest
        ]
        printed = next((check.detail for check in exported.result.selftest if check.what == "run.py answers"), "")
        self._page.show_done(
            DoneValue(
                path=str(exported.path),
                size_bytes=exported.result.size_bytes,
                target=tr("Python folder"),
                card=without_front_matter(exported.result.card),
                checks=(*checks(facts, variant)[: -len(ON_EXPORT)], *results),
                commands=("pip install -r requirements.txt", f"python run.py {_sample_argument(facts)}"),
                printed=(printed,) if printed else (),
            )
        )

    def _on_failed(self, error: ErrorInfo) -> None:
        self._exporting = None
        self._page.show_error(error_value(error, page_title=tr("The bundle was not written")))

    def _on_cancelled(self) -> None:
        self._exporting = None
        self.show()

    def _on_cancel(self) -> None:
        if self._exporting is not None:
            self._flows.cancel(self._exporting)

    @staticmethod
    def _on_open_folder(path: str) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(path).parent)))


def checks(facts: RunFacts, variant: Variant, stage: str = "") -> tuple[CheckValue, ...]:
    """What holds before writing, and how far writing is."""
    judgement = variant.judgement
    limit = tr("Within your limit of {0}").format(percent_of(facts.run.goal.max_loss_pct))
    if judgement is None:
        first = CheckValue("warn", limit, tr("not compared"))
    elif variant.is_baseline:
        first = CheckValue("ok", limit, tr("it is the original"))
    else:
        drop = percent(max(0.0, judgement.drop or 0.0))
        result = tr("{0} less accurate") if judgement.labelled else tr("{0} of answers changed")
        state = {"safe": "ok", "regressed": "bad"}.get(judgement.verdict, "warn")
        words = result.format(drop)
        first = CheckValue(state, limit, words if state != "warn" else tr("{0}, not proven").format(words))  # type: ignore[arg-type]
    n = judgement.n if judgement else 0
    done = [first, CheckValue("ok", tr("Test examples were never used for tuning"), tr("0 of {0:,} shared").format(n))]
    if facts.verdict is not None:
        done.append(license_check(facts.verdict))
    at = next((number for number, words in enumerate(ON_EXPORT) if stage and words.startswith(stage[:8])), None)
    for number, words in enumerate(ON_EXPORT):
        if at is None:
            done.append(CheckValue("waiting", tr(words), tr("waiting")))
        else:
            state = "ok" if number < at else "running" if number == at else "waiting"
            done.append(CheckValue(state, tr(words), ""))  # type: ignore[arg-type]
    return tuple(done)


def license_check(verdict: LicenseVerdict) -> CheckValue:
    """What the model's license allows, in the word of the verdict; the card says the rest."""
    state: CheckState = "ok" if verdict.word == "ok" and verdict.copies else "warn"
    word = LICENSE_WORDS[verdict.word] if verdict.copies else tr("changed copies must not be passed on")
    result = f"{verdict.title}: {word}" if verdict.title else word
    return CheckValue(state, tr("License of the model"), clipped(result, MAX_LICENSE))


def reason_needed(facts: RunFacts, variant: Variant) -> str:
    judgement = variant.judgement
    if judgement is None or judgement.verdict != "regressed":
        return ""
    return tr("It answers worse than your limit of {0} allows. Say why you want it all the same.").format(
        percent_of(facts.run.goal.max_loss_pct)
    )


def documents_folder() -> Path:
    """Where bundles go unless the person says otherwise."""
    documents = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    return Path(documents or Path.home()) / "Fettle"


def default_path(name: str, folder: Path) -> Path:
    """A file that is not there yet, called after the project."""
    stem = "".join(char if char.isalnum() else "-" for char in name.lower()).strip("-")[:MAX_NAME] or "model"
    number = 1
    while (folder / f"{stem}-{number}.zip").exists():
        number += 1
    return folder / f"{stem}-{number}.zip"


def _sample_argument(facts: RunFacts) -> str:
    kind = facts.data.kind if facts.data is not None else "arrays"
    return {"texts": '--text "…"', "images": "photo.jpg", "audio": "sound.wav", "arrays": "inputs.npz"}[kind]


def without_front_matter(text: str) -> str:
    """The hub's header is for machines."""
    parts = text.split("---\n", 2)
    return parts[2].lstrip() if text.startswith("---\n") and len(parts) == 3 else text


def _no_folder(out: Path, error: OSError) -> ErrorInfo:
    return ErrorInfo(
        code="not_writable",
        title=tr("The bundle cannot be written there"),
        detail=tr("{0} cannot be made: {1}.").format(out.parent, error.strerror or os.strerror(error.errno or 0)),
        hint=tr("Choose another place."),
    )


CONTROLLER = ControllerSpec[ExportPage, ExportController](
    "export",
    lambda desk, page: ExportController(desk.window, page, desk.session, desk.flows),
    does=(on(EXPORT_VERSION, ExportController.choose),),
    is_done=lambda way: way.has_exports,
)
