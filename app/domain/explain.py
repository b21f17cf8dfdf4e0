"""Why a version won, why 8 bits lost, and what to expect on another processor: sentences from measured facts only."""

from collections.abc import Sequence

from app.domain.choose import TIE_SHARE, is_faster, is_safe, may_win
from app.domain.variant import Variant
from app.domain.words import times
from workers.contracts.specs import DeviceFacts
from workers.contracts.wording import percent

INT8 = ("int8_static", "int8_dynamic", "int8_mixed", "nncf_int8")
FAST_INT8 = frozenset({"avx512_vnni", "avx_vnni", "amx_int8", "neon_i8mm"})
SHARES_BF16 = ("bf16", "precision_by_operator", "cascade")

FEATURE_WORDS = {
    "amx_bf16": "AMX (BF16)",
    "amx_int8": "AMX (INT8)",
    "avx512_bf16": "AVX-512 BF16",
    "avx512_vnni": "AVX-512 VNNI",
    "avx_vnni": "AVX VNNI",
    "avx512": "AVX-512",
    "avx2": "AVX2",
    "neon_bf16": "NEON BF16",
    "neon_i8mm": "NEON I8MM",
}
BF16_FEATURES = ("amx_bf16", "avx512_bf16", "neon_bf16")
INT8_FEATURES = ("amx_int8", "avx512_vnni", "avx_vnni", "neon_i8mm")


def why_it_won(best: Variant | None, tried: Sequence[Variant]) -> tuple[str, ...]:
    """Sentences about the recommended version beside the next one; none where nothing is recommended."""
    if best is None or best.measurement.speedup is None:
        return ()
    rivals = [v for v in tried if not v.is_baseline and v.id != best.id and v.state == "confirmed"]
    held = sorted((v for v in rivals if may_win(v) and is_faster(v)), key=_p50)
    n = 1 + len(held)
    said = [
        f"“{best.title}” is {times(best.measurement.speedup)} times as fast as the original, measured in turn with it."
    ]
    if not held:
        if not any(v.measurement.n and may_win(v) and not v.is_side_by_side for v in tried if not v.is_baseline):
            said.append("No other version was both faster than the original and within your limit.")
        return tuple(said)
    gap = _p50(held[0]) / _p50(best)
    if gap > 1 + TIE_SHARE:
        said.append(
            f"Of {n} versions that are faster and within your limit it is the fastest: "
            f"“{held[0].title}” takes {gap:.2f} times as long."
        )
    elif gap < 1 - TIE_SHARE:
        unproven = is_safe(best) and not is_safe(held[0])
        why = (
            "its answers are not proven to stay alike, and what is proven goes first"
            if unproven
            else "your goal puts something else before speed"
        )
        said.append(f"“{held[0].title}” takes only {gap:.2f} times as long, but {why}.")
    else:
        said.append(
            f"“{held[0].title}” is as fast within {percent(TIE_SHARE, 0)}, which is noise; of two such the one that "
            f"changes fewer answers is taken."
        )
    return tuple(said)


def why_int8_lost(best: Variant | None, tried: Sequence[Variant], device: DeviceFacts | None) -> tuple[str, ...]:
    """Why 8 bits are not recommended here; none where they are, or where none were tried."""
    eights = [v for v in tried if _uses(v, INT8) and v.measurement.n]
    if not eights or (best is not None and _uses(best, INT8)):
        return ()
    said = []
    if device is not None and device.features and not FAST_INT8 & set(device.features):
        said.append("This processor has no fast 8-bit instructions, so 8 bits gain little or nothing here.")
    for variant in eights:
        judgement, speed = variant.judgement, variant.measurement.speedup
        parts = []
        if judgement is not None and judgement.agreement is not None and not may_win(variant):
            parts.append(f"only {percent(judgement.agreement)} of its answers are like the original's")
        if speed is not None and speed <= 1.0:
            parts.append(f"it takes {1 / speed:.2f} times as long as the original")
        elif best is not None and best.measurement.latency_p50_ms and _p50(variant) > _p50(best) and may_win(variant):
            parts.append(f"it takes {_p50(variant) / _p50(best):.2f} times as long as “{best.title}”")
        kept = [note for note in variant.notes if "layers" in note and "8 bits" in note]
        if parts:
            said.append(" ".join((f"“{variant.title}”: {' and '.join(parts)}.", *kept[:1])))
    return tuple(said)


def portability(best: Variant | None, tried: Sequence[Variant], device: DeviceFacts | None) -> tuple[str, ...]:
    """What was measured where, and what to expect elsewhere: the second is said to be expected, and from what.

    Elsewhere a version in 16-bit numbers computes in 32, as the one of the same engine that was measured here.
    """
    if best is None or device is None or not device.features:
        return ()
    needed = [*(BF16_FEATURES if _uses(best, SHARES_BF16) else ()), *(INT8_FEATURES if _uses(best, INT8) else ())]
    used = [FEATURE_WORDS[name] for name in needed if name in device.features]
    where = f"Measured on {device.processor} with {device.cores} cores"
    if not used:
        top = next((FEATURE_WORDS[name] for name in ("avx512", "avx2") if name in device.features), "")
        return (f"{where}{f' ({top})' if top else ''}; it needs no special instructions.",)
    missing = " or ".join(used)
    plain = next((v for v in tried if _is_plain(v, best)), None)
    if plain is None or plain.measurement.speedup is None:
        likely = "about the original's speed"
    else:
        likely = f"about {times(max(1.0, plain.measurement.speedup))} times the original's, as “{plain.title}” has here"
        if plain.measurement.speedup <= 1.05:
            likely = f"about the original's speed, as “{plain.title}” has here"
    return (f"{where}, using {', '.join(used)}.", f"Expected, not measured: without {missing} {likely}.")


def _is_plain(variant: Variant, best: Variant) -> bool:
    """The same engine in 32 bits."""
    special = _uses(variant, (*SHARES_BF16, *INT8, "fp16"))
    return variant.runtime == best.runtime and not special and bool(variant.measurement.n) and not variant.is_baseline


def _uses(variant: Variant, techniques: Sequence[str]) -> bool:
    return any(step.technique in techniques for step in variant.recipe.steps)


def _p50(variant: Variant) -> float:
    p50 = variant.measurement.latency_p50_ms
    return p50 if p50 is not None else float("inf")
