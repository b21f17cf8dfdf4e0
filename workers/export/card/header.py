"""Write the header of README.md for hubs: license, origin, and the measured values as `model-index`."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from workers.contracts.bundles import CardFacts
from workers.export.card.foreign import one_line
from workers.pipeline.spec import PipelineSpec

if TYPE_CHECKING:
    from huggingface_hub import EvalResult

PIPELINE_TAGS = {
    "image-classification": "image-classification",
    "text-classification": "text-classification",
    "text-embedding": "feature-extraction",
    "token-classification": "token-classification",
    "object-detection": "object-detection",
    "translation": "translation",
    "transcription": "automatic-speech-recognition",
    "text-generation": "text2text-generation",
    "audio-frames": "voice-activity-detection",
}
"""The hub's names of our tasks; other tasks have none."""

HUB_LICENSES = frozenset({
    "apache-2.0", "mit", "openrail", "bigscience-openrail-m", "creativeml-openrail-m", "bigscience-bloom-rail-1.0",
    "bigcode-openrail-m", "afl-3.0", "artistic-2.0", "bsl-1.0", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsd-3-clause-clear", "c-uda", "cc", "cc0-1.0", "cc-by-2.0", "cc-by-2.5", "cc-by-3.0", "cc-by-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0", "cc-by-nc-4.0", "cc-by-nd-4.0",
    "cc-by-nc-nd-3.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-2.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0",
    "cdla-sharing-1.0", "cdla-permissive-1.0", "cdla-permissive-2.0", "wtfpl", "ecl-2.0", "epl-1.0", "epl-2.0",
    "etalab-2.0", "eupl-1.1", "eupl-1.2", "agpl-3.0", "gfdl", "gpl", "gpl-2.0", "gpl-3.0", "lgpl", "lgpl-2.1",
    "lgpl-3.0", "isc", "intel-research", "lppl-1.3c", "ms-pl", "apple-ascl", "apple-amlr", "mpl-2.0", "odc-by",
    "odbl", "openmdw-1.0", "openrail++", "osl-3.0", "postgresql", "ofl-1.1", "ncsa", "unlicense", "zlib", "pddl",
    "lgpl-lr", "deepfloyd-if-license", "fair-noncommercial-research-license", "llama2", "llama3", "llama3.1",
    "llama3.2", "llama3.3", "llama4", "grok2-community", "gemma",
})  # fmt: skip
"""License words of https://huggingface.co/docs/hub/repositories-licenses; the hub refuses other words in a header."""

MODEL_ID = re.compile(r"[A-Za-z0-9][\w.-]{0,95}(/[\w.-]{1,96})?", re.ASCII)


def front_matter(facts: CardFacts, spec: PipelineSpec, head: Mapping[str, Any]) -> str:
    """Return YAML between two lines of dashes; `head` holds a target's entries (`library_name`, `tags`)."""
    from huggingface_hub import ModelCardData

    license_word = license_id(facts.license)
    base = facts.hub_origin.repo if facts.hub_origin else facts.origin
    is_quantized = facts.variant["precision"] != facts.original["precision"]
    data = ModelCardData(
        license=license_word,
        license_name=one_line(facts.license or "") if license_word == "other" else None,
        base_model=base if MODEL_ID.fullmatch(base) else None,
        base_model_relation="quantized" if is_quantized else None,
        pipeline_tag=PIPELINE_TAGS.get(spec.task),
        tags=["fettle", str(facts.variant["runtime"]), *head.get("tags", ())],
        library_name=head.get("library_name"),
        model_name=one_line(facts.title),
        eval_results=_results(facts, spec) or None,
    )
    return f"---\n{data.to_yaml()}\n---\n"


def license_id(name: str | None) -> str | None:
    """Return the hub's word for an SPDX name, "other" if it has none."""
    if not name:
        return None
    word = re.sub(r"-(only|or-later)$", "", name.lower())
    return word if word in HUB_LICENSES else "other"


def _results(facts: CardFacts, spec: PipelineSpec) -> list["EvalResult"]:
    """Return the measured values on the user's own examples, or on inputs that Fettle made."""
    from huggingface_hub import EvalResult

    made = facts.data is not None and facts.data.origin == "made"
    measured = [
        (name, facts.variant.get(key))
        for name, key in (("accuracy", "accuracy"), ("agreement with the original", "agreement"))
    ] + [(score.id, score.optimized) for score in facts.scores]
    return [
        EvalResult(
            task_type=PIPELINE_TAGS.get(spec.task, "other"),
            dataset_type="own",
            dataset_name="inputs that Fettle made" if made else "own test examples",
            metric_type=name.split()[0],
            metric_name=name if " " in name else None,
            metric_value=value,
        )
        for name, value in measured
        if value is not None
    ]
