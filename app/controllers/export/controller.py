"""Control the page Export: target, three questions, checks, preview of the model card and one button."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices

from app.controllers.commands import (
    ANSWER_FOLDER,
    EXPORT_VERSION,
    PUT_ON_DESKTOP,
    RELEASE_EXPORT,
    TRY_ON_PHONE,
    WRITE_VERSION,
    on,
)
from app.controllers.export.presenter import (
    another_version,
    checks,
    free_path,
    no_folder,
    offered_targets,
    reason_needed,
    result_checks,
    stage_checks,
    translated,
)
from app.controllers.export.progress import ExportProgress, usual_export_s
from app.controllers.export.proving import TargetProof, offered
from app.controllers.installing import Installing
from app.controllers.page_controller import ControllerContext, ControllerSpec, PageController
from app.controllers.run_facts import open_facts
from app.controllers.running import JobSlot
from app.controllers.serving import ServingController
from app.controllers.session import Session
from app.controllers.words import error_value
from app.domain.job import ExportRecord
from app.domain.variant import Variant
from app.paths import DataFolderUnusable
from app.services.after.exporting import Exported, ExportRequest, card_facts, export
from app.services.after.fitting import fallback_bytes, falls_back_usually, fitting, instead_of, target_at_once
from app.services.after.trying.showing import card_preview
from app.services.machine.optional_sets import Installer
from app.services.records.facts import RunFacts
from app.services.release.record import number_of
from app.signing_key import can_sign, fingerprint, make_own_key, own_key
from widgets.commands import Command
from widgets.pages.export.page import ExportPage
from widgets.pages.export.value import ExportValue
from workers.contracts.error_info import ErrorInfo
from workers.contracts.optional_sets import OptionalSet
from workers.contracts.specs import DescribedTarget
from workers.contracts.translation import _

NO_TARGET = DescribedTarget(id="", title="", available=False)
"""Placeholder until this computer is described; the first target that works replaces it."""


class ExportController(PageController[ExportPage]):
    """Controller of the page Export for the chosen version, else the recommended one, else the original.

    `_job` writes the bundle.
    """

    def __init__(self, context: ControllerContext, page: ExportPage, installer: Installer | None = None) -> None:
        """Create the controller; `installer` None means the program's own installer."""
        super().__init__(context, page)
        session, flows = context.session, context.flows
        self._installing = Installing(context, page, self._sets, installer)
        self._facts: RunFacts | None = None
        self._wanted: Variant | None = None
        self._variant: Variant | None = None
        self._value: ExportValue | None = None
        self._target = NO_TARGET
        self._card_page = ""
        self._progress = ExportProgress(page)
        self._previewing = JobSlot(flows)
        self._exported: ExportRecord | None = None
        page.export_requested.connect(self._on_export)
        page.answers_changed.connect(self._on_answers)
        page.path_chosen.connect(self._on_path)
        page.target_chosen.connect(self._on_target)
        page.reason_given.connect(lambda reason: self._change(reason=reason))
        page.fallback_chosen.connect(lambda is_chosen: self._change(shows=True, fallback=is_chosen))
        page.open_folder_requested.connect(self._on_open_folder)
        page.read_card_requested.connect(self._on_read_card)
        page.again_requested.connect(self.show)
        page.cancel_requested.connect(self._job.cancel)
        page.sign_chosen.connect(lambda is_chosen: self._change(sign=is_chosen))
        page.release_requested.connect(self._on_release)
        page.folder_requested.connect(lambda: self._use_here(ANSWER_FOLDER))
        page.desktop_requested.connect(lambda: self._use_here(PUT_ON_DESKTOP))
        page.phone_requested.connect(lambda: self._use_here(TRY_ON_PHONE))
        self._installing.installed.connect(self._on_installed)
        page.prove_requested.connect(self._on_prove)
        self._proof = TargetProof(context, page, self._on_proof_changed)
        session.run_changed.connect(self.show)
        session.described_changed.connect(self._on_described)
        ServingController(context, page, page.service)
        self.show()

    def shown(self) -> None:
        """Show which release the bundle became meanwhile."""
        self._page.show_released(self._released())

    def choose(self, variant_id: str) -> None:
        """Show this version; during an export its progress is shown instead."""
        if not self._job.is_busy:
            self._load(variant_id)
        self._window.show_page("export")

    def write(self, variant_id: str) -> None:
        """Export this version at once with the last settings; the form is shown if a question is open."""
        is_shown = self._page.state == "full" and self._wanted is not None and self._wanted.id == variant_id
        if not self._job.is_busy and not is_shown:
            self._load(variant_id)
        self._window.show_page("export")
        facts, wanted = self._facts, self._wanted
        if not self._job.is_busy and facts is not None and wanted is not None:
            target = target_at_once(self._targets(), self._settings.value.export_target, facts, wanted)
            if target is not None and target.id == self._target.id:
                self._page.start()

    def show(self) -> None:
        """Show the recommended version, unless an export runs."""
        if not self._job.is_busy:
            self._load(None)

    def _load(self, variant_id: str | None) -> None:
        self._wanted = self._variant = self._value = None
        facts = self._facts = open_facts(self._session, self._page)
        if facts is None:
            return
        self._wanted = facts.variant(variant_id) or facts.recommended or facts.baseline
        self._value = self._make_value(facts, self._wanted)
        self._page.show_value(self._value)
        self._installing.weigh(*self._sets())
        self._preview()

    def _make_value(self, facts: RunFacts, wanted: Variant) -> ExportValue:
        """Return the form for the version that the target takes: the wanted one, or the best that it can run."""
        project = facts.project
        targets = tuple(offered(row, facts, wanted) for row in self._targets())
        usable = [row for row in targets if row.available]
        last_id = self._settings.value.export_target
        kept = next((row for row in usable if row.id == last_id), None)
        target = self._target = kept or next(iter(usable), NO_TARGET)
        variant = self._variant = fitting(target, facts, wanted) if target.id else wanted
        return ExportValue(
            targets=offered_targets(targets, self._installing.set_value),
            target=target.id,
            path=free_path(facts, target),
            card="",
            checks=(*another_version(variant, wanted), *checks(facts, variant), *stage_checks(target.stages)),
            purpose=project.purpose,
            not_for=project.not_for,
            contact=project.contact,
            reason_needed=reason_needed(facts, variant),
            checks_on_export=len(target.stages),
            questions=tuple(translated(question) for question in target.questions),
            sign_key=fingerprint(own_key(self._session.workspace.paths)),
            can_sign=can_sign(),
            sign_needs=None if can_sign() else self._installing.set_value("sign"),
            fallback_bytes=fallback_bytes(target, facts, variant),
            fallback=falls_back_usually(target, facts, variant),
            seconds=usual_export_s(self._session.workspace),
            prove=self._proof.offer(target, facts, wanted),
        )

    def _sets(self) -> tuple[OptionalSet | None, ...]:
        """Return the sets that targets and the signature may miss."""
        return (*(row.installs for row in self._targets()), None if can_sign() else "sign")

    def _on_installed(self) -> None:
        if self._wanted is not None and not self._job.is_busy and self._page.state == "full":
            self._load(self._wanted.id)

    def _targets(self) -> tuple[DescribedTarget, ...]:
        described = self._session.described
        return described.targets if described is not None else ()

    def _on_target(self, target_id: str) -> None:
        """Select another target with its questions, stages and run instructions; the user's answers stay."""
        facts, wanted, value = self._facts, self._wanted, self._value
        target = next((row for row in self._targets() if row.id == target_id), None)
        if target is None or facts is None or wanted is None or value is None or self._job.is_busy:
            return
        is_default = value.path == free_path(facts, self._target)
        path = value.path.removesuffix(self._target.suffix) + target.suffix
        self._target = target
        self._settings.try_to_save(export_target=target_id)
        self._value = replace(
            self._make_value(facts, wanted),
            path=free_path(facts, target) if is_default else path,
            card=value.card,
            purpose=value.purpose,
            not_for=value.not_for,
            contact=value.contact,
            reason=value.reason,
            sign=value.sign,
        )
        self._page.show_value(self._value)
        self._preview()

    def _change(self, *, shows: bool = False, **changes: Any) -> None:
        """Change the form; `shows` draws it again."""
        if self._value is not None:
            self._value = replace(self._value, **changes)
            if shows:
                self._page.show_value(self._value)

    def _on_prove(self) -> None:
        if self._facts is not None and self._wanted is not None and not self._job.is_busy:
            self._proof.start(self._target, self._facts, self._wanted)

    def _on_proof_changed(self, wanted_id: str) -> None:
        if not self._job.is_busy:
            self._load(wanted_id)

    def _use_here(self, command: Command[[str], None]) -> None:
        if self._variant is not None:
            self._commands.do(command, self._variant.id)

    def _on_release(self) -> None:
        if self._released() is not None:
            self._window.show_page("releases")
        elif self._exported is not None:
            self._commands.do(RELEASE_EXPORT, self._exported)

    def _released(self) -> int | None:
        """Return which release the bundle became that is shown as done."""
        if self._exported is None or self._facts is None or self._page.state != "done":
            return None
        return number_of(self._session.workspace.repositories, self._facts.project.id, self._exported.sha256)

    def _preview(self) -> None:
        facts, variant, value, described = self._facts, self._variant, self._value, self._session.described
        if facts is None or variant is None or value is None or described is None or not value.target:
            return
        request = ExportRequest(
            variant.id, value.target, Path(value.path), None, value.purpose, value.not_for, value.contact
        )
        card = card_facts(facts, variant, request, described.device)
        card = card.model_copy(update={"instead_of": instead_of(self._target, facts, variant)})
        self._start(card_preview(facts, card, value.target), self._on_card, slot=self._previewing)

    def _on_card(self, text: str) -> None:
        if self._value is None:
            return
        self._change(shows=not self._job.is_busy, card=text)
        if self._job.is_busy:
            self._page.show_card(text)

    def _on_answers(self, purpose: str, not_for: str, contact: str) -> None:
        self._session.change(purpose=purpose, not_for=not_for, contact=contact)
        self._change(purpose=purpose, not_for=not_for, contact=contact)
        self._preview()

    def _on_path(self, path: str) -> None:
        if self._value is not None:
            suffix = "" if path.lower().endswith(self._value.suffix) else self._value.suffix
            self._change(shows=True, path=path + suffix)

    def _on_export(self, wanted: ExportValue) -> None:
        facts, variant = self._facts, self._variant
        if facts is None or variant is None or self._job.is_busy:
            return
        self._session.change(purpose=wanted.purpose, not_for=wanted.not_for, contact=wanted.contact)
        out = Path(wanted.path)
        try:
            key = make_own_key(self._session.workspace.paths) if wanted.sign else None
            out.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self._on_failed(no_folder(out, error))
            return
        except DataFolderUnusable as problem:
            self._on_failed(problem.info())
            return
        request = ExportRequest(
            variant.id, wanted.target, out, wanted.reason or None,
            wanted.purpose, wanted.not_for, wanted.contact, wanted.answers, key, wanted.fallback,
        )  # fmt: skip
        usual_s = usual_export_s(self._session.workspace)
        self._progress.begin(self._target, out, checks(facts, variant), usual_s)
        self._start(
            export(self._session.workspace, facts, request),
            self._on_done,
            title=_("Export {0}").format(out.name),
            on_failed=self._on_failed,
            on_cancelled=self._on_cancelled,
            observe=self._progress.take,
        )

    def _on_described(self) -> None:
        """Show the targets again after a new description of the computer."""
        value, facts, wanted = self._value, self._facts, self._wanted
        is_form = not self._job.is_busy and self._page.state == "full"
        if value is None or facts is None or wanted is None or not is_form:
            return
        offers = [offered(row, facts, wanted) for row in self._targets()]
        rows = offered_targets(offers, self._installing.set_value)
        if value.targets != rows or value.can_sign != can_sign() or not value.card:
            self._load(wanted.id)

    def _on_done(self, exported: Exported) -> None:
        self._progress.end()
        self._exported = exported.record
        self._session.exported.emit()
        facts, variant = self._facts, self._variant
        if facts is None or variant is None:
            return
        self._card_page = exported.result.card_page
        result = exported.result.model_copy(update={"path": str(exported.path)})
        self._page.show_done(result, exported.target, (*checks(facts, variant), *result_checks(exported)))

    def _on_failed(self, error: ErrorInfo) -> None:
        self._progress.end()
        self._page.show_error(error_value(error, page_title=_("The bundle was not written")))

    def _on_cancelled(self) -> None:
        self._progress.end()
        self.show()

    def _on_read_card(self) -> None:
        """Open the bundle's page in the browser from a file, which the window removes when it closes or starts next."""
        path = self._card_folder / "card.html"
        try:
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.write_text(self._card_page, encoding="utf-8")
        except OSError as error:
            self._report(no_folder(path, error))
            return
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(path)))

    @property
    def _card_folder(self) -> Path:
        return self._session.workspace.job_dir("card")

    def stop(self) -> None:
        """Remove the file of the model card that the browser showed."""
        shutil.rmtree(self._card_folder, ignore_errors=True)

    @staticmethod
    def _on_open_folder(path: str) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(Path(path).parent)))


def has_exports(session: Session) -> bool:
    """Return whether a version of the open run was exported."""
    return session.run is not None and bool(session.workspace.repositories.exports.list(run_id=session.run.id))


CONTROLLER = ControllerSpec(
    "export",
    ExportController,
    does=(on(EXPORT_VERSION, ExportController.choose), on(WRITE_VERSION, ExportController.write)),
    is_done=lambda session, _is_running: has_exports(session),
)
