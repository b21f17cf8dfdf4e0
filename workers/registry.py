"""Find techniques, runtimes and export targets by scanning their packages.

No module is registered by hand. A module that defines the package's name (`SPEC`, `RUNTIME`, `TARGET`) is a plug-in,
any other module is a helper. A module that cannot be imported is listed as not available, with the reason. Two modules
with the same id raise an error that names both.
"""

import importlib
import importlib.util
import pkgutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Generic, TypeVar

from workers.contracts.errors import InputRefused
from workers.contracts.specs import Described, DescribedTarget
from workers.contracts.techniques import TargetSpec, TechniqueSpec
from workers.infer.base import Availability, Runtime

T = TypeVar("T", TechniqueSpec, TargetSpec, Runtime)
D = TypeVar("D", bound=Described)

TECHNIQUE_PACKAGES = ("workers.convert", "workers.quantize", "workers.prune")
RUNTIME_PACKAGES = ("workers.infer",)
TARGET_PACKAGES = ("workers.export",)


class DuplicateIdError(ValueError):
    """Error: two modules have the same id; `str()` names both."""


@dataclass(frozen=True)
class Broken:
    """A plug-in module that could not be imported.

    Attributes:
        id: The name of the module without its package.
        reason: One line from the import error.
    """

    id: str
    module: str
    reason: str


@dataclass(frozen=True)
class Scan(Mapping[str, T], Generic[T]):
    """Mapping from id to plug-in, in the order of module names; `broken` lists modules that could not be imported."""

    specs: Mapping[str, T]
    broken: tuple[Broken, ...]

    def __getitem__(self, spec_id: str) -> T:
        """Return the plug-in with this id."""
        return self.specs[spec_id]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the ids in the order of module names."""
        return iter(self.specs)

    def __len__(self) -> int:
        """Return the number of plug-ins."""
        return len(self.specs)


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
            f"Fettle cannot write {target_id!r}.",
            f"Choose one of: {', '.join(known)}.",
        )
    return known[target_id]


def _scan(packages: tuple[str, ...], name: str, kind: type[T]) -> Scan[T]:
    specs: dict[str, T] = {}
    origins: dict[str, str] = {}
    broken: list[Broken] = []
    for module_name in _module_names(packages):
        module = _import(module_name, broken)
        spec = getattr(module, name, None)
        if spec is None:
            continue
        if not isinstance(spec, kind):
            reason = f"{name} is a {type(spec).__name__}, not a {kind.__name__}"
            broken.append(Broken(module_name.rpartition(".")[2], module_name, reason))
            continue
        if spec.id in origins:
            raise DuplicateIdError(f"{origins[spec.id]} and {module_name} both have the id “{spec.id}”")
        origins[spec.id] = module_name
        specs[spec.id] = spec
    return Scan(specs, tuple(broken))


def _module_names(packages: tuple[str, ...]) -> Iterator[str]:
    for package in packages:
        places = importlib.import_module(package).__path__
        for info in sorted(pkgutil.iter_modules(places), key=lambda found: found.name):
            if not info.name.startswith("_"):
                yield f"{package}.{info.name}"


def _import(module_name: str, broken: list[Broken]) -> ModuleType | None:
    try:
        return importlib.import_module(module_name)
    except Exception as error:  # a module may raise any error; the others must still be found
        broken.append(Broken(module_name.rpartition(".")[2], module_name, _first_line(error)))
        return None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300].rstrip(".")


def missing(requires: tuple[str, ...]) -> tuple[str, ...]:
    """Return the import names that are not installed; nothing is imported."""
    return tuple(name for name in requires if not _is_there(name))


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _broken_rows(scan: Scan[T], group: str, kind: type[D]) -> list[D]:
    return [
        kind(
            id=one.id,
            title=one.id.replace("_", " "),
            available=False,
            hint=f"{one.module} cannot be used: {one.reason}.",
            group=group,
        )
        for one in scan.broken
    ]


def _needs(requires: tuple[str, ...], install_hint: str) -> str:
    gone = missing(requires)
    if not gone:
        return ""
    return install_hint or f"Needs {', '.join(gone)}, which is not installed."


def describe_techniques(scan: Scan[TechniqueSpec]) -> tuple[Described, ...]:
    """Return one row per technique with its parameters' JSON schema and, if a package is missing, the install line."""
    rows = []
    for spec in scan.values():
        hint = _needs(spec.requires, spec.install_hint)
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


def describe_targets(scan: Scan[TargetSpec]) -> tuple[DescribedTarget, ...]:
    """Return one row per export target, sorted by `order`."""
    rows = []
    for spec in sorted(scan.values(), key=lambda spec: (spec.order, spec.id)):
        hint = _needs(spec.requires, spec.install_hint)
        row = DescribedTarget(
            id=spec.id,
            title=spec.title,
            available=not hint,
            hint=hint,
            installs=spec.installs if hint else None,
            summary=spec.summary,
            suffix=spec.suffix,
            icon=spec.icon,
            stages=spec.stages,
            questions=spec.questions,
            how_to_run=spec.how_to_run,
            runtimes=spec.runtimes,
            settings=spec.settings,
            pushed_to=spec.pushed_to,
            switch=spec.switch,
            falls_back=spec.falls_back,
        )
        rows.append(row)
    return (*rows, *_broken_rows(scan, "target", DescribedTarget))


def describe_runtimes(scan: Scan[Runtime]) -> tuple[Described, ...]:
    """Return one row per runtime; each runtime is checked for whether it works on this computer."""
    rows = [_describe_runtime(runtime) for runtime in scan.values()]
    return (*rows, *_broken_rows(scan, "runtime", Described))


def _describe_runtime(runtime: Runtime) -> Described:
    try:
        found = runtime.available()
    except Exception as error:  # a library that fails during the check is not available
        found = Availability(False, f"It does not work here: {_first_line(error)}.")
    return Described(
        id=runtime.id,
        title=runtime.title,
        available=found.available,
        hint=found.hint,
        installs=found.installs or None,
        summary=runtime.summary,
        group=runtime.device,
    )
