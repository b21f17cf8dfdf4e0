"""Table of job kinds: find the function of a kind without importing any other.

A new kind is one row: a function `(params: Params, ctx: JobContext) -> Result` in a package of the workers or in
`workers.jobs`, whose annotations name the two models. The table does not repeat the models: otherwise each new worker
would import all contracts.
"""

import importlib
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from workers.contracts.errors import InputRefused
from workers.contracts.process.context import JobContext
from workers.contracts.translation import _


@dataclass(frozen=True)
class JobKind:
    """One row of the table of job kinds.

    Attributes:
        function: The function as "module:name".
        preload: Import names of libraries that the job nearly always needs and that start no threads on import. The
            fork
        server loads them for kinds that come often.
    """

    function: str
    preload: tuple[str, ...] = ()


@dataclass(frozen=True)
class JobFunction:
    """The imported function of a job kind and the model that the annotation of its parameters names."""

    run: Callable[[Any, JobContext], BaseModel]
    params: type[BaseModel]
    preload: tuple[str, ...] = ()


ONNX = ("onnx", "onnx_ir")

KINDS: Mapping[str, JobKind] = {
    # models
    "inspect": JobKind("workers.model_io.opening:inspect_model", preload=("onnx",)),
    "open": JobKind("workers.jobs.open:run", preload=("onnx",)),
    "open_beside": JobKind("workers.model_io.beside.opening:open_beside", preload=("onnx",)),
    # data
    "data": JobKind("workers.evaluate.data.build:build_data"),
    "data_check": JobKind(
        "workers.evaluate.checks.job:check_data",
        preload=("cleanlab.filter", "sklearn.covariance", "sklearn.decomposition", "sklearn.linear_model"),
    ),
    "doctor": JobKind("workers.evaluate.doctor.job:examine"),
    "examples": JobKind("workers.evaluate.look.examples:show_examples"),
    "fed": JobKind("workers.evaluate.look.fed:show_fed"),
    "fingerprints": JobKind("workers.jobs.fingerprints:run"),
    "fresh": JobKind("workers.evaluate.proof.added:find_fresh"),
    "thumbnails": JobKind("workers.evaluate.data.thumbnails:draw_thumbnails"),
    # versions
    "plan": JobKind("workers.jobs.plan:run", preload=ONNX),
    "apply": JobKind("workers.jobs.apply:run", preload=ONNX),
    "answer": JobKind("workers.jobs.answer:run"),
    "answer_rows": JobKind("workers.evaluate.look.answer_rows:write_rows"),
    "judge": JobKind("workers.jobs.judge:run"),
    "diff": JobKind("workers.explain.diff:compare", preload=("onnx",)),
    # speed
    "bench": JobKind("workers.jobs.bench:run"),
    "cold": JobKind("workers.jobs.cold:run"),
    "load": JobKind("workers.jobs.load:run"),
    "measure": JobKind("workers.jobs.measure:run"),
    "summarize": JobKind("workers.jobs.summarize:run"),
    # after a run
    "answer_files": JobKind("workers.jobs.answer_files:run"),
    "answer_table": JobKind("workers.jobs.answer_files:write_table"),
    "chat": JobKind("workers.jobs.chat:run"),
    "explain": JobKind("workers.explain.explain_job:explain"),
    "monitor": JobKind("workers.jobs.monitor:run"),
    "stress": JobKind("workers.evaluate.stress.job:stress_model"),
    "try_it": JobKind("workers.jobs.try_it:run"),
    # bundles
    "card": JobKind("workers.jobs.bundles:run_card"),
    "export": JobKind("workers.jobs.bundles:run_export"),
    "sign": JobKind("workers.export.signing:sign_bundle"),
    "verify": JobKind("workers.jobs.bundles:run_verify"),
    # the model hub
    "hub_download": JobKind("workers.hub.download:download"),
    "hub_login": JobKind("workers.hub.push:log_in"),
    "hub_model": JobKind("workers.hub.page:look"),
    "hub_push": JobKind("workers.hub.push:push"),
    "hub_search": JobKind("workers.hub.page:search"),
    # newer versions of the program
    "update_download": JobKind("workers.hub.updates:fetch_archive"),
    "update_index": JobKind("workers.hub.updates:read_index"),
    # this computer
    "describe": JobKind("workers.jobs.describe:run"),
    "gpu_rung": JobKind("workers.jobs.gpu_ladder:try_rung"),
    "gpu_rungs": JobKind("workers.jobs.gpu_ladder:list_rungs"),
    "telemetry": JobKind("workers.jobs.telemetry:run"),
}


def load_job(kind: str, module: str = "") -> JobFunction:
    """Import the function of a kind in the `KINDS` of `module` (an import name), or of the program for "".

    Raises:
        InputRefused: The table has no such kind.
    """
    table: Mapping[str, JobKind] = importlib.import_module(module).KINDS if module else KINDS
    if kind not in table:
        raise InputRefused(
            "unknown_kind",
            "Unknown kind of job",
            _("There is no job of the kind “{0}”.").format(kind),
            _("Use one of: {0}.").format(", ".join(sorted(table))),
        )
    row = table[kind]
    place, _colon, name = row.function.partition(":")
    function = getattr(importlib.import_module(place), name)
    return JobFunction(function, typing.get_type_hints(function)["params"], row.preload)
