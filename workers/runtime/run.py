"""Run one job from its message to its terminal message."""

import os
import sys
import traceback
from pathlib import Path

from pydantic import JsonValue, ValidationError

from workers.contracts.process.bootstrap import HOME_FOLDER, ChildConfig
from workers.contracts.process.messages import Failed, Finished, Ready, RunJob
from workers.contracts.process.protections import MissingProtection
from workers.contracts.text import WHOLE
from workers.runtime import environment, gpu
from workers.runtime.context import RuntimeContext
from workers.runtime.failure import refused_parameters, terminal_message
from workers.runtime.inbox import Inbox, ParentGone
from workers.runtime.kinds import load_job
from workers.runtime.reporter import Reporter
from workers.runtime.walls import sandbox
from workers.runtime.walls.limits import Watchdog, is_near_memory_limit, lower_priority, set_system_limits


def enclose(config: ChildConfig, threads: int) -> sandbox.Protections:
    """Set the variables of this process and apply the first layer of its sandbox, before libraries are imported."""
    home = Path(config.home) if config.home else None
    environment.prepare(network=config.network, threads=threads, home=home)
    if config.gpu:
        gpu.prepare(os.environ, card=config.card, cache=config.gpu_cache)
    return sandbox.first_layer(config)


def settle(job: RunJob) -> list[MissingProtection]:
    """Set priority, limits, thread counts and home folder of one job; return the limits that this system lacks."""
    lower_priority(job.niceness)
    environment.prepare(network=job.limits.network, threads=job.threads, home=Path(job.work_dir) / HOME_FOLDER)
    _use_threads(job.threads)
    return set_system_limits(job.limits, job.threads)


def run_job(job: RunJob, config: ChildConfig, reporter: Reporter, inbox: Inbox, ready: Ready | None = None) -> int:
    """Run the job, send exactly one terminal message and return the exit code (docs/command-line.md)."""
    work_dir = Path(job.work_dir)
    context = RuntimeContext(reporter, inbox, work_dir, job.seed, job.threads, ready=ready)
    context.persistent_dir = Path(job.kept_dir) if job.kept_dir else None
    try:
        result = _run(job, config, context)
        context.flush()
        reporter.send(Finished(result=result))
        return 0
    except (ParentGone, BrokenPipeError):
        raise
    except BaseException as error:
        near_limit = is_near_memory_limit(job.limits)
        message = terminal_message(error, near_memory_limit=near_limit, folder=work_dir, on_gpu=job.limits.gpu)
        if isinstance(message, Failed):
            traceback.print_exception(error, file=sys.stderr)
        reporter.send(message)
        return message.exit_code if isinstance(message, Failed) else 5


def _use_threads(threads: int) -> None:
    """Let BLAS and OpenMP use `threads` threads after they were loaded with one.

    They are loaded with one thread since the sandbox does not reach threads that exist already.
    """
    if threads != 1 and "numpy" in sys.modules:
        from threadpoolctl import threadpool_limits

        threadpool_limits(threads)


def _run(job: RunJob, config: ChildConfig, context: RuntimeContext) -> dict[str, JsonValue]:
    outside = sandbox.second_layer(config, job.read_paths, job.work_dir, job.write_paths)
    watchdog = Watchdog(config.parent_pid)
    watchdog.watch(job.limits)
    watchdog.start()
    context.missing_limits = (*outside, *settle(job))
    for missing in context.missing_limits:
        context.log(f"Missing protection: {missing.name}. {missing.reason}", "warning")
    function = load_job(job.kind, config.job_kinds)
    try:
        params = function.params.model_validate(job.params)
    except ValidationError as error:
        raise refused_parameters(error) from error
    data_dir = getattr(params, "data_dir", None)
    context.data_dir = Path(data_dir) if data_dir else None
    result: dict[str, JsonValue] = function.run(params, context).model_dump(mode="json", context=WHOLE)
    return result
