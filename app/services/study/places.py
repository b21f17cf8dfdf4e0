"""Say where the models of a study are optimized: here, or on the workers of a Dask cluster."""

import dataclasses
import importlib.util
import logging
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.jobs.cluster.files import FileIndex
from app.jobs.cluster.records import WorkerFacts
from app.jobs.cluster.remote import ClusterPool, Worker
from app.jobs.cluster.task import leave
from app.services.flow.artifacts import machine_identity
from app.services.flow.steps import Unavailable, WrongRequest
from app.services.flow.workspace import RemotePool, Workspace
from app.services.hub.place import is_here
from app.version import VERSION
from workers.contracts.optional_sets import install_command, where_to_install
from workers.contracts.process.allowance import usable_cores
from workers.contracts.translation import _, mark

OWN = "local"
"""Scheme of a cluster that Fettle starts itself: ``local:2`` has two workers with one core each."""

MOST_OWN = 64
CONNECT_S, START_S = 10.0, 60.0
"""Seconds in which a cluster must answer, and in which own workers must start on a busy computer."""

UNREACHABLE = mark("The cluster cannot be used")


@dataclass(frozen=True)
class Place:
    """A computer, or a part of one, that optimizes one model at a time; `threads` are its cores, None for all of them.

    `computer` is the name in the goals of its runs, "" for this computer. Workers of a cluster get new names when it
    starts again, so results of all of them count.
    """

    computer: str
    space: Workspace
    threads: int | None = None
    in_cluster: bool = False


def facts(dask_worker: Any = None) -> str:
    """Return the `WorkerFacts` of a worker as JSON; Dask calls it there."""
    cores = min(usable_cores(), dask_worker.state.nthreads)
    name, machine = str(dask_worker.name), machine_identity()
    return WorkerFacts(name=name, version=_version(), machine=machine, cores=cores).model_dump_json()


def _version() -> str:
    """Return the versions that must be equal there and here."""
    import distributed

    return f"{VERSION} (Dask {distributed.__version__})"


@contextmanager
def places_of(
    space: Workspace, computers: tuple[str, ...], cluster: str | None, models: frozenset[Path]
) -> Iterator[list[Place]]:
    """Yield where to work: at these computers ("" is this one), or at the workers of the cluster at an address.

    Raises:
        JobError: (exit code 2) The address is none, or would be open to others. (exit code 6) The packages are missing,
            or the cluster does not answer or runs another version.
    """
    if cluster is None:
        yield [Place(name, space) for name in computers]
        return
    address = checked_address(cluster)
    if importlib.util.find_spec("distributed") is None:
        what = mark("Studies on several computers need a one-time download.")
        by_command = install_command("cluster")
        raise Unavailable("cluster_missing", UNREACHABLE, what, where_to_install("cluster"), by_command)
    with ExitStack() as stack:
        log = logging.getLogger("distributed")
        stack.callback(log.setLevel, log.level)
        log.setLevel(logging.CRITICAL)  # its lines are for the administrators of a cluster
        try:
            client = _connected(stack, address)
            found = {worker: WorkerFacts.model_validate_json(text) for worker, text in client.run(facts).items()}
        except (OSError, ImportError, ValueError, TypeError, RuntimeError, AttributeError) as error:
            raise _unreachable(cluster, error) from error
        stack.callback(_leave, client)
        _check_versions({one.version for one in found.values()})
        index, places = FileIndex(models), []
        for worker, one in sorted(found.items(), key=lambda item: item[1].name):
            reached = Worker(client, worker, one.name, index)
            pool = ClusterPool(reached, one.machine, space.jobs, space.paths.logs, space.paths.store)
            stack.callback(pool.close)
            there = dataclasses.replace(space, pool=pool, elsewhere=_OneWorker(pool), measure=pool.measure)
            places.append(Place(one.name, there, one.cores, in_cluster=True))
        yield places


def _connected(stack: ExitStack, address: str) -> Any:
    """Return a client of the cluster at an address, or of an own one; both end with the stack."""
    import dask
    from distributed import Client
    from distributed.security import Security

    from app.jobs.cluster.own import SETTINGS, own_cluster

    stack.enter_context(dask.config.set(SETTINGS))
    security: Any = None
    workers = int(address.removeprefix(f"{OWN}:")) if address.startswith(OWN) else 0
    if workers:
        address, security = stack.enter_context(own_cluster(workers))
    elif address.startswith("tls"):
        security = _certificates(Security(require_encryption=True))
    client = stack.enter_context(Client(address, security=security, timeout=CONNECT_S, set_as_default=False))
    if workers:
        client.wait_for_workers(workers, timeout=START_S)
    return client


def _leave(client: Any) -> None:
    with suppress(OSError, RuntimeError):  # on workers that are gone, everything has ended
        client.run(leave)


def _check_versions(found: set[str]) -> None:
    """Raise `JobError` unless there is a worker, and all run these versions of Fettle and Dask."""
    if found == {_version()}:
        return
    detail = _("Fettle {0} runs there, and {1} here.").format(", ".join(sorted(found)), _version())
    words = detail if found else mark("It has no workers.")
    raise Unavailable("cluster_differs", UNREACHABLE, words, mark("Install the same version of Fettle on all workers."))


def _certificates(security: Any) -> Any:
    """Return the security with the files that Dask's own configuration names; raise `JobError` if it names none."""
    if not all((security.tls_ca_file, security.tls_client_cert, security.tls_client_key)):
        detail = mark("Dask's configuration names no certificate and key for it.")
        hint = mark("Name the files: distributed.comm.tls.ca-file, client.cert and client.key.")
        raise Unavailable("cluster_certificate", UNREACHABLE, detail, hint)
    return security


@dataclass(frozen=True)
class _OneWorker:
    """The other computers of a place: the pool of its worker under every name, since runs move to other workers."""

    found: RemotePool

    def processors(self) -> Mapping[str, str]:
        return {}

    def pool(self, name: str) -> RemotePool:
        return self.found


def checked_address(text: str) -> str:
    """Return the address of a cluster: ``tls://…`` anywhere, ``tcp://…`` on this computer, or ``local:N``."""
    kind, _separator, rest = text.partition(":")
    if kind == OWN and rest.isdecimal() and 1 <= int(rest) <= MOST_OWN:
        return text
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme in ("tls", "tcp") and bool(parts.hostname) and parts.port is not None
    except ValueError:
        is_whole = False
    if not is_whole:
        detail = _("{0} is not the address of a cluster.").format(text)
        raise WrongRequest(
            "usage", mark("Wrong usage"), detail, mark("Use tls://HOST:PORT, or local:2 for this computer.")
        )
    if parts.scheme == "tcp" and not is_here(str(parts.hostname)):
        detail = mark(
            "Without a certificate, everybody on the way could read the models and run programs on the workers."
        )
        hint = mark("Use tls:// with the certificates of the cluster.")
        raise WrongRequest("cluster_open", mark("This connection is not encrypted"), detail, hint)
    return text


def _unreachable(cluster: str, error: Exception) -> Unavailable:
    why = str(error).strip().splitlines() or [type(error).__name__]
    detail = _("{0}: {1}").format(cluster, why[0][:300])
    hint = mark(
        "Check that the cluster runs, that its certificates are in Dask's configuration, and that Fettle is there."
    )
    return Unavailable("cluster_unreachable", UNREACHABLE, detail, hint)
