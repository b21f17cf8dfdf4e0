"""Write the bill of materials of a bundle: CycloneDX 1.6 with a model card (ECMA-424), every figure from the store.

`cyclonedx-python-lib` has no class for `modelCard`. The rest is built with it, and the card is added to its JSON. The
whole is checked against the specification's own strict schema, which the library contains.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from workers.contracts.bundles import CardFacts
from workers.contracts.errors import WorkerError
from workers.contracts.translation import _
from workers.contracts.wording import percent, percent_of
from workers.pipeline.spec import PipelineSpec

if TYPE_CHECKING:
    from cyclonedx.model.component import Component

BOM_FILE = "bom.json"
SPACE = uuid.UUID("5f0f6d5e-3f0b-4c67-9a43-0b8a1f0f7d11")
"""Namespace of serial numbers.

They are derived from run, version and time, so that the same bundle has the same one.
"""


@dataclass(frozen=True)
class ShippedLibrary:
    """An npm package of which files are in the bundle itself.

    Attributes:
        license: SPDX expression.
        sha512: Hash of its archive in the registry.
        files: Used files, sha256 by name.
    """

    name: str
    version: str
    license: str
    sha512: str = ""
    files: Mapping[str, str] = field(default_factory=dict)


def bill(
    facts: CardFacts,
    spec: PipelineSpec,
    requirements: list[str],
    weights: dict[str, str],
    shipped: Sequence[ShippedLibrary] = (),
) -> str:
    """Return `bom.json` of a bundle.

    Args:
        facts: Facts of the card.
        spec: Description of the model.
        requirements: pip requirements (`name>=version`).
        weights: Model files, sha256 by name.
        shipped: Libraries in the bundle.

    Raises:
        WorkerError: The result is not strictly valid.
    """
    from cyclonedx.model.bom import Bom, BomMetaData
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6

    model = Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=facts.title,
        version=facts.made_at[:10],
        bom_ref="model",
        licenses=_licenses(facts.license),
        description=f"Optimized with Fettle {facts.fettle_version} from {facts.origin}",
    )
    base = Component(
        type=ComponentType.MACHINE_LEARNING_MODEL,
        name=facts.hub_origin.repo if facts.hub_origin else facts.origin or "original",
        version=facts.hub_origin.commit if facts.hub_origin else None,
        bom_ref="original",
        hashes=_sha256(facts.original_sha256),
        licenses=_licenses(facts.license),
    )
    parts = [base, *_data(facts)]
    for name, digest in sorted(weights.items()):
        parts.append(Component(type=ComponentType.FILE, name=name, bom_ref=f"file:{name}", hashes=_sha256(digest)))
    parts += [_required(line) for line in requirements]
    parts += [_shipped(library) for library in shipped]
    bom = Bom(metadata=BomMetaData(timestamp=datetime.fromisoformat(facts.made_at), component=model), components=parts)
    bom.register_dependency(model, parts)
    document = json.loads(JsonV1Dot6(bom).output_as_string())
    document["metadata"]["component"]["modelCard"] = model_card(facts, spec)
    del document["serialNumber"]  # random; derived from run and content instead, so that a run gives the same bytes
    document["serialNumber"] = uuid.uuid5(SPACE, facts.run_id + json.dumps(document, sort_keys=True)).urn
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    _check(text)
    return text


def model_card(facts: CardFacts, spec: PipelineSpec) -> dict[str, Any]:
    """Return the specification's `modelCard`; unknown values are left out, never filled in."""
    card: dict[str, Any] = {
        "bom-ref": "card",
        "modelParameters": {
            "task": spec.task,
            "inputs": [{"format": _format(entry.dtype, entry.shape)} for entry in spec.inputs],
            "outputs": [{"format": _format(entry.dtype, entry.shape)} for entry in spec.outputs],
            **({"datasets": [{"ref": "data"}]} if facts.data is not None else {}),
        },
    }
    if measured := _metrics(facts):
        card["quantitativeAnalysis"] = {"performanceMetrics": measured}
    considerations: dict[str, Any] = {}
    if facts.purpose:
        considerations["useCases"] = [facts.purpose]
    notes = facts.variant.get("notes")
    limits = [str(note) for note in notes] if isinstance(notes, list) else []
    if facts.not_for:
        limits.insert(0, f"Not for: {facts.not_for}")
    if limits:
        considerations["technicalLimitations"] = limits
    if facts.worst_slice is not None and facts.worst_slice_drop:
        considerations["performanceTradeoffs"] = [f"{facts.worst_slice}: {percent(facts.worst_slice_drop, 2)} lost"]
    if facts.override_reason:
        risk = f"It answers worse than the limit of {percent_of(facts.limit_pct)} allows"
        considerations["ethicalConsiderations"] = [{"name": risk, "mitigationStrategy": facts.override_reason}]
    if considerations:
        card["considerations"] = considerations
    return card


FIGURES = (
    ("accuracy", "accuracy", "accuracy_low", "accuracy_high"),
    ("agreement with the original", "agreement", None, None),
    ("mean latency in ms", "latency_mean_ms", None, None),
    ("median latency in ms", "latency_p50_ms", None, None),
    ("90th percentile of latency in ms", "latency_p90_ms", None, None),
    ("answers a second", "throughput_per_s", None, None),
    ("peak memory in bytes", "peak_memory_bytes", None, None),
    ("times as fast as the original", "speedup", "speedup_low", "speedup_high"),
)
"""(type, keys of VARIANT in docs/command-line.md: value, low and high end of its interval)."""


def _metrics(facts: CardFacts) -> list[dict[str, Any]]:
    rows = []
    for name, key, low, high in FIGURES:
        if key == "speedup" and facts.speed.state != "settled":
            continue
        ends = (facts.variant.get(low), facts.variant.get(high)) if low and high else (None, None)
        rows.append((name, facts.variant.get(key), *ends))
    for score in facts.scores:
        # for scores against labels the interval is that of the change, not of the value
        ends = (score.low, score.high) if score.against == "original" else (None, None)
        rows.append((score.title, score.optimized, *ends))
    made = []
    for name, value, lower, upper in rows:
        if value is None:
            continue
        metric: dict[str, Any] = {"type": name, "value": repr(value)}
        if lower is not None and upper is not None:
            metric["confidenceInterval"] = {"lowerBound": repr(lower), "upperBound": repr(upper)}
        made.append(metric)
    return made


def _format(dtype: str, shape: tuple[int | None, ...]) -> str:
    return f"{dtype}[{','.join('any' if size is None else str(size) for size in shape)}]"


def _licenses(name: str | None) -> list[Any]:
    from cyclonedx.contrib.license.factories import LicenseFactory

    return [LicenseFactory().make_from_string(name)] if name else []


def _sha256(digest: str) -> list[Any]:
    from cyclonedx.model import HashAlgorithm, HashType

    return [HashType(alg=HashAlgorithm.SHA_256, content=digest)]


def _required(line: str) -> "Component":
    """Return a library that pip installs, from `name>=version`."""
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    name, _, version = line.partition(">=")
    purl = PackageURL("pypi", name=name.lower(), version=version or None)
    report = "The least version that the bundle was tested with"
    return Component(
        type=ComponentType.LIBRARY, name=name, version=version, bom_ref=f"pypi:{name}", purl=purl, description=report
    )


def _shipped(library: ShippedLibrary) -> "Component":
    """Return the package with those of its files that the bundle contains."""
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    scope, _, name = library.name.rpartition("/")
    archive = [HashType(alg=HashAlgorithm.SHA_512, content=library.sha512)] if library.sha512 else []
    held = [
        Component(
            type=ComponentType.FILE, name=path, bom_ref=f"npm:{library.name}:{path}", hashes=_sha256(digest)
        )
        for path, digest in sorted(library.files.items())
    ]  # fmt: skip
    return Component(
        type=ComponentType.LIBRARY, group=scope or None, name=name, version=library.version,
        bom_ref=f"npm:{library.name}", purl=PackageURL("npm", scope or None, name, library.version),
        licenses=_licenses(library.license), hashes=archive, components=held,
        description="Lies in the bundle and runs in the page; the hash is that of its archive in the registry",
    )  # fmt: skip


def _data(facts: CardFacts) -> list["Component"]:
    from cyclonedx.model.component import Component, ComponentType

    if facts.data is None:
        return []
    whose = "inputs that Fettle made" if facts.data.origin == "made" else "examples of the user's own"
    counts = f"{facts.data.n_test} to judge, {facts.data.n_calibration} for calibration"
    return [
        Component(
            type=ComponentType.DATA, name="examples", bom_ref="data", hashes=_sha256(facts.data.sha256),
            description=f"{whose}: {counts}; not in the bundle except for the golden inputs",
        )
    ]  # fmt: skip


def _check(text: str) -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    wrong = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if wrong is not None:
        raise WorkerError(
            "bom_invalid",
            "The bill of materials is not valid",
            _("{0}. The bundle was discarded.").format(" ".join(str(wrong).split())[:300]),
            "Please report this with the log; another name or license of the model may help until then.",
        )
