"""The card's section on load: scenarios of MLCommons LoadGen, cold start, cost; only what was measured."""

from collections.abc import Callable
from statistics import median

from workers.contracts.after.load import LOADGEN_WORDS, CardLoad, ColdTimes, Scenario, ScenarioResult
from workers.contracts.wording import in_ms

TITLES: dict[Scenario, str] = {
    "single-stream": "Single stream",
    "multi-stream": "Multi-stream",
    "server": "Server",
    "offline": "Offline",
}
NOTHING = "–"


def under_load(load: CardLoad, plain: Callable[[str], str]) -> str:
    """The section as Markdown, figures with their count; what LoadGen calls invalid is told as such.

    `plain` makes foreign text harmless: names of processors and GPUs, currencies, words about prices.
    """
    lines = ["## Under load\n"]
    if load.ratio is not None:
        lines.append(_ratio(load) + "\n")
    lines += ["| | Original | This one |", "|---|---|---|"]
    for scenario, title in TITLES.items():
        original, this = _find(load.original, scenario), _find(load.this, scenario)
        if original is not None or this is not None:
            lines.append(f"| {title}, answers a second | {_rate(original)} | {_rate(this)} |")
            lines.append(f"| {title}, 90 % within | {_within(original)} | {_within(this)} |")
    lines.append(f"| Cold start, half within | {_cold(load.original_cold)} | {_cold(load.this_cold)} |")
    energy = [plain(_energy(_find(results, "offline"))) for results in (load.original, load.this)]
    if any(text != NOTHING for text in energy):
        what = "1,000 tokens, prompts read as well" if _tells_tokens(load) else "an answer"
        lines.append(f"| Energy of {what} | {energy[0]} | {energy[1]} |")
    if load.this_cost is not None or load.original_cost is not None:
        costs = [_cost(cost, plain(load.currency)) for cost in (load.original_cost, load.this_cost)]
        lines.append(f"| A million answers cost | {costs[0]} | {costs[1]} |")
    lines.append(
        f"\n{load.seconds:g} s a scenario on {plain(load.processor)}, {load.cores} cores, {load.made_at[:10]}; "
        f"{LOADGEN_WORDS}."
    )
    if load.price_words:
        lines.append(f"Cost: {plain(load.price_words)}")
    return "\n".join(lines) + "\n"


def _ratio(load: CardLoad) -> str:
    bounds = ""
    if load.ratio_low is not None and load.ratio_high is not None:
        bounds = f" ({load.ratio_low:.2f} to {load.ratio_high:.2f} with 95 % confidence)"
    return f"{load.ratio:.2f} times the original's answers a second{bounds}, measured in turn, n {load.n:,} of each."


def _find(results: tuple[ScenarioResult, ...], scenario: Scenario) -> ScenarioResult | None:
    return next((found for found in results if found.scenario == scenario), None)


def _rate(found: ScenarioResult | None) -> str:
    if found is None:
        return NOTHING
    if not found.valid:
        return "not valid"
    return f"{found.throughput_per_s:,.1f} (n {found.n:,}{f', batches of {found.batch}' if found.batch > 1 else ''})"


def _within(found: ScenarioResult | None) -> str:
    return NOTHING if found is None or not found.valid else in_ms(found.latency.p90_ms)


def _cold(times: ColdTimes | None) -> str:
    if times is None:
        return NOTHING
    return f"{median(times.total_ms):.0f} ms, {max(times.total_ms):.0f} ms at most (n {len(times.total_ms)})"


def _tells_tokens(load: CardLoad) -> bool:
    """A language model's: its answers are as long as was asked for, so its tokens are counted."""
    return any(row.energy is not None and row.energy.tokens for row in (*load.original, *load.this))


def _energy(found: ScenarioResult | None) -> str:
    used = found.energy if found is not None else None
    if used is None or used.joules is None:
        return NOTHING
    if used.tokens:
        return f"{1000 * used.joules / used.tokens:.3g} J ({used.source})"
    return f"{1000 * used.joules / used.answers:.3g} mJ ({used.source})"


def _cost(cost: float | None, currency: str) -> str:
    return NOTHING if cost is None else f"{cost:.3g} {currency}"
