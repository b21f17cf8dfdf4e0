"""Write the card's section on load: throughput by batch size, latency limit, cold start, energy, cost."""

from statistics import median

from workers.contracts.after.load import LOADGEN_WORDS, CapacityResult, CardLoad, ColdTimes, Paired, SweepResult
from workers.contracts.wording import in_ms
from workers.export.card.foreign import plain

NOTHING = "–"


def under_load(load: CardLoad) -> str:
    """Return the section as Markdown, figures with their count; rows without any measurement are left out."""
    versions = (load.original, load.this)
    currency = plain(load.currency)
    rows = {
        "Answers a second": [_rate(one.sweep) for one in versions],
        "90 % of single requests within": [_within(one.sweep) for one in versions],
        "Most requests a second": [_most(one.capacity) for one in versions],
        "Cold start, half within": [_cold(one.cold) for one in versions],
        f"Energy of {_energy_of(load)}": [plain(_energy(one.sweep)) for one in versions],
        "A million answers cost": [_cost(cost, currency) for cost in (load.original_cost, load.this_cost)],
    }
    lines = ["## Under load\n"]
    if load.paired is not None:
        lines.append(_ratio(load.paired) + "\n")
    lines += ["| | Original | This one |", "|---|---|---|"]
    lines += [f"| {name} | {cells[0]} | {cells[1]} |" for name, cells in rows.items() if set(cells) != {NOTHING}]
    most = "" if all(one.capacity is None for one in versions) else f" Most requests: {LOADGEN_WORDS}."
    lines.append(
        f"\n{load.seconds:g} s for each row on {plain(load.processor)}, {load.cores} cores, {load.made_at[:10]}.{most}"
    )
    if load.price_words:
        lines.append(f"Cost: {plain(load.price_words)}")
    return "\n".join(lines) + "\n"


def _ratio(paired: Paired) -> str:
    bounds, times = "", f"{paired.ratio:.2f} times the original's answers a second"
    if paired.ratio_low is not None and paired.ratio_high is not None:
        bounds = f" ({paired.ratio_low:.2f} to {paired.ratio_high:.2f} with 95 % confidence)"
    return f"{times}{bounds}, measured in turn, n {paired.n:,} of each."


def _rate(sweep: SweepResult | None) -> str:
    if sweep is None:
        return NOTHING
    best = sweep.best
    return f"{best.throughput_per_s:,.1f} (n {best.n:,}{f', batches of {best.batch}' if best.batch > 1 else ''})"


def _within(sweep: SweepResult | None) -> str:
    return NOTHING if sweep is None else in_ms(sweep.points[0].latency.p90_ms)


def _most(found: CapacityResult | None) -> str:
    if found is None:
        return NOTHING
    return f"{'none' if found.per_s is None else f'{found.per_s:,.1f}'} with 99 % within {found.limit_ms:g} ms"


def _cold(times: ColdTimes | None) -> str:
    if times is None:
        return NOTHING
    return f"{median(times.total_ms):.0f} ms, {max(times.total_ms):.0f} ms at most (n {len(times.total_ms)})"


def _energy_of(load: CardLoad) -> str:
    """Return the unit of energy: language models count tokens, because their answers have a fixed number of tokens."""
    sweeps = [one.sweep for one in (load.original, load.this) if one.sweep is not None]
    has_tokens = any(sweep.energy is not None and sweep.energy.tokens for sweep in sweeps)
    return "1,000 tokens, prompts read as well" if has_tokens else "an answer"


def _energy(sweep: SweepResult | None) -> str:
    used = sweep.energy if sweep is not None else None
    if used is None or used.joules is None:
        return NOTHING
    if used.tokens:
        return f"{1000 * used.joules / used.tokens:.3g} J ({used.source})"
    return f"{1000 * used.joules / used.answers:.3g} mJ ({used.source})"


def _cost(cost: float | None, currency: str) -> str:
    return NOTHING if cost is None else f"{cost:.3g} {currency}"
