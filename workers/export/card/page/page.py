"""Write `card.html`: one file that is readable on screens, in dark mode, and on paper, with the card's figures.

markdown-it-py converts the sections of README.md to HTML. Above them are the verdict, the most important figures, and
the user's three statements.
"""

import html
from importlib.resources import files
from string import Template

from workers.contracts.bundles import CardFacts
from workers.contracts.wording import rounded_down
from workers.export.card.foreign import one_line
from workers.export.card.speed import AT_LEAST, bounds_of
from workers.export.card.text import NOT_SAID, figure, sections
from workers.pipeline.spec import PipelineSpec

CARD_FILE = "card.html"
ABOVE = ("What it is for", "What it is not for", "Verdict")
"""Sections that are shown above the others."""


def card_page(facts: CardFacts, spec: PipelineSpec, commands: tuple[str, ...]) -> str:
    """Return the whole page, from the same facts as `card`."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    _title, summary, *others = sections(facts, spec, commands)
    named = {heading(text): text for text in others}
    verdict = named["Verdict"].partition("\n")[2]
    shown = [(name, text) for name, text in named.items() if name not in ABOVE]
    body = [f'<section id="{_anchor(name)}">{_wide(markdown.render(text))}</section>' for name, text in shown]
    links = [f'<li><a href="#{_anchor(name)}">{html.escape(name)}</a></li>' for name, _ in shown]
    own = files("workers.export.card.page")
    return Template(own.joinpath("card.html").read_text(encoding="utf-8")).substitute(
        style=own.joinpath("card.css").read_text(encoding="utf-8"),
        title=html.escape(one_line(facts.title)),
        summary=markdown.render(summary),
        state=state_of(facts),
        verdict=markdown.render(verdict),
        tiles="\n".join(map(_tile, tiles(facts))),
        purpose=_stated(facts.purpose),
        not_for=_stated(facts.not_for),
        contact=_stated(facts.contact),
        links="\n".join(links),
        body="\n".join(body),
        made_at=html.escape(facts.made_at[:10]),
        version=html.escape(facts.fettle_version),
    )


def _wide(text: str) -> str:
    """Wrap tables, so that a table wider than a telephone's screen scrolls separately."""
    return text.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")


def heading(text: str) -> str:
    """Return the first line of a section without its marks."""
    return text.strip().partition("\n")[0].lstrip("# ")


def state_of(facts: CardFacts) -> str:
    """Return the color of the verdict: ``ok``, ``bad``, ``warn`` or ``plain``."""
    if facts.is_original:
        return "plain"
    return {"safe": "ok", "regressed": "bad"}.get(str(facts.variant.get("verdict")), "warn")


def tiles(facts: CardFacts) -> list[tuple[str, str, str]]:
    """Return the most important figures that were measured, each as (title, value, words next to it)."""
    this, original = facts.variant, facts.original
    found = []
    at_least, bounds = facts.speed.at_least, bounds_of(facts)
    if not facts.is_original and facts.speed.state == "at_least" and at_least is not None:
        found.append(("as fast as the original", f"≥ {rounded_down(at_least, 2)} ×", AT_LEAST))
    elif not facts.is_original and bounds is not None:
        times, low, high = (f"{value:.2f}" for value in bounds)
        found.append(("as fast as the original", f"{times} ×", f"{low} to {high} times (95 % confidence)"))
    for title, key, unit, low_key, high_key in (
        ("right answers", "accuracy", "pct", "accuracy_low", "accuracy_high"),
        ("answers as before", "agreement", "pct", "", ""),
        ("for one answer (mean)", "latency_mean_ms", "ms", "", ""),
        ("on the disk", "size_bytes", "bytes", "", ""),
    ):
        value = this.get(key)
        if not isinstance(value, int | float) or (facts.is_original and key == "agreement"):
            continue
        words = "" if facts.is_original or key == "agreement" else f"original: {figure(original.get(key), unit)}"
        ends = [figure(this.get(end), unit) for end in (low_key, high_key) if this.get(end) is not None]
        sure = f"{ends[0]} to {ends[1]} (95 % confidence)" if len(ends) == 2 else ""
        found.append((title, figure(value, unit), "; ".join(part for part in (sure, words) if part)))
    return found


def _tile(tile: tuple[str, str, str]) -> str:
    title, value, note = map(html.escape, tile)
    return f'<div class="tile"><b>{value}</b><span>{title}</span><small>{note}</small></div>'


def _stated(text: str) -> str:
    words = one_line(text)
    return html.escape(words) if words else f'<span class="unsaid">{NOT_SAID}</span>'


def _anchor(name: str) -> str:
    return "".join(char if char.isalnum() else "-" for char in name.lower())
