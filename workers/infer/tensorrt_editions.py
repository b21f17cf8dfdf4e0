"""Provide both editions of TensorRT behind one interface, each with its own caches.

TensorRT for RTX builds without a card, and its engines run on several cards. The library reports whether one fits
(`get_engine_validity`). A runtime cache keeps the code that it compiles on a card; a timing cache has no effect there.
Classic TensorRT (11) builds only on the card itself, for that card, driver and version. These form its cache key, and a
timing cache shortens the next build.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
from collections.abc import Mapping, Sequence
from typing import Any

from .base import NotRunnable
from .cuda_driver import Place
from .words import Words

WHEELS = ("tensorrt-rtx-cu13-bindings", "tensorrt-rtx-cu13-libs")
"""Wheels behind the package `tensorrt-rtx`, which is itself no wheel."""

OWN_INSTALL = "installer/fettle --gpu rtx"
"""Command that installs them in Fettle's own environment; bundles name the wheels."""

CLASSIC_FROM = 11
"""First supported major version; older ones choose precisions by flags, which this code does not set."""


class Edition:
    """One edition of TensorRT; the methods of this base class set nothing and refuse nothing."""

    id = ""
    title = ""
    module = ""
    install = ""

    def key(self, requested: Mapping[str, Any], version: str, place: Place) -> str:
        """Return the cache key of an engine for these build facts."""
        facts = {"edition": self.id, "version": version, **requested}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:32]

    def target(self, trt: Any, config: Any, architectures: Sequence[str], place: Place) -> None:
        """Set the architectures to build for: the given ones, or the card of this computer.

        Raises:
            NotRunnable: the edition cannot build for an architecture.
        """

    def give_timing(self, config: Any, kept: bytes) -> None:
        """Use the timings of earlier builds."""

    def take_timing(self, config: Any) -> bytes:
        """Return the timing cache of the build; empty where timings have no effect."""
        return b""

    def refusal(self, trt: Any, runtime: Any, engine: bytes) -> str:
        """Return the reason why this engine does not run on this card, or "" where only opening it shows that."""
        return ""

    def context(self, engine: Any, kept: bytes) -> tuple[Any, Any]:
        """Return an execution context and its runtime cache, which reuses the code in `kept`; None without a cache."""
        return engine.create_execution_context(), None


class Rtx(Edition):
    """TensorRT for RTX, which builds engines for several cards; neither card nor driver is part of their cache key."""

    id = "rtx"
    title = "TensorRT for RTX"
    module = "tensorrt_rtx_bindings"
    install = f"pip install {' '.join(WHEELS)}"

    def target(self, trt: Any, config: Any, architectures: Sequence[str], place: Place) -> None:
        """Set the architectures; raise NotRunnable where the edition does not support one."""
        names = list(architectures) or [place.architecture]
        config.num_compute_capabilities = len(names)
        for number, name in enumerate(names):
            capability = getattr(trt.ComputeCapability, name.upper(), None)
            if capability is None:
                raise NotRunnable(Words("{0} builds nothing for the card {1}", self.title, name.upper() or "–"))
            config.set_compute_capability(capability, number)

    def refusal(self, trt: Any, runtime: Any, engine: bytes) -> str:
        """Return the reasons that the library reports."""
        validity, reasons = runtime.get_engine_validity(engine)
        if validity != trt.EngineValidity.INVALID:
            return ""
        named = [one.name for one in trt.EngineInvalidityDiagnostics.__members__.values() if int(one) & int(reasons)]
        return ", ".join(named).lower().replace("_", " ") or "it does not fit this card"

    def context(self, engine: Any, kept: bytes) -> tuple[Any, Any]:
        """Return an execution context and its runtime cache."""
        config = engine.create_runtime_config()
        cache = config.create_runtime_cache()
        if kept:
            cache.deserialize(kept)
        config.set_runtime_cache(cache)
        return engine.create_execution_context(config), cache


class Classic(Edition):
    """TensorRT 11 and later, which builds engines for the card of this computer; its cache key excludes other cards."""

    id = "classic"
    title = "TensorRT"
    module = "tensorrt"
    install = "pip install tensorrt --extra-index-url https://pypi.nvidia.com"

    def key(self, requested: Mapping[str, Any], version: str, place: Place) -> str:
        """Return the cache key of an engine, which is valid for one card, driver and version."""
        where = {"card": place.card, "architecture": place.architecture, "driver": place.driver}
        return super().key({**where, **requested}, version, place)

    def target(self, trt: Any, config: Any, architectures: Sequence[str], place: Place) -> None:
        """Check that the build is for the card of this computer; raise NotRunnable where it is not."""
        others = [name for name in architectures if name != place.architecture]
        if others or not place.architecture:
            names = ", ".join(name.upper() for name in others) or Words("a card that is not here")
            raise NotRunnable(Words("{0} cannot build for {1}: it builds on the card itself", self.title, names))

    def give_timing(self, config: Any, kept: bytes) -> None:
        """Use the timings of earlier builds; the library rejects those of another card or version and repeats them."""
        cache = config.create_timing_cache(kept)
        if not config.set_timing_cache(cache, False):
            config.set_timing_cache(config.create_timing_cache(b""), False)

    def take_timing(self, config: Any) -> bytes:
        """Return the timing cache of the build."""
        return bytes(config.get_timing_cache().serialize())


EDITIONS: tuple[Edition, ...] = (Rtx(), Classic())


def for_architecture(architecture: str) -> Edition:
    """Return the edition for an architecture; RTX supports GeForce RTX 30 and later and related workstation cards."""
    number = int(architecture.removeprefix("sm") or 0)
    return EDITIONS[0] if number in (86, 89) or number >= 120 else EDITIONS[1]


def is_installed(edition: Edition) -> bool:
    """Return whether the edition's package is installed, without loading it."""
    return importlib.util.find_spec(edition.module) is not None


def load_library(edition: Edition) -> Any:
    """Import the edition's Python module.

    Raises:
        NotRunnable: with the command to run. The package `tensorrt` of the usual index is a stub that downloads from
        elsewhere, and an installed one may still lack libraries.
    """
    try:
        trt = importlib.import_module(edition.module)
        version = str(trt.__version__)
    except (ImportError, OSError, AttributeError, RuntimeError) as error:
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise NotRunnable(Words("{0} cannot be loaded ({1}); {2}", edition.title, words, edition.install)) from error
    if edition.id == "classic" and int(version.partition(".")[0]) < CLASSIC_FROM:
        command = f"{edition.install} --upgrade"
        raise NotRunnable(
            Words("{0} {1} is too old, {2} is needed; {3}", edition.title, version, CLASSIC_FROM, command)
        )
    return trt
