"""A card's figures from a measurement to the store and into the documents."""

from documented import NOW, a_run, variant

from app.cli.tables import version_lines
from app.domain.outcome import SearchEnd, outcome_of
from app.domain.project import Project
from app.services.flow.workspace import Workspace
from app.services.records.card import read_cards, save_card_results
from app.services.records.documents import compare_document, run_document, variant_document
from workers.contracts.jobs import MeasureResult
from workers.contracts.measured.card_figures import CardEnergy, CardFigures, CardNote, Spread

ONE = Spread(p50_ms=1.0, mean_ms=1.0)
FIGURES = CardFigures(
    card="RTX 9", n=50, latency=Spread(p50_ms=1.5, mean_ms=1.5), to_card=ONE, compute=ONE, to_host=ONE, enqueue=ONE,
    throughput_per_s=1000.0, streams=2, energy=CardEnergy(joules=30, seconds=3, requests=3000, source="power"),
    notes=(CardNote(code="launch_bound", value=1.0),),
)  # fmt: skip
ENDED = outcome_of([], "speed", SearchEnd(planned=2, untried=0, limit_s=60.0, more_s=0.0))


def result(card: CardFigures | None) -> MeasureResult:
    return MeasureResult(load_ms=1, first_ms=1, peak_memory_bytes=9, device_ran="cuda:0", card=card)


def test_kept_with_its_version_and_told_by_every_document(space: Workspace) -> None:
    """Given sets of which the first took figures, Then they stand with the version, and `optimize`, `compare` and the
    lines of words tell them; a version without has no such key, and energy that no card tells is null, not 0."""
    versions = [variant("v1"), variant("v2", 2), variant("o", 0, is_baseline=True)]
    space.repositories.projects.add(Project("p", "P", "/m.onnx", "0" * 64, NOW, NOW))
    space.repositories.runs.add(a_run())
    for version in versions:
        space.repositories.variants.add(version)
    save_card_results(space.repositories, "v1", [result(FIGURES), result(None)])
    save_card_results(space.repositories, "v2", [result(None)])
    cards = read_cards(space.repositories, ["v1", "v2"])
    assert cards == {"v1": FIGURES}
    for document in (
        run_document(a_run(), versions, ENDED, cards=cards),
        compare_document(a_run(), versions, ENDED, cards=cards),
    ):
        first, second = document["variants"]
        assert first["card"]["compute"]["p50_ms"] == 1.0 and first["card"]["energy"]["per_request_mj"] == 10
        assert first["card"]["notes"] == [{"code": "launch_bound", "value": 1.0, "reasons": []}]
        assert "card" not in second and "card" not in document["baseline"]
    silent = variant_document(variant("v1"), card=FIGURES.model_copy(update={"energy": None}))
    assert silent["card"]["energy"] is None
    lines = list(version_lines(versions, None, cards=cards))
    assert "1.5 ms with copying, 1 ms computing alone" in lines[2] and "launch-bound" in lines[3]
    assert len(lines) == 5
