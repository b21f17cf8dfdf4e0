"""Convert the hub's description of a model to plain, limited values; none of its text is trusted."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from workers.contracts.hub import HubModel
from workers.contracts.licenses import LicenseVerdict
from workers.hub.formats import formats_of
from workers.hub.licenses import judge
from workers.hub.words import shown

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo

MAX_TEXT = 200
SAFE = ("onnx", "safetensors", "gguf")
BITS = {
    "F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16,
    "F8_E4M3": 8, "F8_E5M2": 8, "I8": 8, "U8": 8, "BOOL": 8,
}  # fmt: skip
"""Bits of safetensors' number formats; with an unknown one the size is unknown."""


def parsed(item: Any) -> "ModelInfo":
    """Parse one model with the library.

    Raises:
        TypeError: the item is no model.
        KeyError: the item is no model.
        ValueError: the item is no model.
    """
    from huggingface_hub import ModelInfo

    make: Any = ModelInfo
    info: ModelInfo = make(**{"siblings": None, **item})
    return info


def text_of(value: object) -> str | None:
    """Return a short line; None for anything but text."""
    return shown(value, MAX_TEXT) if isinstance(value, str) and value else None


def count_of(value: object) -> int:
    """Return a number of downloads or likes; 0 for invalid values."""
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else 0


def license_of(info: "ModelInfo") -> tuple[str | None, LicenseVerdict]:
    """Return the hub's license identifier, from the card or else the tags, and the verdict on it."""
    card: Any = info.card_data
    stated = card.get("license") if card is not None and hasattr(card, "get") else None
    if not isinstance(stated, (str, list)) or not stated:
        tags = [tag for tag in info.tags or [] if isinstance(tag, str)]
        stated = next((tag.removeprefix("license:") for tag in tags if tag.startswith("license:")), None)
    names = [stated] if isinstance(stated, str) else [part for part in stated or [] if isinstance(part, str)]
    name, link = (card.get("license_name"), card.get("license_link")) if names and card is not None else ("", "")
    verdict = judge(names, name=name if isinstance(name, str) else "", link=link if isinstance(link, str) else "")
    told = name if names == ["other"] and isinstance(name, str) and name else ", ".join(names)
    return text_of(told), verdict


def names_of(info: "ModelInfo") -> Sequence[str]:
    """Return the names of all files."""
    return [file.rfilename for file in info.siblings or [] if isinstance(file.rfilename, str)]


def weights_bytes(info: "ModelInfo") -> int | None:
    """Return the bytes of the safetensors weights, computed from the hub's parameter counts."""
    counts = info.safetensors.parameters if info.safetensors is not None else None
    if not isinstance(counts, dict) or not counts:
        return None
    bits = 0
    for kind, count in counts.items():
        if kind not in BITS or not isinstance(count, int) or count < 0:
            return None
        bits += BITS[kind] * count
    return bits // 8


def facts_of(info: "ModelInfo", repo: str) -> HubModel:
    """Return what the hub says about a model."""
    formats = formats_of(names_of(info))
    stated, verdict = license_of(info)
    return HubModel(
        repo=repo,
        task=text_of(info.pipeline_tag),
        library=text_of(info.library_name),
        author=text_of(info.author) or repo.partition("/")[0],
        license=stated,
        downloads=count_of(info.downloads),
        likes=count_of(info.likes),
        updated_at=info.last_modified.isoformat() if info.last_modified is not None else None,
        size_bytes=weights_bytes(info),
        formats=formats,
        safe_format=any(kind in SAFE for kind in formats),
        gated=bool(info.gated),
        verdict=verdict,
    )
