"""The page "Layers": looks into the original and the version that is chosen, and shows what is known."""

from PySide6.QtCore import QObject

from app.controllers.flows import FlowRunner, Running
from app.controllers.session import Session
from app.controllers.words import error_value, measured_now, tr
from app.domain.variant import Variant
from app.services.events import Event, JobBegan
from app.services.facts import RunFacts, read_facts
from app.services.layering import Looked, look_at_layers, lookable, looked_before
from app.services.steps import JobError
from widgets.main_window import MainWindow
from widgets.pages.layers import LayersPage
from widgets.pages.layers_values import LayersOf, LayersValue, LayerValue
from workers.contracts.errors import ErrorInfo
from workers.contracts.layers import Layer, LayersResult

PAGE = "layers"
ENGINES = {"onnxruntime-cpu": "ONNX Runtime", "onnxruntime-cuda": "ONNX Runtime (GPU)", "openvino": "OpenVINO"}


class LayersController(QObject):
    """Nothing is looked at before a person asks; one look at a time, and none while versions are measured."""

    def __init__(self, window: MainWindow, page: LayersPage, session: Session, flows: FlowRunner) -> None:
        super().__init__(page)
        self._window, self._page, self._session, self._flows = window, page, session, flows
        self._facts: RunFacts | None = None
        self._variant: Variant | None = None
        self._running: Running | None = None
        page.look_requested.connect(self.look)
        page.version_chosen.connect(self._on_version)
        page.compare_requested.connect(lambda: window.show_page("compare"))
        page.cancel_requested.connect(self._on_cancel)
        window.page_shown.connect(self._on_page_shown)
        session.run_changed.connect(self._on_run_changed)
        page.show_empty()
        self._on_page_shown(window.current_page)

    def _on_page_shown(self, page_id: str) -> None:
        if page_id == PAGE:
            self.show()

    def _on_run_changed(self) -> None:
        self._on_cancel()
        self._running = self._facts = self._variant = None
        self._on_page_shown(self._window.current_page)

    def show(self) -> None:
        """What is known about the version that was looked at last, else about the recommended one."""
        if self._running is not None:
            return
        run = self._session.run
        if run is None:
            self._page.show_empty()
            return
        try:
            self._facts = read_facts(self._session.workspace, run.id)
        except JobError as error:
            self._page.show_error(error_value(error.error))
            return
        versions = lookable(self._facts)
        wanted = self._session.looked_at
        self._variant = next((v for v in versions if v.id == wanted), None) or next(iter(versions), None)
        if self._variant is None:
            self._page.show_empty()
            return
        looked = looked_before(self._session.workspace, self._facts, self._variant)
        self._page.show_value(
            LayersValue(
                versions=tuple((v.id, v.title) for v in versions),
                chosen=self._variant.id,
                sides=tuple(layers_of(one.variant, one.result) for one in looked),
            )
        )

    def look(self) -> None:
        """Look into both; what was looked at before comes from the store."""
        facts, variant = self._facts, self._variant
        if facts is None or variant is None or self._running is not None:
            return
        if self._flows.runs:
            self._window.banner(measured_now())
            return
        self._page.show_loading(tr("Opening both versions"))
        running = self._flows.start(
            look_at_layers(self._session.workspace, facts, variant),
            title=tr("Look where the time goes"),
            on_done=lambda found: self._on_done(running, found),
            on_failed=lambda error: self._on_failed(running, error),
            on_cancelled=lambda: self._on_failed(running, None),
            observe=self._on_event,
        )
        self._running = running

    def _on_event(self, event: Event) -> None:
        if self._running is not None and isinstance(event, JobBegan):
            self._page.show_loading(tr("Each layer is timed while an example is answered"))

    def _on_done(self, running: Running, found: tuple[Looked, ...]) -> None:
        if running is self._running:
            self._running = None
            self.show()

    def _on_failed(self, running: Running, error: ErrorInfo | None) -> None:
        if running is not self._running:
            return
        self._running = None
        self.show()
        if error is not None:
            self._window.banner(error_value(error))

    def _on_cancel(self) -> None:
        if self._running is not None:
            self._flows.cancel(self._running)

    def _on_version(self, variant_id: str) -> None:
        self._session.looked_at = variant_id
        self.show()


def layers_of(variant: Variant, result: LayersResult) -> LayersOf:
    """One version's layers as the page shows them."""
    total = result.total_ms or 1.0
    return LayersOf(
        title=variant.title,
        engine=ENGINES.get(variant.runtime, variant.runtime),
        total_ms=result.total_ms,
        layers=tuple(_layer(layer, total) for layer in result.layers),
        part=result.part,
    )


def _layer(layer: Layer, total_ms: float) -> LayerValue:
    return LayerValue(
        order=layer.order,
        name=layer.name,
        kind=layer.kind,
        ms=layer.ms,
        share=layer.ms / total_ms,
        size_bytes=layer.size_bytes,
        precision=layer.precision,
        sensitivity=layer.sensitivity,
    )
