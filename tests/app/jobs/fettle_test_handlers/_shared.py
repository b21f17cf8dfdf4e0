"""Handlers that misbehave on purpose; a client reaches them only when it is built with this package's name."""

from typing import Any

from workers.contracts.base import Frozen


class Params(Frozen):
    """One open mapping is enough for all of them."""

    values: dict[str, Any] = {}


class Result(Frozen):
    values: dict[str, Any] = {}
