"""Write the comparison of two models as one self-contained page: it loads nothing, and runs only its own script."""

import base64
import hashlib
from pathlib import Path
from string import Template

from app.domain.drawing.svg import COLORS, plain, style, svg_of
from workers.contracts.after.change_words import (
    STATUS_WORDS,
    error_words,
    facts_of,
    ms_words,
    name_of,
    nodes_of,
    op_words,
    statuses_of,
    summary,
    worst_first,
)
from workers.contracts.after.changes import DiffResult, Reason
from workers.contracts.translation import _, joined, localized

MAX_ROWS = 5_000
POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'"
_FILES = Path(__file__).parent


def html_of(result: DiffResult, titles: tuple[str, str]) -> str:
    """Return the page: reasons, the picture in its levels, and the list of operators, the worst first.

    Texts of models are escaped. The page's policy allows no network, and of scripts and styles only its own by hash.

    Args:
        result: The comparison.
        titles: Names of both models.
    """
    script, sheet = (_FILES / "page.js").read_text(encoding="utf-8"), (_FILES / "page.css").read_text(encoding="utf-8")
    sheet += style() + "".join(f".key.{status}{{border-color:{pair[0]}}}" for status, pair in COLORS.items())
    pictures = (
        f'<div class="level"{"" if at == 0 else " hidden"}>{svg_of(result, titles, at, styled=False)}</div>'
        for at in range(len(result.levels))
    )
    nothing = _("There is no picture.")
    order = worst_first(result.nodes)
    left_out = len(order) - MAX_ROWS
    notes = [*map(_, result.notes)]
    if left_out > 0:
        notes.append(_("{0:,} more operators are not listed.").format(left_out))
    return Template((_FILES / "page.html").read_text(encoding="utf-8")).substitute(
        title=plain(_("What changed between {0} and {1}").format(*titles)),
        summary=plain(summary(result)),
        policy=f"{POLICY}; script-src {_hash(script)}; style-src {_hash(sheet)}",
        style=sheet,
        script=script,
        reasons="".join(_reason(reason, result) for reason in result.reasons),
        notes="".join(f"<p>{plain(note)}</p>" for note in notes),
        keys="".join(
            f'<span><i class="key {status}"></i>{plain(text)}: {localized(number)}</span>'
            for status, text, number in statuses_of(result)
        ),
        search=plain(_("Search by name or kind")),
        all=plain(_("Show all")),
        less=plain(_("Less detail")),
        more=plain(_("More detail")),
        pictures="".join(pictures) or f"<p>{plain(nothing)}</p>",
        columns="".join(f"<th>{plain(text)}</th>" for text in (_("Operator"), _("Error"), _("Time"))),
        rows="".join(_row(at, result) for at in order[:MAX_ROWS]),
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _reason(reason: Reason, result: DiffResult) -> str:
    places = nodes_of(reason, result.nodes)
    text = plain(joined([_(reason.text), _(reason.advice)]))
    if not places:
        return f"<li>{text}</li>"
    return f'<li><button data-nodes="{" ".join(map(str, places))}">{text}</button></li>'


def _row(at: int, result: DiffResult) -> str:
    node = result.nodes[at]
    tip = plain("\n".join(f"{caption}: {text}" for caption, text in facts_of(node)))
    about = plain(f"{_(STATUS_WORDS[node.status])}, {op_words(node)}")
    figures = f"<td>{plain(error_words(node))}</td><td>{plain(ms_words(node.ms_a, node.ms_b))}</td>"
    first = f"<td>{plain(name_of(node))}<small>{about}</small></td>"
    return f'<tr data-node="{at}" tabindex="0" title="{tip}">{first}{figures}</tr>'
