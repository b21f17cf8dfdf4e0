"""List the terms of licenses of models: from their own texts, SPDX, and the hub's list of identifiers.

Sources: https://spdx.org/licenses, https://huggingface.co/docs/hub/repositories-licenses (identifiers), the terms of
OpenRAIL, Llama, Gemma and the research licenses as their makers publish them.
"""

from workers.contracts.licenses import LicenseVerdict, LicenseWord
from workers.contracts.translation import mark


def _terms(word: LicenseWord, meaning: str, copies: bool = True) -> LicenseVerdict:
    """Return the verdict on terms that several licenses share, still without the title of one of them."""
    return LicenseVerdict(word=word, title="", meaning=meaning, copies=copies)


FREE = _terms("ok", mark("may be used, changed and sold"))
PERMISSIVE = _terms("ok", mark("may be used, changed and sold; keep its text"))
NAMED = _terms("ok", mark("may be used, changed and sold; name its maker and that you changed it"))
COPYLEFT = _terms("conditions", mark("may be used and sold; copies must be passed on openly under the same license"))
WEAK_COPYLEFT = _terms("conditions", mark("may be used and sold; changes to it are passed on under the same license"))
NETWORK_COPYLEFT = _terms(
    "conditions", mark("may be used and sold; changes go to all who use it, over a network too, under the same license")
)
SHARE_ALIKE = _terms("conditions", mark("may be used and sold; name its maker; changed copies keep this license"))
NO_CHANGES = _terms(
    "conditions",
    mark("may be used and sold as it is; changed copies, such as optimized ones, must not be passed on"),
    False,
)
NOT_SOLD = _terms("noncommercial", mark("may be used and changed, but not in business; name its maker"))
NOT_SOLD_ALIKE = _terms(
    "noncommercial", mark("may be used and changed, but not in business; changed copies keep the license")
)
NOT_SOLD_UNCHANGED = _terms(
    "noncommercial", mark("not for business; changed copies, such as an optimized one, must not be passed on"), False
)
RESEARCH = _terms("noncommercial", mark("for research only, by its maker's own terms; read them before use"))
RAIL = _terms(
    "conditions",
    mark("may be used, changed and sold, but not for the uses that it forbids; its list goes with every copy"),
)
LLAMA = _terms(
    "conditions",
    mark("Meta's own terms: most may use and sell it; it forbids some uses, and very large companies must ask first"),
)
GEMMA = _terms(
    "conditions", mark("Google's own terms: may be used, changed and sold; its forbidden uses go with every copy")
)
SOURCE_AVAILABLE = _terms(
    "noncommercial", mark("may be read, tried and changed; use in business only as far as its own text grants it")
)
NO_SERVICE = _terms("conditions", mark("may be used and changed, but not offered to others as a hosted service"))
MANY_USERS = _terms(
    "conditions",
    mark("its maker's own terms: most may use and sell it, large companies must ask first; some uses are barred"),
)
DATA = _terms("conditions", mark("may be used to compute with and the results sold; the data keep this license"))
NVIDIA = _terms(
    "conditions", mark("NVIDIA's own terms: may be used, changed and sold; its text and notices go with every copy")
)
APPLE = _terms(
    "conditions", mark("may be used, changed and passed on with its text; Apple's name must not advertise it")
)
GROK = _terms("conditions", mark("own terms: business use up to a limit, and no training of other models with it"))
UNCLEAR = _terms("unknown", mark("not known here; read its terms or ask the author"))
FAMILY = _terms("unknown", mark("a family of licenses; which one is not stated, so ask the author"))

CREATIVE_COMMONS: dict[str, LicenseVerdict] = {
    "by": NAMED,
    "by-sa": SHARE_ALIKE,
    "by-nd": NO_CHANGES,
    "by-nc": NOT_SOLD,
    "by-nc-sa": NOT_SOLD_ALIKE,
    "by-nc-nd": NOT_SOLD_UNCHANGED,
}
"""Terms by the letters between CC- and the version."""


def _rows(by_terms: dict[LicenseVerdict, str]) -> dict[str, LicenseVerdict]:
    return {name: terms for terms, names in by_terms.items() for name in names.split()}


SPDX: dict[str, LicenseVerdict] = _rows(
    {
        FREE: "MIT-0 0BSD",
        NAMED: "etalab-2.0 ODC-By-1.0",
        SHARE_ALIKE: "CDLA-Sharing-1.0 ODbL-1.0",
        NETWORK_COPYLEFT: "AGPL-3.0-only AGPL-3.0-or-later OSL-3.0 EUPL-1.1 EUPL-1.2",
        WEAK_COPYLEFT: "LPPL-1.3c",
        SOURCE_AVAILABLE: "BUSL-1.1",
        NO_SERVICE: "Elastic-2.0",
        NOT_SOLD: "PolyForm-Noncommercial-1.0.0",
        MANY_USERS: "PolyForm-Small-Business-1.0.0",
        DATA: "C-UDA-1.0",
    }
)
"""Terms of single licenses whose category is too vague or too strict."""

CATEGORIES: dict[str, LicenseVerdict] = {
    "Public Domain": FREE,
    "Permissive": PERMISSIVE,
    "Copyleft Limited": WEAK_COPYLEFT,
    "Copyleft": COPYLEFT,
}
"""Terms by the category in the index of `license-expression`; every other category is `UNCLEAR`."""

_OWN: dict[LicenseVerdict, dict[str, str]] = {
    RAIL: {
        "openrail": "OpenRAIL", "openrail++": "OpenRAIL++-M", "bigscience-openrail-m": "BigScience OpenRAIL-M",
        "creativeml-openrail-m": "CreativeML OpenRAIL-M", "bigscience-bloom-rail-1.0": "BigScience BLOOM RAIL 1.0",
        "bigcode-openrail-m": "BigCode OpenRAIL-M", "openrail-m": "OpenRAIL-M", "openrail++-m": "OpenRAIL++-M",
        "creativeml-openrail++-m": "CreativeML OpenRAIL++-M", "deepseek": "DeepSeek", "deepseek-license": "DeepSeek",
    },
    LLAMA: {
        "llama2": "Llama 2", "llama3": "Llama 3", "llama3.1": "Llama 3.1", "llama3.2": "Llama 3.2",
        "llama3.3": "Llama 3.3", "llama4": "Llama 4",
    },
    GEMMA: {"gemma": "Gemma"},
    MANY_USERS: {
        "tongyi-qianwen": "Tongyi Qianwen", "qwen": "Qwen", "stabilityai-ai-community": "Stability AI Community",
        "stabilityai-community": "Stability AI Community",
    },
    NVIDIA: {"nvidia-open-model-license": "NVIDIA Open Model"},
    RESEARCH: {
        "qwen-research": "Qwen Research", "mnpl": "Mistral Non-Production", "mrl": "Mistral Research",
        "deepfloyd-if-license": "DeepFloyd IF", "fair-noncommercial-research-license": "FAIR Noncommercial Research",
        "h-research": "H Research", "intel-research": "Intel Research", "apple-amlr": "Apple Machine Learning Research",
    },
    NOT_SOLD: {"coqui-public-model-license": "Coqui Public Model"},
    PERMISSIVE: {"openmdw-1.0": "OpenMDW 1.0", "bsd": "BSD"},
    COPYLEFT: {"gpl": "GPL", "gfdl": "GFDL"},
    WEAK_COPYLEFT: {"lgpl": "LGPL", "lgpl-lr": "LGPL-LR"},
    FAMILY: {"cc": "Creative Commons"},
    APPLE: {"apple-ascl": "Apple Sample Code"},
    GROK: {"grok2-community": "Grok 2 Community"},
}  # fmt: skip
"""The hub's identifiers that SPDX does not know, with their names, by their terms."""

OWN = {key: (title, terms) for terms, rows in _OWN.items() for key, title in rows.items()}

SAME: dict[str, str] = {
    "odc-by": "ODC-By-1.0",
    "odbl": "ODbL-1.0",
    "pddl": "PDDL-1.0",
    "c-uda": "C-UDA-1.0",
    "cc0": "CC0-1.0",
    "bsl-1.1": "BUSL-1.1",
    "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "apache": "Apache-2.0",
}
"""The hub's identifiers and common names of licenses that have other names in SPDX."""
