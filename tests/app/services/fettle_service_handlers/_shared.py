"""One open mapping in, one out."""

from typing import Any

from workers.contracts.base import Frozen


class Params(Frozen):
    values: dict[str, Any] = {}


class Result(Frozen):
    values: dict[str, Any] = {}
