"""Start or continue one job for a Fettle on another computer, over one connection.

The conversation is one of frames (`workers.contracts.process.channel`). This process says where its home is. It then
answers requests: which files are missing, receive one, start the job or attach to it. While the job runs it only passes
frames on between the connection and the job's keeper. At the end it sends the files that the job left and removes its
folder.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import time
import traceback
from pathlib import Path
from typing import Any

from workers.contracts.process.channel import BadFrameError, control
from workers.remote import files
from workers.remote.folders import (
    ALIVE,
    INPUTS,
    JOBS,
    KEPT,
    MEASURING,
    SOCKET,
    WORK,
    below,
    clean,
    file_path,
    hold,
    is_alive,
    job_folder,
    make_folders,
    measured_by,
    one_at_a_time,
)
from workers.remote.keeper import Keeper
from workers.remote.line import Line, LineClosed
from workers.remote.refused import EXIT_CODE, Refused

LEASE_S, MOST_LEASE_S = 45.0, 3600.0
END_WAIT_S = 0.5
PLACES = ("log_path", "write_root", "home", "gpu_cache")
SETTABLE = (*PLACES, "read_roots", "write_paths", "threads", "start_programs", "gpu", "card", "kind")
"""Fields of a worker's start configuration that a request may set: never the sandbox, the network or other code."""


def session(home: Path, words: list[str]) -> int:
    """Converse about one job until the connection ends; `words` are the job's name and the seconds of its lease."""
    home = home.resolve()
    folder = job_folder(home, words[0] if words else None)
    lease_s = min(MOST_LEASE_S, max(0.1, float(words[1]))) if words[1:] else LEASE_S
    line = Line(lease_s)
    try:
        make_folders(home)
        line.reply(home=str(home))
        while _answer(home, folder, line, line.request()):
            pass
    except LineClosed:
        pass
    except BadFrameError as error:
        line.reply(error="bad_request", detail=str(error)[:200])
    except Refused as refused:
        line.reply(error=refused.code, detail=refused.detail, **refused.facts)
        return EXIT_CODE
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        line.reply(error="no_room" if full else "system", detail=str(error), free=shutil.disk_usage(str(home)).free)
        return EXIT_CODE
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        line.reply(error="bad_request", detail=f"{type(error).__name__}: {error}"[:200])
        return EXIT_CODE
    return 0


def _answer(home: Path, folder: Path, line: Line, request: dict[str, Any]) -> bool:
    """Answer one request; return whether another one may follow."""
    name = request.get("do")
    if name == "have":
        files.answer_have(home, line, request)
    elif name == "put":
        files.receive(home, line, request)
    elif name == "start":
        _start(home, folder, request, line.patience_s)
        _join(folder, line)
    elif name == "attach":
        _join(folder, line)
    elif name == "list":
        files.answer_list(folder, line)
    elif name == "get":
        files.send(folder, line, request)
    elif name == "remove":
        end(home, [folder.name])
        line.reply(removed=folder.name)
        clean(home, [])
        return False
    else:
        raise Refused("bad_request", f"{name!r:.80}")
    return True


def _join(folder: Path, line: Line) -> None:
    """Pass frames on until the keeper or the connection ends."""
    connection = _connected(folder)
    if connection is not None:
        line.reply(joined=True)
        with connection:
            line.join(connection)
    line.reply(left=True)


def _connected(folder: Path) -> socket.socket | None:
    """Return a connection to the keeper of a job, None without one.

    The address is relative because the path of a socket has at most 107 bytes.
    """
    connection = socket.socket(socket.AF_UNIX)
    try:
        os.chdir(str(folder))
        connection.connect(SOCKET)
    except OSError:
        connection.close()
        return None
    return connection


def _start(home: Path, folder: Path, request: dict[str, Any], lease_s: float) -> None:
    """Start the keeper of a new job; one that was started over an earlier connection is kept.

    Raises:
        Refused: The workers are not installed, an input is missing, or another group measures.
    """
    version = below(home / "versions", request["version"])
    config = {name: request["config"][name] for name in SETTABLE if name in request["config"]}
    _check_places(home, folder, config)
    if not (version / "complete").exists():
        raise Refused("unprepared", version.name)
    with one_at_a_time(home):
        if (folder / SOCKET).exists():
            return
        shutil.rmtree(str(folder), ignore_errors=True)
        who = measured_by(home, request["group"]) if request.get("group") else None
        if who is not None:
            raise Refused("in_use", who)
        _lay_out(home, folder, request)
        alive = hold(folder / ALIVE)
        if request.get("group"):
            facts = json.dumps({"group": request["group"], "who": str(request["who"])[:200]})
            (folder / MEASURING).write_text(facts)
        os.chdir(str(folder))
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(SOCKET)
        listener.listen(4)
    _fork(lambda: Keeper(folder, version, config, listener, lease_s).run())
    listener.close()
    if alive is not None:
        os.close(alive)


def _check_places(home: Path, folder: Path, config: dict[str, Any]) -> None:
    """Raise `Refused` if a worker should read or write anything but its job's folder and what jobs keep."""
    places = [config.get(name) or "" for name in PLACES]
    places += [*config.get("read_roots", ()), *config.get("write_paths", ())]
    for place in filter(None, places):
        path = os.path.normpath(str(place))
        if not path.startswith((f"{folder}/", f"{home / KEPT}/")):
            raise Refused("bad_request", f"a place outside of the job's: {place!r:.200}")


def _lay_out(home: Path, folder: Path, request: dict[str, Any]) -> None:
    folder.mkdir(mode=0o700)
    (folder / WORK).mkdir()
    (folder / INPUTS).mkdir()
    for name in request["folders"]:
        below(folder / INPUTS, name).mkdir(parents=True, exist_ok=True)
    for name in request["kept"]:
        kept = below(home / KEPT, name)
        kept.mkdir(exist_ok=True)
        os.utime(str(kept))
    for name, sha256, size in request["files"]:
        path = below(folder / INPUTS, name)
        path.parent.mkdir(parents=True, exist_ok=True)
        if not files.has(home, sha256, size):
            raise Refused("missing_file", str(sha256))
        os.link(str(file_path(home, sha256)), str(path))


def _fork(run: Any) -> None:
    """Run a function in a process of a session of its own, which outlives this one."""
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        return
    try:
        os.setsid()
        if os.fork() == 0:
            run()
    except BaseException:
        traceback.print_exc()  # into the job's log
    finally:
        os._exit(0)


def end(home: Path, words: list[str]) -> int:
    """End a job and remove its folder; nothing is done for a job that is not here."""
    folder = job_folder(home, words[0] if words else None)
    if not folder.is_dir():
        return 0
    connection = _connected(folder)
    if connection is not None:
        with connection:
            connection.settimeout(END_WAIT_S)
            frame = control(end=True)
            try:
                connection.sendall(len(frame).to_bytes(4, "big") + frame)
                while connection.recv(1 << 16):
                    pass  # the keeper closes its end when it is over
                end_s = time.monotonic() + END_WAIT_S
                while is_alive(folder) and time.monotonic() < end_s:
                    time.sleep(0.01)
            except OSError:
                pass
    if is_alive(folder):  # it does not react; the lock shows that its number still belongs to it
        os.kill(int((folder / ALIVE).read_text()), signal.SIGKILL)
    os.chdir(str(home / JOBS))
    shutil.rmtree(str(folder), ignore_errors=True)
    return 0
