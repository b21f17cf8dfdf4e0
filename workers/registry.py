"""Find techniques, runtimes and export targets by scanning their packages.

No module is registered by hand. A module that defines the package's name (`SPEC`, `RUNTIME`, `TARGET`) is a plug-in,
any other module is a helper. A module that cannot be imported is listed as not available, with the reason. Two modules
with the same id raise an error that names both.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator
from typing import Generic, TypeVar

from workers.contracts.errors import InputRefused
from workers.contracts.specs import Described, DescribedTarget
from workers.contracts.techniques import TargetSpec, TechniqueSpec
from workers.contracts.translation import _
from workers.infer.base import Availability, Runtime

T = TypeVar("T", TechniqueSpec, TargetSpec, Runtime)
D = TypeVar("D", bound=Described)

TECHNIQUE_PACKAGES = ("workers.convert", "workers.quantize", "workers.prune")
RUNTIME_PACKAGES = ("workers.infer",)
TARGET_PACKAGES = ("workers.export",)


class DuplicateIdError(ValueError):
    """Error: two modules have the same id; `str()` names both."""


class Scan(dict[str, T], Generic[T]):
    """Plug-ins by id, in the order of module names.

    `broken` holds the reason, in one line, by the name of each module that could not be imported.
    """

    def __init__(self) -> None:
        """Create a registry in which no plug-in has been found yet."""
        super().__init__()
        self.broken: dict[str, str] = {}


def techniques(packages: tuple[str, ...] = TECHNIQUE_PACKAGES) -> Scan[TechniqueSpec]:
    """Return all techniques by id.

    Raises:
        DuplicateIdError: Two modules have the same id.
    """
    return _scan(packages, "SPEC", TechniqueSpec)


def runtimes(packages: tuple[str, ...] = RUNTIME_PACKAGES) -> Scan[Runtime]:
    """Return all runtimes by id, including those that do not work on this computer.

    Raises:
        DuplicateIdError: Two modules have the same id.
    """
    return _scan(packages, "RUNTIME", Runtime)


def targets(packages: tuple[str, ...] = TARGET_PACKAGES) -> Scan[TargetSpec]:
    """Return all export targets by id.

    Raises:
        DuplicateIdError: Two modules have the same id.
    """
    return _scan(packages, "TARGET", TargetSpec)


def known_target(target_id: str) -> TargetSpec:
    """Return the export target with this id.

    Raises:
        InputRefused: No target has this id.
    """
    known = targets()
    if target_id not in known:
        raise InputRefused(
            "unknown_target",
            "There is no such kind of bundle",
            _("Fettle cannot write {0!r}.").format(target_id),
            _("Choose one of: {0}.").format(", ".join(known)),
        )
    return known[target_id]


def _scan(packages: tuple[str, ...], name: str, kind: type[T]) -> Scan[T]:
    scan = Scan[T]()
    origins: dict[str, str] = {}
    for module_name in _module_names(packages):
        try:
            spec = getattr(importlib.import_module(module_name), name, None)
        except Exception as error:  # a module may raise any error; the others must still be found
            scan.broken[module_name] = _first_line(error)
            continue
        if spec is None:
            continue
        if not isinstance(spec, kind):
            scan.broken[module_name] = f"{name} is a {type(spec).__name__}, not a {kind.__name__}"
            continue
        if spec.id in origins:
            raise DuplicateIdError(f"{origins[spec.id]} and {module_name} both have the id “{spec.id}”")
        origins[spec.id] = module_name
        scan[spec.id] = spec
    return scan


def _module_names(packages: tuple[str, ...]) -> Iterator[str]:
    for package in packages:
        folders = importlib.import_module(package).__path__
        for info in sorted(pkgutil.iter_modules(folders), key=lambda module: module.name):
            if not info.name.startswith("_"):
                yield f"{package}.{info.name}"


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300].rstrip(".")


def missing(requires: tuple[str, ...]) -> tuple[str, ...]:
    """Return the import names that are not installed; nothing is imported."""
    return tuple(name for name in requires if not _is_installed(name))


def _is_installed(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _broken_rows(scan: Scan[T], group: str, kind: type[D]) -> list[D]:
    names = {module: module.rpartition(".")[2] for module in scan.broken}
    return [
        kind(
            id=names[module],
            title=names[module].replace("_", " "),
            available=False,
            hint=_("{0} cannot be used: {1}.").format(module, reason),
            group=group,
        )
        for module, reason in scan.broken.items()
    ]


def _hint(spec: TechniqueSpec | TargetSpec) -> str:
    """Return the command that installs the missing packages, or "" if there are none."""
    lacking = missing(spec.requires)
    if not lacking:
        return ""
    return spec.install_hint or _("Needs {0}, which is not installed.").format(", ".join(lacking))


def describe_techniques(scan: Scan[TechniqueSpec]) -> tuple[Described, ...]:
    """Return one row per technique with its parameters' JSON schema and, if a package is missing, the install line."""
    rows = []
    for spec in scan.values():
        hint = _hint(spec)
        rows.append(
            Described(
                id=spec.id,
                title=spec.title,
                available=not hint,
                hint=hint,
                installs=spec.installs if hint else None,
                summary=spec.summary,
                version=spec.params.version,
                params_schema=spec.params.model_json_schema(),
                group=spec.apply.__module__.split(".")[-2],
                for_inputs=spec.for_inputs,
                traits=spec.traits,
            )
        )
    return (*rows, *_broken_rows(scan, "technique", Described))


TARGET_FACTS: tuple[str, ...] = (
    "id", "title", "summary", "suffix", "icon", "stages", "questions", "how_to_run", "runtimes", "settings",
    "pushed_to", "switch", "falls_back",
)  # fmt: skip
"""Fields of a `TargetSpec` that its description repeats."""


def describe_targets(scan: Scan[TargetSpec]) -> tuple[DescribedTarget, ...]:
    """Return one row per export target, sorted by `order`."""
    rows = []
    for spec in sorted(scan.values(), key=lambda spec: (spec.order, spec.id)):
        hint, facts = _hint(spec), {name: getattr(spec, name) for name in TARGET_FACTS}
        rows.append(DescribedTarget(available=not hint, hint=hint, installs=spec.installs if hint else None, **facts))
    return (*rows, *_broken_rows(scan, "target", DescribedTarget))


def describe_runtimes(scan: Scan[Runtime]) -> tuple[Described, ...]:
    """Return one row per runtime; each runtime is checked for whether it works on this computer."""
    rows = [_describe_runtime(runtime) for runtime in scan.values()]
    return (*rows, *_broken_rows(scan, "runtime", Described))


def _describe_runtime(runtime: Runtime) -> Described:
    try:
        state = runtime.available()
    except Exception as error:  # a library that fails during the check is not available
        state = Availability(False, _("It does not work here: {0}.").format(_first_line(error)))
    return Described(
        id=runtime.id,
        title=runtime.title,
        available=state.available,
        hint=state.hint,
        installs=state.installs or None,
        summary=runtime.summary,
        group=runtime.device,
    )
