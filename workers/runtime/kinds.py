"""Finding the handler of a job kind: the module of that name in one of the rooms of the handlers' package."""

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
    return sorted(_modules(package))


def _modules(package: str) -> dict[str, str]:
    """{kind: its module}. Rooms are imported, which hold nothing themselves."""
    spec = importlib.util.find_spec(package)
    places = list(spec.submodule_search_locations or ()) if spec else []
    found = pkgutil.walk_packages(places, prefix=f"{package}.")
    names = [module.name for module in found if not module.ispkg]
    return {kind: name for name in names if KIND.fullmatch(kind := name.rpartition(".")[2])}


def handler(kind: str, package: str = HANDLERS) -> HandlerSpec:
    """Import one handler. Raises `InputRefused` for a kind that does not exist."""
    modules = _modules(package)
    if kind not in modules:
        known = ", ".join(sorted(modules))
        raise InputRefused(
            "unknown_kind",
            "Unknown kind of job",
            f"There is no job of the kind “{kind}”.",
            f"Use one of: {known}.",
        )
    module = importlib.import_module(modules[kind])
    spec = getattr(module, "HANDLER", None)
    if not isinstance(spec, HandlerSpec) or spec.kind != kind:
        raise TypeError(f"{module.__name__} holds no HANDLER of kind {kind!r}")
    return spec
