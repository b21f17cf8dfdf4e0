"""Functions that the application's new processes run: all that it names of the workers' code besides the contracts.

The code behind them is imported in the new process alone.
"""

import importlib
import socket
from multiprocessing.connection import Connection


def run_worker(connection: "Connection[bytes, bytes]", config_json: str) -> None:
    """Be a worker with this end of its pipe and a `ChildConfig`. Never returns."""
    importlib.import_module("workers.runtime.entry").main(connection, config_json)


def run_fork_server(pipe: socket.socket, job_kinds: str) -> None:
    """Be the process that workers are forked from, for jobs of this table. Never returns."""
    importlib.import_module("workers.runtime.fork_server").serve(pipe, job_kinds)
