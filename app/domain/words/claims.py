"""Put results of other computers into sentences, as somebody's claim."""

from app.domain.saved_result import SavedMachine, SavedResult, SavedVersion, Signer
from app.domain.words.outcome import range_words
from app.domain.words.results import VERDICT_WORDS, times
from workers.contracts.measured.sizes import bytes_words
from workers.contracts.translation import _, joined, localized, ngettext
from workers.contracts.wording import in_ms, in_sentence, percent, percent_of, percent_up, rounded_down


def machine_words(machine: SavedMachine) -> str:
    """Return a computer in words: "AMD EPYC 7B13, 2 cores, 8.0 GB"."""
    cores = ngettext("{0:,} core", "{0:,} cores", machine.cores).format(machine.cores)
    return joined((machine.processor, cores, bytes_words(machine.memory_bytes), *machine.cards), ", ")


def claim_words(result: SavedResult) -> str:
    """Return the main figures of a result: "on AMD EPYC 7B13, 2 cores, 8.0 GB: 38 ms, 1.5 times as fast"."""
    figures = [speed_words(result.main)]
    if result.main is result.original:
        figures.append(_("the original was kept"))
    return _("on {0}: {1}").format(machine_words(result.machine), joined(figures, ", "))


def speed_words(version: SavedVersion) -> str:
    """Return time and speedup of a version: "38 ms, 1.5 times as fast"; a lower bound is named as one."""
    figures = version.figures
    time = _("not measured") if figures.typical_ms is None else in_ms(figures.typical_ms)
    if figures.tokens_per_s is not None:
        time = _("{0} tokens a second").format(localized(figures.tokens_per_s, ",.1f"))
    if figures.speedup is None:
        return time
    if figures.under_load:
        return _("{0}, at least {1} times as fast").format(time, rounded_down(figures.speedup))
    return _("{0}, {1} times as fast").format(time, times(figures.speedup))


def basis_words(result: SavedResult, version: SavedVersion) -> str:
    """Return what a version's figures rest on: interval, the original's time, verdict, bounds and date."""
    figures, judged, original_ms = version.figures, version.verdict, result.original.figures.typical_ms
    bounds = ""
    if figures.speedup_low is not None and figures.speedup_high is not None:
        bounds = _("{0} times").format(range_words(figures.speedup_low, figures.speedup_high))
    before = _("original {0}").format(in_ms(original_ms)) if original_ms is not None and version.figures.speedup else ""
    found = ""
    if judged.n and version is not result.original:
        found = _("{0} (limit {1}): {2:,} of {3:,} changed").format(
            in_sentence(_(VERDICT_WORDS[judged.verdict])), percent_of(result.limit_pct), judged.changed, judged.n
        )
        if judged.loss_low is not None and judged.loss_high is not None:
            low, high = (max(0.0, bound) for bound in (judged.loss_low, judged.loss_high))
            found = _("{0}, loss {1} to {2}").format(found, percent(low), percent_up(high))
    return joined((bounds, before, found, result.measured_on.isoformat()), "; ")


def signer_words(signer: Signer, signed_by: str) -> str:
    """Return who signed a result; a key proves that the file is unchanged, and nothing about its owner."""
    key = signed_by[:16]
    if signer is Signer.NONE:
        return _("Not signed: anybody may have written or changed it.")
    if signer is Signer.OWN:
        return _("Signed by this computer's own key {0}.").format(key)
    if signer is Signer.KNOWN:
        return _("Signed by the key {0}, which you accepted before.").format(key)
    return _("Signed by the key {0}, which is not known here.").format(key)


def likeness_words(is_like: bool | None) -> str:
    """Return whether the computer is like the one that measured here; "" if that is unknown."""
    if is_like is None:
        return ""
    if is_like:
        return _("A computer like yours: same family of processors, same instructions and cores.")
    return _("Another kind of computer than yours.")
