"""Try texts in small letters, or as they are where the tokenizer makes them small."""

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from workers.contracts.translation import _
from workers.explain.running import CauseKind, Proposal, Runner
from workers.explain.side import Side
from workers.pipeline.spec import TextSteps

FOLDER = "as_they_are"


def propose(side: Side, steps: TextSteps, runner: Runner) -> Iterable[Proposal]:
    """Yield lower-case texts, or texts as they are if the tokenizer lowers them."""
    changed = side.with_steps(replace(steps, lowercase=not steps.lowercase))
    words = _("texts as they are written") if steps.lowercase else _("texts in small letters")
    yield Proposal(changed, "lowercase", steps.lowercase, not steps.lowercase, words)
    folder = _cased(side.folder / steps.tokenizer, runner.work_dir / FOLDER)
    if folder is not None:
        cased = replace(side.with_steps(replace(steps, lowercase=False)), folder=folder)
        words = _("texts as they are written, with capital letters")
        yield Proposal(cased, "lowercase", True, False, words)


def _cased(tokenizer: Path, folder: Path) -> Path | None:
    """Write a copy of the tokenizer that keeps capital letters; None if it keeps them already."""
    if not (folder / tokenizer.name).is_file():
        try:
            content = json.loads(tokenizer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        normalizer = content.get("normalizer") if isinstance(content, dict) else None
        kept = _without_case(normalizer)
        if kept == normalizer:
            return None
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**content, "normalizer": kept}, ensure_ascii=False)
        (folder / tokenizer.name).write_text(text, encoding="utf-8")
    return folder


def _without_case(normalizer: Any) -> Any:
    """Return a normalizer without the part that makes letters small; None if nothing is left."""
    if not isinstance(normalizer, dict) or normalizer.get("type") == "Lowercase":
        return None
    if normalizer.get("type") == "BertNormalizer" and normalizer.get("lowercase"):
        strips = normalizer.get("strip_accents")
        return {**normalizer, "lowercase": False, "strip_accents": bool(strips)}
    if isinstance(parts := normalizer.get("normalizers"), list):
        return {**normalizer, "normalizers": [part for one in parts if (part := _without_case(one)) is not None]}
    return normalizer


CAUSE = CauseKind("lower_case", order=60, steps=TextSteps, propose=propose)
