"""Run one job without a parent process, in the same sandbox; messages go to the standard output as JSON lines."""

import argparse
import json
import os
import signal
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

from pydantic import ValidationError

from workers.contracts.errors import ErrorInfo, WorkerError
from workers.contracts.process.bootstrap import HOME_FOLDER, ChildConfig
from workers.contracts.process.messages import Failed, RunBlock, RunJob
from workers.runtime.failure import refused_parameters
from workers.runtime.inbox import HeadlessMailbox
from workers.runtime.kinds import load_job, table_of
from workers.runtime.reporter import JsonLinesReporter
from workers.runtime.run import enclose, run_job

EXIT_DONE, EXIT_USAGE = 0, 2
HEADLESS_BLOCKS = 3


def main(arguments: Sequence[str]) -> int:
    """Run one command and return the exit code (docs/command-line.md)."""
    options = _parser().parse_args(arguments)
    if options.command == "list":
        return _list(options.kinds)
    try:
        job = _read_job(options.spec)
        if options.command == "validate":
            return _validate(job, options.kinds)
        return _run(job, options.kinds, sandbox=not options.no_sandbox)
    except (OSError, ValueError, WorkerError) as error:
        JsonLinesReporter(sys.stdout).send(_refused(error))
        return EXIT_USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="do one job; messages go to the standard output as JSON lines")
    run.add_argument("--no-sandbox", action="store_true", help="do not restrict files, network and programs")
    validate = commands.add_parser("validate", help="check a job's description without doing it")
    for command in (run, validate):
        command.add_argument("spec", help="a RunJob as JSON: a file, or - for the standard input")
    commands.add_parser("list", help="the kinds of jobs with the schemas of their parameters")
    for command in commands.choices.values():
        command.add_argument("--kinds", default="", help=argparse.SUPPRESS)
    return parser


def _read_job(spec: str) -> RunJob:
    """Read a `RunJob`; if `work_dir` is missing, a new temporary folder is used, and `job_id` is optional."""
    text = sys.stdin.read() if spec == "-" else Path(spec).read_text(encoding="utf-8")
    document = json.loads(text) if text.strip() else None
    if isinstance(document, dict):
        document.setdefault("job_id", "headless")
        if "work_dir" not in document:
            document["work_dir"] = tempfile.mkdtemp(prefix="fettle-")
    return RunJob.model_validate(document)


def _refused(error: Exception) -> Failed:
    if isinstance(error, ValidationError):
        error = refused_parameters(error)
    if isinstance(error, WorkerError):
        return Failed(error=error.info(), exit_code=EXIT_USAGE)
    info = ErrorInfo(
        code="bad_job",
        title="The job's description cannot be used",
        detail=f"{type(error).__name__}: {error}",
        hint="Give a JSON document with at least kind and params; `list` shows what there is.",
    )
    return Failed(error=info, exit_code=EXIT_USAGE)


def _list(module: str) -> int:
    for kind in sorted(table_of(module)):
        function = load_job(kind, module)
        schemas = {"params": function.params.model_json_schema(), "result": function.result.model_json_schema()}
        sys.stdout.write(json.dumps({"kind": kind, **schemas}) + "\n")
    return EXIT_DONE


def _validate(job: RunJob, module: str) -> int:
    load_job(job.kind, module).params.model_validate(job.params)
    sys.stdout.write(json.dumps({"valid": True, "kind": job.kind}) + "\n")
    return EXIT_DONE


def _run(job: RunJob, module: str, *, sandbox: bool) -> int:
    work_dir = Path(job.work_dir)
    work_dir.mkdir(parents=True, exist_ok=True)
    config = ChildConfig(
        parent_pid=os.getppid(), write_root=job.work_dir, read_roots=job.read_paths, write_paths=job.write_paths,
        home=str(work_dir / HOME_FOLDER), threads=job.threads, network=job.limits.network,
        start_programs=job.limits.start_programs, gpu=job.limits.gpu, card=job.limits.card, gpu_cache=job.gpu_cache,
        sandbox=sandbox, job_kinds=module,
    )  # fmt: skip
    reporter = JsonLinesReporter(sys.stdout)
    inbox = HeadlessMailbox(_blocks())

    def stop(_signum: int, _frame: FrameType | None) -> None:
        inbox.cancelled = True

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    protections = enclose(config, config.threads)
    ready = protections.ready()
    reporter.send(ready)
    code = run_job(job, config, reporter, inbox, ready)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _blocks() -> list[RunBlock]:
    """Return the three blocks of a measurement without a parent."""
    return [RunBlock(index=index, last=index == HEADLESS_BLOCKS - 1) for index in range(HEADLESS_BLOCKS)]
