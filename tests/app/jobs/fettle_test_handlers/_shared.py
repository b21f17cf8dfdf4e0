"""Handlers that misbehave on purpose; a client reaches them only when it is built with this package's name."""

import threading
from collections.abc import Callable
from typing import Any

from workers.contracts.base import Frozen


class Params(Frozen):
    """One open mapping is enough for all of them."""

    values: dict[str, Any] = {}


class Result(Frozen):
    values: dict[str, Any] = {}


def attempt(action: Callable[[], object]) -> str:
    """Return what came of it: its value, or the name of the error of the system."""
    try:
        return f"done: {action()}"
    except OSError as error:
        return type(error).__name__


def in_thread(action: Callable[[], object]) -> str:
    """Return the outcome of an action in a separate thread."""
    report: list[str] = []
    thread = threading.Thread(target=lambda: report.append(attempt(action)))
    thread.start()
    thread.join()
    return report[0]
