"""Open the folder of a model in one of the runtimes, with plain error messages.

For workers only, not for bundles.
"""

import importlib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workers.contracts.errors import BackendMissing, InputRefused
from workers.contracts.folder import read_model
from workers.contracts.translation import Message, _, mark, message_of
from workers.infer.base import NotRunnable, Runtime, Session
from workers.pipeline.generating import open_whole
from workers.pipeline.pipeline import load_pipeline

UNSUPPORTED = re.compile(
    r"NOT_IMPLEMENTED|Could not find an implementation|is not a registered function/op|No Op registered"
    r"|Conversion is failed for|No conversion rule found|Unsupported operator|not supported operation",
    re.IGNORECASE,
)
CODE_OF_ORT = re.compile(r"\[ONNXRuntimeError\] : \d+ : \w+ : ")


def runtime_called(runtime_id: str) -> Runtime:
    """Return the runtime with this id, whether or not it works here.

    Raises:
        BackendMissing: there is no such runtime.
    """
    module_name = f"workers.infer.{runtime_id.replace('-', '_')}"
    try:
        runtime = importlib.import_module(module_name).RUNTIME
    except (ModuleNotFoundError, AttributeError) as error:
        raise BackendMissing(
            "unknown_runtime",
            "There is no such runtime",
            _("Fettle knows no runtime called {0!r}.").format(runtime_id),
            "Run `fettle describe` to see the runtimes and their names.",
        ) from error
    assert isinstance(runtime, Runtime)
    return runtime


def find_runtime(runtime_id: str) -> Runtime:
    """Return the runtime with this id.

    Raises:
        BackendMissing: there is no such runtime, or it does not work here.
    """
    runtime = runtime_called(runtime_id)
    state = runtime.available()
    if not state.available:
        raise BackendMissing(
            "runtime_missing",
            _("{0} is not available").format(_(runtime.title)),
            _("{0} does not work on this computer.").format(_(runtime.title)),
            _("Choose another runtime, or make it work: {0}").format(_(state.hint)),
        )
    return runtime


def open_session(folder: Path, runtime_id: str, settings: Mapping[str, Any], threads: int) -> Session:
    """Load the model of `folder`; `settings` override those of its artifact.json.

    Raises:
        InputRefused: the model and the runtime do not fit, or the model cannot be compiled as its settings require. A
        bundle would run it uncompiled, but that would not be the version that is evaluated and timed here.
        BackendMissing: the runtime does not work here.
    """
    runtime = find_runtime(runtime_id)
    model = read_model(folder)
    artifact = model.artifact
    fits = artifact.format in runtime.formats
    if not fits or (artifact.runtimes is not None and runtime_id not in artifact.runtimes):
        raise InputRefused(
            "runtime_does_not_fit",
            _("{0} cannot run this variant").format(_(runtime.title)),
            _("This variant was made for {0}.").format(", ".join(artifact.runtimes or ()) or artifact.format),
            "Choose the runtime that it was made for.",
        )
    try:
        merged = {**artifact.settings, **settings}
        loop = load_pipeline(folder).spec.generation if "parts" in merged else None
        session: Session = open_whole(runtime.load, folder, artifact.main, merged, threads, loop)
    except NotRunnable as error:
        raise _refused(runtime, _plain(error, folder)) from error
    except ValueError as error:
        raise InputRefused(
            "bad_setting",
            "A setting does not fit the runtime",
            f"{runtime.title}: {error}.",
            "Correct the settings in the recipe.",
        ) from error
    if merged.get("compile") and session.fallbacks:
        session.close()
        raise _not_compiled(getattr(session.fallbacks[0], "facts", session.fallbacks)[0])
    return session


def _not_compiled(reason: object) -> InputRefused:
    return InputRefused(
        "not_compiled",
        "The model cannot be compiled here",
        Message.made("{0}.", (reason,)),
        "Install a C++ compiler (Debian and Ubuntu: apt install g++ python3-dev), or choose another version.",
    )


def _plain(error: NotRunnable, folder: Path) -> str:
    """Return a runtime's reason without error numbers and without Fettle's folders; a text of ours as it is."""
    if isinstance(reason := message_of(error), Message):
        return reason
    return CODE_OF_ORT.sub("", reason).replace(f"{folder}{os.sep}", "").rstrip(".")


def _refused(runtime: Runtime, reason: str) -> InputRefused:
    code = "unsupported_operator" if UNSUPPORTED.search(reason) else "runtime_refused_model"
    return InputRefused(
        code,
        _("{0} cannot run this model").format(_(runtime.title)),
        _("{0} refused it: {1}.").format(_(runtime.title), reason),
        mark("Try another runtime, or export the model again with common operators."),
    )
