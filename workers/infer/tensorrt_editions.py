"""The two editions of TensorRT behind one interface, each with its own way to keep what was built.

TensorRT for RTX builds without a card and its engines go from card to card: the library itself tells whether one fits
(`get_engine_validity`), and what it compiles on a card is kept in a runtime cache; a timing cache does nothing there.
Classic TensorRT (11) builds on the card alone, for that card, driver and version: these are its key, and a timing cache
makes the next build shorter.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .base import NotRunnable

WHEELS = ("tensorrt-rtx-cu13-bindings", "tensorrt-rtx-cu13-libs")
"""What the package `tensorrt-rtx` stands for; it is itself no wheel, these are."""

OWN_INSTALL = "installer/fettle --gpu rtx"
"""How Fettle's own environment gets them; bundles name the wheels."""

CLASSIC_FROM = 11
"""Older ones still choose precisions by flags, which this code does not set."""


@dataclass(frozen=True)
class Place:
    """What an engine is built on or runs on: the card (`sm89`, its name) and the driver; "" and 0 where none is."""

    architecture: str = ""
    card: str = ""
    driver: int = 0


@dataclass(frozen=True)
class Rtx:
    """TensorRT for RTX."""

    id: str = "rtx"
    title: str = "TensorRT for RTX"
    module: str = "tensorrt_rtx_bindings"
    install: str = f"pip install {' '.join(WHEELS)}"

    def key(self, asked: Mapping[str, Any], version: str, place: Place) -> str:
        """An engine goes wherever the library says that it is valid: neither card nor driver is part of the key."""
        return _key({"edition": self.id, "version": version, **asked})

    def target(self, trt: Any, config: Any, architectures: Sequence[str], place: Place) -> None:
        """Say what to build for: the architectures named, or the card that is here. Raises `NotRunnable`."""
        names = list(architectures) or [place.architecture]
        config.num_compute_capabilities = len(names)
        for number, name in enumerate(names):
            found = getattr(trt.ComputeCapability, name.upper(), None)
            if found is None:
                raise NotRunnable(ValueError(f"{self.title} builds nothing for {name.upper() or 'no card'}"))
            config.set_compute_capability(found, number)

    def give_timing(self, config: Any, kept: bytes) -> None:
        """Nothing: a timing cache is a deprecated no-op here."""

    def take_timing(self, config: Any) -> bytes:
        """Nothing is kept of timings."""
        return b""

    def refusal(self, trt: Any, runtime: Any, engine: bytes) -> str:
        """Why this engine does not run on the card that is here; "" where it does."""
        validity, reasons = runtime.get_engine_validity(engine)
        if validity != trt.EngineValidity.INVALID:
            return ""
        named = [one.name for one in trt.EngineInvalidityDiagnostics.__members__.values() if int(one) & int(reasons)]
        return ", ".join(named).lower().replace("_", " ") or "it does not fit this card"

    def context(self, engine: Any, kept: bytes) -> tuple[Any, Any]:
        """(execution context, runtime cache): what was compiled at earlier starts is taken from `kept`."""
        config = engine.create_runtime_config()
        cache = config.create_runtime_cache()
        if kept:
            cache.deserialize(kept)
        config.set_runtime_cache(cache)
        return engine.create_execution_context(config), cache


@dataclass(frozen=True)
class Classic:
    """TensorRT 11 and later."""

    id: str = "classic"
    title: str = "TensorRT"
    module: str = "tensorrt"
    install: str = "pip install tensorrt --extra-index-url https://pypi.nvidia.com"

    def key(self, asked: Mapping[str, Any], version: str, place: Place) -> str:
        """An engine holds for one card, driver and version."""
        where = {"card": place.card, "architecture": place.architecture, "driver": place.driver}
        return _key({"edition": self.id, "version": version, **where, **asked})

    def target(self, trt: Any, config: Any, architectures: Sequence[str], place: Place) -> None:
        """It builds for the card that is here. Raises `NotRunnable` where that is not the one that was asked for."""
        others = [name for name in architectures if name != place.architecture]
        if others or not place.architecture:
            names = ", ".join(name.upper() for name in others) or "a card that is not here"
            raise NotRunnable(ValueError(f"{self.title} cannot build for {names}: it builds on the card itself"))

    def give_timing(self, config: Any, kept: bytes) -> None:
        """Timings of earlier builds; those of another card or version are refused, and measured anew."""
        cache = config.create_timing_cache(kept)
        if not config.set_timing_cache(cache, False):
            config.set_timing_cache(config.create_timing_cache(b""), False)

    def take_timing(self, config: Any) -> bytes:
        """What the build has timed."""
        return bytes(config.get_timing_cache().serialize())

    def refusal(self, trt: Any, runtime: Any, engine: bytes) -> str:
        """The key says it before; what is left shows when the engine is opened."""
        return ""

    def context(self, engine: Any, kept: bytes) -> tuple[Any, Any]:
        """(execution context, None): there is no runtime cache."""
        return engine.create_execution_context(), None


Edition = Rtx | Classic
EDITIONS: tuple[Edition, ...] = (Rtx(), Classic())


def for_architecture(architecture: str) -> Edition:
    """The edition for a card: RTX knows GeForce RTX 30 and later and their workstation kin."""
    number = int(architecture.removeprefix("sm") or 0)
    return EDITIONS[0] if number in (86, 89) or number >= 120 else EDITIONS[1]


def is_installed(edition: Edition) -> bool:
    """Whether its package is there; not whether it can be loaded."""
    return importlib.util.find_spec(edition.module) is not None


def load_library(edition: Edition) -> Any:
    """The edition's Python module.

    Raises `NotRunnable` with what to run: the package `tensorrt` of the usual index is a stub that fetches elsewhere,
    and one that is there may still lack what it loads.
    """
    try:
        trt = importlib.import_module(edition.module)
        version = str(trt.__version__)
    except (ImportError, OSError, AttributeError, RuntimeError) as error:
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise NotRunnable(ImportError(f"{edition.title} cannot be loaded ({words}); {edition.install}")) from error
    if edition.id == "classic" and int(version.partition(".")[0]) < CLASSIC_FROM:
        words = f"{edition.title} {version} is too old, {CLASSIC_FROM} is needed; {edition.install} --upgrade"
        raise NotRunnable(ImportError(words))
    return trt


def _key(facts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]
