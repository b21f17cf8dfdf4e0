"""Format the hub's replies as values of the page; texts by strangers stay plain text."""

from dataclasses import replace

from app.controllers.hub.words import does_words
from app.controllers.words import error_value
from presets.starters import Starter
from widgets.pages.hub.value import HubDetailValue, HubListValue, HubRowValue
from widgets.parts.cards.error import ErrorValue
from widgets.parts.format import ago, big_count, size_bytes
from widgets.parts.text import Tone
from workers.contracts.error_info import ErrorInfo
from workers.contracts.hub import HubModel, HubModelResult
from workers.contracts.licenses import LICENSE_WORDS, LicenseVerdict
from workers.contracts.translation import _, joined
from workers.contracts.wording import capitalized

COMMIT_CHARS = 8
Fact = tuple[str, str, Tone]
NO_WAY_CODES = ("hub_unreachable", "hub_broke_off", "hub_offline", "hub_proxy", "hub_certificate")
WHO_CODES = ("hub_gated", "hub_log_in", "hub_bad_token", "hub_forbidden")
"""Error codes that a token or a log-in may resolve."""


def starters_value(starters: tuple[Starter, ...]) -> HubListValue:
    """Return the list before any search."""
    rows = []
    for starter in starters:
        mark = _("known to work") if starter.confirmed else _("not yet confirmed")
        rows.append(HubRowValue(HubModel(repo=starter.repo), _(starter.title), about=_(starter.about), mark=mark))
    note = _(
        "A few models to start with. The hub was not contacted yet. “Not yet confirmed” means that nobody has tried"
        " this download."
    )
    return HubListValue(tuple(rows), note, is_start=True)


def starter_detail(starter: Starter) -> HubDetailValue:
    """Return the details of a starter before a query to the hub."""
    owner, _unused, name = starter.repo.rpartition("/")
    facts: tuple[Fact, ...] = (
        (_("Does"), _(starter.about), ""),
        (_("Size"), _("known to the hub, which was not contacted yet"), ""),
    )
    return HubDetailValue(starter.repo, name, _("by {0}").format(owner), facts, action="look_up")


def row_detail(model: HubModel) -> HubDetailValue:
    """Return the details that the list contains, while the rest is being requested."""
    stated = model.verdict.title if model.verdict else model.license
    facts: tuple[Fact, ...] = (
        (_("Does"), does_words(model.task), ""),
        (_("License"), _(stated) if stated else _("none is stated"), ""),
    )
    known = tuple(fact for fact in facts if fact[1])
    by = _("by {0}").format(model.author or model.repo.rpartition("/")[0])
    return HubDetailValue(model.repo, model.name, by, known, is_loading=True)


def detail_value(model: HubModelResult, free_bytes: int, address: str, *, has_token: bool) -> HubDetailValue:
    """Return all known facts about one model and the possible action."""
    by = _("by {0}, version {1}").format(model.author or model.repo.rpartition("/")[0], model.commit[:COMMIT_CHARS])
    base = HubDetailValue(
        id=model.repo,
        name=model.name,
        by=by,
        facts=_facts(model, free_bytes),
        files=tuple((file.name, file.size_bytes) for file in model.wanted),
        has_card=bool(model.card.strip()),
        total_bytes=model.total_bytes or None,
        gated=(address, has_token, "") if model.gated and not has_token else None,
    )
    return _with_action(base, model, free_bytes)


def _with_action(base: HubDetailValue, model: HubModelResult, free_bytes: int) -> HubDetailValue:
    if model.needs_consent:
        problem = _("Its weights exist only in files that can contain a program.")
        return replace(base, action="consent", problem=problem)
    if not model.wanted:
        kinds = ", ".join(model.formats) or _("none that Fettle knows")
        problem = _("Fettle cannot open it: it has neither ONNX nor safetensors nor GGUF (formats: {0}).").format(kinds)
        return replace(base, problem=problem, gated=None)
    if model.total_bytes > free_bytes:
        problem = _("It needs {0} and only {1} are free on this disk. Settings can remove downloads.")
        return replace(base, problem=problem.format(size_bytes(model.total_bytes), size_bytes(free_bytes)))
    return base if base.gated else replace(base, action="download")


def _facts(model: HubModelResult, free_bytes: int) -> tuple[Fact, ...]:
    license_text, tone = license_fact(model.verdict, model.license)
    use = [_("{0} downloads").format(big_count(model.downloads))] if model.downloads else []
    if model.changed_at is not None:
        use.append(_("changed {0}").format(ago(model.changed_at)))
    size = _("{0}; {1} are free here").format(size_bytes(model.total_bytes), size_bytes(free_bytes))
    facts: list[Fact] = [
        (_("Does"), does_words(model.task), ""),
        (_("Size"), size if model.total_bytes else "", ""),
        (_("License"), license_text, tone),
        (_("Format"), *_format_fact(model)),
        (_("Safety"), _("checked after the download") if model.wanted else "", ""),
        (_("Used"), ", ".join(use), ""),
    ]
    return tuple(fact for fact in facts if fact[1])


def _format_fact(model: HubModelResult) -> tuple[str, Tone]:
    names = {file.name.rpartition(".")[2].lower() for file in model.wanted}
    if model.needs_consent or not model.safe:
        return _("PyTorch file: can contain a program"), "warn"
    if "onnx" in names:
        return _("ONNX: contains numbers and operations, no program"), ""
    if "safetensors" in names:
        return _("safetensors: contains numbers only, no program"), ""
    return ", ".join(model.formats), "" if model.wanted else "warn"


def license_fact(verdict: LicenseVerdict | None, stated: str | None) -> tuple[str, Tone]:
    """Return the license verdict as text and whether it needs attention."""
    if verdict is None:
        return stated or _("none is stated; ask the author"), "warn"
    text = verdict.sentence
    if verdict.word != "ok":
        text = joined([_("{0}.").format(_(LICENSE_WORDS[verdict.word])), capitalized(text)])
    return text, "warn" if verdict.word in ("noncommercial", "unknown") else ""


def problem_value(error: ErrorInfo) -> ErrorValue:
    """Return why the hub returned no list; without a connection, name what needs none."""
    value, is_away = error_value(error), error.code in NO_WAY_CODES
    more = _(" You can also drop your own file or try the sample: neither needs a network.") if is_away else ""
    return replace(
        value,
        is_safe=_("Yes. Nothing was changed, and everything on this computer keeps working."),
        next_step=value.next_step + more,
        tone="warn",
        icon="cloud-slash" if is_away else "warning-circle",
    )
