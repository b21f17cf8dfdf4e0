"""Where a model came from, in the card and the manifest of its bundle."""

from typing import Any

import card_facts
import yaml
from card_facts import SPEC, origin

from workers.contracts.bundles import CardFacts
from workers.export.card.text import card
from workers.export.python_folder import COMMANDS


def facts(**more: Any) -> CardFacts:
    found = more.get("hub_origin")
    return card_facts.facts(**more, license_verdict=found.verdict if found else None)


def test_origin_of_a_hub_model_is_shown() -> None:
    text = card(facts(hub_origin=origin()), SPEC, COMMANDS)
    section = text.partition("## Origin")[2]
    by = "ann/net by ann at https://hub.example"
    assert all(words in section for words in (by, "revision main", "c" * 40, "part1.onnx", f"{1:064x}", "2026-01-01T"))
    assert "as the hub states it: MIT: may be used, changed and sold" in section
    assert yaml.safe_load(text.split("---")[1])["base_model"] == "ann/net"


def test_many_files_are_counted() -> None:
    text = card(facts(hub_origin=origin(25)), SPEC, COMMANDS)
    assert "part19.onnx" in text
    assert "part20.onnx" not in text
    assert "and 5 more" in text


def test_a_model_of_the_persons_own() -> None:
    text = card(facts(origin="net"), SPEC, COMMANDS)
    assert "- From:" not in text
    assert yaml.safe_load(text.split("---")[1])["base_model"] == "net"
