"""Judge licenses: SPDX expressions, the hub's identifiers, and other text."""

import pytest

from workers.contracts.licenses import LICENSE_WORDS, LicenseWord
from workers.hub.license_rows import CATEGORIES, CREATIVE_COMMONS, OWN, SPDX
from workers.hub.licenses import judge

TEXT = """
apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m afl-3.0
artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear c-uda cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0
cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0
epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc h-research
intel-research lppl-1.3c ms-pl apple-ascl apple-amlr mpl-2.0 odc-by odbl openmdw-1.0 openrail++ osl-3.0 postgresql
ofl-1.1 ncsa unlicense zlib pddl lgpl-lr deepfloyd-if-license fair-noncommercial-research-license llama2 llama3 llama3.1
llama3.2 llama3.3 llama4 grok2-community gemma
"""
HUB_IDS = TEXT.split()


@pytest.mark.parametrize("identifier", HUB_IDS)
def test_license_identifier_of_the_hub_has_a_verdict(identifier: str) -> None:
    """Given an identifier that the hub offers, Then it has a verdict and an expression."""
    found = judge(identifier)
    assert found.word != "unknown", identifier
    assert found.expression and found.title and found.meaning


@pytest.mark.parametrize(
    ("stated", "word", "expression"),
    [
        ("apache-2.0", "ok", "Apache-2.0"),
        ("gpl-3.0", "conditions", "GPL-3.0-only"),
        ("cc-by-nc-4.0", "noncommercial", "CC-BY-NC-4.0"),
        ("openrail", "conditions", "LicenseRef-openrail"),
        ("llama3.1", "conditions", "LicenseRef-llama3.1"),
        ("gemma", "conditions", "LicenseRef-gemma"),
        ("MIT OR AGPL-3.0-only", "ok", "MIT OR AGPL-3.0-only"),
        ("MIT AND CC-BY-NC-4.0", "noncommercial", "MIT AND CC-BY-NC-4.0"),
        ("(MIT OR GPL-3.0-only) AND CC-BY-4.0", "ok", "(MIT OR GPL-3.0-only) AND CC-BY-4.0"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "conditions", "GPL-2.0-only WITH Classpath-exception-2.0"),
        ("SSPL-1.0", "unknown", "SSPL-1.0"),
        ("cc", "unknown", "LicenseRef-cc"),
        ("AGPL-3.0 License (https://ultralytics.com/license)", "conditions", "AGPL-3.0-only"),
        ("Apache License, Version 2.0", "ok", "Apache-2.0"),
        ("Apache 2.0", "ok", "Apache-2.0"),
        ("The MIT License", "ok", "MIT"),
        ("GPLv3", "conditions", "GPL-3.0-only"),
        ("BSD-3", "ok", "BSD-3-Clause"),
        ("BSL-1.1", "noncommercial", "BUSL-1.1"),
        ("llama-3.1", "conditions", "LicenseRef-llama3.1"),
        ("cc-by-nc", "noncommercial", None),
        ("qwen-research", "noncommercial", "LicenseRef-qwen-research"),
        ("Elastic-2.0", "conditions", "Elastic-2.0"),
    ],
)
def test_license_is_judged_as_people_write_it(stated: str, word: LicenseWord, expression: str | None) -> None:
    """Given an expression, an identifier, or a name with words and an address around it, Then its row is found; of OR the
    best part counts, of AND the worst."""
    found = judge(stated)
    assert (found.word, found.expression) == (word, expression)


def test_several_licenses_apply_together() -> None:
    """Given a list, as cards may have, Then the strictest one decides, and all are named."""
    found = judge(["mit", "cc-by-nc-nd-4.0"])
    assert (found.word, found.copies) == ("noncommercial", False)
    assert found.title == "MIT AND CC-BY-NC-ND-4.0"


@pytest.mark.parametrize("stated", [None, "", " ", "unknown", "None", [], ["", "unknown"]])
def test_license_that_is_not_stated_is_unknown(stated: str | list[str] | None) -> None:
    """Given no license, then the word is “unknown, ask”, and nothing is claimed."""
    found = judge(stated)
    assert (found.word, found.title, found.expression, found.for_business) == ("unknown", "", None, False)


def test_license_other_is_judged_by_its_name() -> None:
    """Given “other” with a known name, Then that license is judged; an unknown name is kept as text."""
    assert judge("other", name="llama3.1").title == "Llama 3.1"
    foreign = judge("other", name="<b>Mine</b>", link="https://example.org/terms")
    assert (foreign.word, foreign.title, foreign.link) == ("unknown", "<b>Mine</b>", "https://example.org/terms")
    assert judge("other").title == "Own terms"


@pytest.mark.parametrize("link", ["file:///etc/passwd", "javascript:alert(1)", "https://x y", "", "ftp://x"])
def test_license_link_that_is_no_web_address_is_dropped(link: str) -> None:
    """Given anything else as a link, then there is none."""
    assert judge("mit", link=link).link is None


@pytest.mark.parametrize(
    "text", ["x" * 5000, "(" * 300 + "MIT", "a AND (b", "MIT/Apache", "\u202emit", "模型", "%s {0}"]
)
def test_license_text_that_is_no_license_is_unknown(text: str) -> None:
    """Given any other text, Then it is unknown and short, and nothing is raised."""
    found = judge(text)
    assert found.word == "unknown" and len(found.title) <= 200 and found.expression is None


def test_license_rows_promise_no_legal_clearance() -> None:
    """Given all rows, Then none promises more than a program can know, and only ND forbids copies."""
    rows = [*SPDX.values(), *CATEGORIES.values(), *CREATIVE_COMMONS.values(), *(terms for _, terms in OWN.values())]
    for row in rows:
        assert not any(word in row.meaning.lower() for word in ("clear", "safe", "legal", "guarantee"))
    assert set(LICENSE_WORDS.values()) == {"OK", "Conditions", "Not for commercial use", "Unknown, ask"}
    assert judge("cc-by-nd-4.0").copies is False and judge("cc-by-sa-4.0").copies
