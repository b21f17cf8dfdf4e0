"""Load example prices of one computer hour (`prices.yaml`), each with source and date; users edit them."""

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from presets.yaml_file import check, read_yaml
from workers.contracts.base import Frozen

FILE = Path(__file__).with_name("prices.yaml")


class ExamplePrice(Frozen):
    """One example price: `per_hour` in `currency`, as `source` stated on `date`."""

    id: str
    title: str
    per_hour: Annotated[float, Field(gt=0)]
    currency: Annotated[str, Field(min_length=3, max_length=3)]
    source: Annotated[str, Field(min_length=3)]
    date: date


PRICES: TypeAdapter[tuple[ExamplePrice, ...]] = TypeAdapter(tuple[ExamplePrice, ...])


def example_prices(file: Path = FILE) -> tuple[ExamplePrice, ...]:
    """Return the example prices in the order of the file.

    Raises:
        PresetRefused: with the line of the mistake.
    """
    values, node = read_yaml(file)
    return check(PRICES, file, values, node)
