"""Finding the handler of a job kind: the module of that name in the handlers' package."""

import importlib
import importlib.util
import pkgutil
import re

from workers.contracts.errors import InputRefused
from workers.contracts.process.bootstrap import HANDLERS
from workers.contracts.techniques import HandlerSpec

KIND = re.compile(r"[a-z][a-z0-9_]{0,40}")


def kinds(package: str = HANDLERS) -> list[str]:
    """Names of all kinds, without importing their modules."""
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    return sorted(module.name for module in pkgutil.iter_modules(places) if KIND.fullmatch(module.name))


def handler(kind: str, package: str = HANDLERS) -> HandlerSpec:
    """Import one handler. Raises `InputRefused` for a kind that does not exist."""
    if not KIND.fullmatch(kind) or kind not in kinds(package):
        known = ", ".join(kinds(package))
        raise InputRefused(
            "unknown_kind",
            "Unknown kind of job",
            f"There is no job of the kind “{kind}”.",
            f"Use one of: {known}.",
        )
    module = importlib.import_module(f"{package}.{kind}")
    spec = getattr(module, "HANDLER", None)
    if not isinstance(spec, HandlerSpec) or spec.kind != kind:
        raise TypeError(f"{module.__name__} holds no HANDLER of kind {kind!r}")
    return spec
