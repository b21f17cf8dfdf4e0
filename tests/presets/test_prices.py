"""Load example prices, each with source and date."""

from datetime import date
from pathlib import Path

import pytest

from presets.prices import example_prices
from presets.yaml_file import PresetRefused


def test_prices_have_source_and_date() -> None:
    found = example_prices()
    assert len({price.id for price in found}) == len(found) >= 2
    assert all(price.per_hour > 0 and price.source and price.date > date(2025, 1, 1) for price in found)


def test_price_without_a_date_is_refused_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("- id: a\n  title: A\n  per_hour: 1.0\n  currency: USD\n  source: somewhere\n", encoding="utf-8")
    with pytest.raises(PresetRefused) as refused:
        example_prices(file)
    assert "date" in refused.value.detail and "line 1" in refused.value.detail
