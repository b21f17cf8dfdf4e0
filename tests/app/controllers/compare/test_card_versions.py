"""Tests of Compare with versions for a GPU and for the processor: device, latencies, energy and cost."""

import dataclasses

from records import facts, variant

from app.controllers.compare.presenter import compare_value
from app.controllers.compare.sources import sources_of
from app.domain.variant import Measurement
from app.services.records.after_run import Price
from workers.contracts.measured.card_figures import AtOnce, CardEnergy, CardFigures, CardNote, Spread

ONE = Spread(p50_ms=1.0, mean_ms=1.0)
FIGURES = CardFigures(
    card="RTX 9", n=50, latency=Spread(p50_ms=1.5, mean_ms=1.5), to_card=ONE, compute=ONE, to_host=ONE, enqueue=ONE,
    throughput_per_s=2000.0, streams=2, energy=CardEnergy(joules=30, seconds=3, requests=3000, source="counter"),
    tried=(AtOnce(streams=1, throughput_per_s=1500.0), AtOnce(streams=2, throughput_per_s=2000.0)),
    notes=(CardNote(code="launch_bound", value=1.0),),
)  # fmt: skip
PRICE = Price(per_hour=3.6, currency="EUR", utilization=0.5)


def test_each_version_names_its_device() -> None:
    """Given versions on a GPU, on the processor and for GPUs elsewhere, then each names its device. Only the first has
    GPU figures, and the last one was not measured here."""
    on_card = dataclasses.replace(variant(1, p50_ms=1.0, speedup=2.0), runtime="tensorrt")
    ahead = dataclasses.replace(variant(2), runtime="tensorrt", measurement=Measurement(), state="answered")
    made = dataclasses.replace(facts(variant(0), on_card, ahead, best="v1"), cards={"v1": FIGURES}, price=PRICE)
    base, card, elsewhere = compare_value(made).versions
    assert base.device == "Runs on this processor."
    assert card.device == (
        "Runs on RTX 9: 1.5 ms with copying, 1 ms computing alone, 2,000 answers/s with 2 at once (1,500 with 1), 10 mJ an answer. "
        "A million answers cost 1 EUR."  # 3.60 an hour over 2000 a second at work half of the time
    )
    assert any("launch-bound" in note for note in card.notes)
    assert elsewhere.device == "For NVIDIA cards, and there is none here: not measured here."
    alone = facts(variant(0), variant(1, p50_ms=1.0, speedup=2.0), best="v1")
    assert {version.device for version in compare_value(alone).versions} == {""}


def test_slower_card_is_named() -> None:
    """Given a GPU whose best time is above the processor's, then only its versions state that; a faster GPU has no such
    note."""
    slow = dataclasses.replace(variant(1, p50_ms=9.0, speedup=0.4), runtime="tensorrt")
    own = variant(2, p50_ms=2.0, speedup=2.0)
    devices = {one.id: one.device for one in compare_value(facts(variant(0), slow, own, best="v2")).versions}
    assert "the graphics card is slower than this processor: 9 ms at best, and 2 ms there" in devices["v1"]
    assert "slower" not in devices["v2"] + devices["v0"]
    fast = dataclasses.replace(slow, measurement=variant(1, p50_ms=1.0, speedup=4.0).measurement)
    assert not any("slower" in one.device for one in compare_value(facts(variant(0), fast, own, best="v1")).versions)


def test_latency_sources_list_the_times_of_the_card() -> None:
    """Given the sources of a GPU latency, then they list the parts by the GPU's clock and the source of the energy."""
    on_card = dataclasses.replace(variant(1, p50_ms=1.0, speedup=2.0), runtime="tensorrt")
    made = dataclasses.replace(facts(variant(0), on_card, best="v1"), cards={"v1": FIGURES})
    figures = dict(sources_of(made, on_card, [1.0])[0].pairs)
    assert figures["On the card, with copying"] == "1.5 ms, 50 requests"
    assert figures["Answers a second, 1 at once"] == "1,500"
    assert figures["Energy of one answer"] == "10 mJ, by the card's counter over 3 s"
