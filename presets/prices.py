"""Examples of what an hour of a computer costs (`prices.yaml`), each with its source and date; all are to be edited."""

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter

from presets.yaml_file import check, read_yaml
from workers.contracts.base import Frozen

FILE = Path(__file__).with_name("prices.yaml")


class ExamplePrice(Frozen):
    """`per_hour` in `currency`, as `source` said on `date`."""

    id: str
    title: str
    per_hour: Annotated[float, Field(gt=0)]
    currency: Annotated[str, Field(min_length=3, max_length=3)]
    source: Annotated[str, Field(min_length=3)]
    date: date


PRICES: TypeAdapter[tuple[ExamplePrice, ...]] = TypeAdapter(tuple[ExamplePrice, ...])


def example_prices(file: Path = FILE) -> tuple[ExamplePrice, ...]:
    """In the order of the file. Raises `PresetRefused` with the line of a mistake."""
    values, node = read_yaml(file)
    return check(PRICES, file, values, node)
