"""Format the hub's replies as values of the page; texts by strangers stay plain text."""

from dataclasses import replace
from datetime import UTC, datetime

from app.controllers.hub.words import does_words
from app.controllers.words import error_value, tr
from app.domain.hub import format_kind
from presets.starters import Starter
from widgets.pages.hub.value import FactValue, GatedValue, HubDetailValue, HubListValue, HubRowValue
from widgets.parts.cards.error import ErrorValue
from widgets.parts.format import ago, big_count, size_bytes
from widgets.parts.text import Tone
from workers.contracts.errors import ErrorInfo
from workers.contracts.hub import HubModel, HubModelResult
from workers.contracts.licenses import LICENSE_WORDS, LicenseVerdict

COMMIT_CHARS = 8
NO_WAY_CODES = ("hub_unreachable", "hub_broke_off", "hub_offline", "hub_proxy", "hub_certificate")
WHO_CODES = ("hub_gated", "hub_log_in", "hub_bad_token", "hub_forbidden")
"""Error codes that a token or a log-in may resolve."""


def split_repo(repo: str) -> tuple[str, str]:
    """Return (owner, name) of a repository."""
    owner, _, name = repo.rpartition("/")
    return owner, name


def when(text: str | None) -> datetime | None:
    """Return the time of a hub reply; None if the text is no time."""
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def row_value(model: HubModel, memory_bytes: int | None) -> HubRowValue:
    """Return one row of the list."""
    owner, name = split_repo(model.repo)
    verdict = model.verdict
    return HubRowValue(
        id=model.repo,
        name=name,
        author=model.author or owner,
        does=does_words(model.task),
        license=verdict.title if verdict else model.license or "",
        license_kind=verdict.word if verdict else "unknown",
        license_words=LICENSE_WORDS[verdict.word] if verdict else "",
        size_bytes=model.size_bytes,
        downloads=model.downloads,
        updated_at=when(model.updated_at),
        format=format_kind(model, memory_bytes),
        gated=model.gated,
    )


def starters_value(starters: tuple[Starter, ...]) -> HubListValue:
    """Return the list before any search."""
    rows = []
    for starter in starters:
        owner, name = split_repo(starter.repo)
        mark = tr("known to work") if starter.confirmed else tr("not yet confirmed")
        rows.append(HubRowValue(starter.repo, name, owner, starter.title, about=starter.about, mark=mark))
    note = tr("Some to begin with. The hub was not asked yet; “not yet confirmed”: nobody has tried it from there.")
    return HubListValue(tuple(rows), note, is_start=True)


def starter_detail(starter: Starter) -> HubDetailValue:
    """Return the details of a starter before a query to the hub."""
    owner, name = split_repo(starter.repo)
    facts = (FactValue(tr("Does"), starter.about), FactValue(tr("Size"), tr("the hub knows it; it was not asked yet")))
    return HubDetailValue(starter.repo, name, tr("by {0}").format(owner), facts, action="look_up")


def row_detail(row: HubRowValue) -> HubDetailValue:
    """Return the details that the list contains, while the rest is being requested."""
    facts = (FactValue(tr("Does"), row.does), FactValue(tr("License"), row.license or tr("none is stated")))
    known = tuple(fact for fact in facts if fact.value)
    return HubDetailValue(row.id, row.name, tr("by {0}").format(row.author), known, is_loading=True)


def detail_value(found: HubModelResult, free_bytes: int, address: str, *, has_token: bool) -> HubDetailValue:
    """Return all known facts about one model and the possible action."""
    owner, name = split_repo(found.repo)
    by = tr("by {0}, version {1}").format(found.author or owner, found.commit[:COMMIT_CHARS])
    base = HubDetailValue(
        id=found.repo,
        name=name,
        by=by,
        facts=_facts(found, free_bytes),
        files=tuple((file.name, file.size_bytes) for file in found.wanted),
        has_card=bool(found.card.strip()),
        total_bytes=found.total_bytes or None,
        gated=GatedValue(address, has_token) if found.gated and not has_token else None,
    )
    return _with_action(base, found, free_bytes)


def _with_action(base: HubDetailValue, found: HubModelResult, free_bytes: int) -> HubDetailValue:
    if found.needs_consent:
        problem = tr("Its numbers are only there in files that can hold a program.")
        return replace(base, action="consent", problem=problem)
    if not found.wanted:
        kinds = ", ".join(found.formats) or tr("none that Fettle knows")
        problem = tr("Fettle cannot open it: it has neither ONNX nor safetensors nor GGUF (formats: {0}).").format(
            kinds
        )
        return replace(base, problem=problem, gated=None)
    if found.total_bytes > free_bytes:
        problem = tr("It needs {0} and only {1} are free on this disk. Settings can remove downloads.")
        return replace(base, problem=problem.format(size_bytes(found.total_bytes), size_bytes(free_bytes)))
    return base if base.gated else replace(base, action="download")


def _facts(found: HubModelResult, free_bytes: int) -> tuple[FactValue, ...]:
    license_text, tone = license_fact(found.verdict, found.license)
    use = [tr("{0} downloads").format(big_count(found.downloads))] if found.downloads else []
    changed = when(found.updated_at)
    if changed is not None:
        use.append(tr("changed {0}").format(ago(changed)))
    size = tr("{0}; {1} are free here").format(size_bytes(found.total_bytes), size_bytes(free_bytes))
    facts = [
        FactValue(tr("Does"), does_words(found.task)),
        FactValue(tr("Size"), size if found.total_bytes else ""),
        FactValue(tr("License"), license_text, tone),
        FactValue(tr("Format"), *_format_fact(found)),
        FactValue(tr("Safety"), tr("checked after the download") if found.wanted else ""),
        FactValue(tr("Used"), ", ".join(use)),
    ]
    return tuple(fact for fact in facts if fact.value)


def _format_fact(found: HubModelResult) -> tuple[str, Tone]:
    names = {file.name.rpartition(".")[2].lower() for file in found.wanted}
    if found.needs_consent or not found.safe:
        return tr("PyTorch file: may hold a program"), "warn"
    if "onnx" in names:
        return tr("ONNX: holds numbers and operations, no program"), ""
    if "safetensors" in names:
        return tr("safetensors: holds numbers only, no program"), ""
    return ", ".join(found.formats), "" if found.wanted else "warn"


def license_fact(verdict: LicenseVerdict | None, stated: str | None) -> tuple[str, Tone]:
    """Return the license verdict as text and whether it needs attention."""
    if verdict is None:
        return stated or tr("none is stated; ask the author"), "warn"
    text = verdict.sentence
    if verdict.word != "ok":
        text = f"{LICENSE_WORDS[verdict.word]}. {text[:1].upper()}{text[1:]}"
    return text, "warn" if verdict.word in ("noncommercial", "unknown") else ""


def problem_value(error: ErrorInfo) -> ErrorValue:
    """Return why the hub returned no list; without a connection, name what needs none."""
    value = error_value(error)
    is_away = error.code in NO_WAY_CODES
    more = tr(" Or drop a file of your own, or try the sample: they need no network.") if is_away else ""
    return ErrorValue(
        title=value.title,
        happened=value.happened,
        is_safe=tr("Yes. Nothing was changed, and all that is on this computer goes on working."),
        next_step=value.next_step + more,
        details=value.details,
        tone="warn",
        icon="cloud-slash" if is_away else "warning-circle",
    )
