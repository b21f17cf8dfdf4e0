"""Start functions of the application's new processes.

The application uses no other code of the workers except the contracts. The functions import the worker code only in the
new process.
"""

import importlib
import socket
from multiprocessing.connection import Connection


def run_worker(connection: "Connection[bytes, bytes]", config_json: str) -> None:
    """Run a worker process on this end of its pipe, with a `ChildConfig` as JSON; never return."""
    importlib.import_module("workers.runtime.entry").main(connection, config_json)


def run_fork_server(pipe: socket.socket, job_kinds: str) -> None:
    """Run the process that workers are forked from, for jobs of this table; never return."""
    importlib.import_module("workers.runtime.fork_server").serve(pipe, job_kinds)
