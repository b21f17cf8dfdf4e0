"""Process that stands in for a worker which runs on another computer.

It owns the worker's end of the client's pipe. It sends the job's files, starts the job through the agent there, and
passes messages on in both directions with their paths changed. It connects again when a connection is lost, and fetches
the files that the job left before it passes the last message on.
"""

import contextlib
import json
import math
import os
import re
import resource
import signal
import subprocess
import time
from multiprocessing.connection import Connection
from typing import Any

from pydantic import ValidationError

from app.computers.link import Link, facts_of, number
from app.computers.order import RelayOrder
from app.computers.places import HOME, Places, kept_name
from app.computers.problems import BadAnswer, LinkLost, bad_answer, lost, printable, refused, worker_gone
from app.computers.transfer import Transfer
from app.computers.wire import AgentRefused, Ended, Wire
from workers.contracts.errors import WorkerError
from workers.contracts.process.channel import ENDED, MESSAGE, NUMBERED, BadFrameError, Channel, Numbered
from workers.contracts.process.messages import TERMINAL, Failed, Finished, Progress, Sample, worker_messages
from workers.contracts.translation import _

FIRST_CONTACT_S, GREETING_S = 20.0, 5.0
"""Seconds in which the first connection must succeed, and the least that one may take; later ones have the lease."""
FINAL = re.compile(r"permission denied|verification failed|no such file|not found|\"code\"", re.IGNORECASE)
"""Last words of a first connection after which another one is useless: no key, another host, no agent."""
PAUSES_S = (0.1, 0.3, 1.0, 2.0)
BUSY_PAUSE_S = 2.0
STOP_S = 1.0
NO_ROOM_BYTES = 1 << 16
"""Free bytes below which a crash there counts as one of a full disk, as here."""
SEND_ANEW, MOST_ANEW = ("missing_file", "busy_file", "wrong_hash"), 3
"""Refusals after which the files are sent again, a few times."""
BEATS, SILENCE = 9, 3
"""Signs of life in the time of a lease, and the part of it after which a silent connection is replaced."""


def run_relay(connection: "Connection[bytes, bytes]", order_json: str) -> None:
    """Run a relay on this end of the client's pipe; never return."""
    exit_code = 1
    try:
        exit_code = Relay(RelayOrder.model_validate_json(order_json), Channel(connection)).run()
    finally:
        _end_like(exit_code)


def _end_like(exit_code: int) -> None:
    """End this process with the exit code or the signal of the worker, from which the client reads the cause."""
    if exit_code < 0 and -exit_code in signal.valid_signals():
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-exit_code, signal.SIG_DFL)
        os.kill(os.getpid(), -exit_code)
    os._exit(exit_code & 0xFF)


class Relay:
    """The conversation about one job, over as many connections as it takes."""

    def __init__(self, order: RelayOrder, client: Channel) -> None:
        """Create the relay of one job."""
        self._order, self._wire = order, Wire(client, order.lease_s / SILENCE)
        self._transfer = Transfer(order, self._wire)
        self._numbered = Numbered()
        self._places = Places([])
        self._home = ""
        self._last: bytes | None = None
        self._is_finished = False
        self._exit_code: int | None = None
        self._free = 0
        self._may_run = self._was_started = self._is_attached = False
        self._busy_s: float | None = None
        self._sent_anew = 0
        self._clock_s, self._round_trip_s = 0.0, float("inf")

    def run(self) -> int:
        """Relay the job; return the exit code of this process, minus a signal's number."""
        try:
            self._work()
        except Ended:
            self._stop()
            return 1
        except WorkerError as error:
            return self._fail(error)
        except BadAnswer as error:
            return self._fail(bad_answer(self._order.name, str(error)))
        if self._last is not None:
            self._wire.to_client(self._last)
            self._wire.drain(STOP_S)
        elif self._free < NO_ROOM_BYTES:
            return self._fail(refused(self._order.name, {"error": "no_room", "free": self._free}))
        return self._exit_code or 0

    def _fail(self, error: WorkerError) -> int:
        self._stop()
        self._wire.to_client(Failed(error=error.info(), exit_code=error.exit_code).model_dump_json().encode())
        self._wire.drain(STOP_S)
        return error.exit_code

    def _work(self) -> None:
        """Converse until the job is over, over a new connection whenever one is lost."""
        attempt = 0
        self._transfer.find()
        self._wire.moved_s = time.monotonic()
        while True:
            try:
                self._is_attached = False
                self._wire.link = Link(self._order.session)
                self._converse(self._wire.link)
                return
            except LinkLost as error:
                patience_s = self._order.lease_s if self._home else FIRST_CONTACT_S
                is_final = not self._home and FINAL.search(error.last_line) is not None
                if is_final and '"code"' in error.last_line:  # its agent is of another version
                    raise refused(self._order.name, {"error": "unprepared", "detail": self._order.version}) from error
                if is_final or time.monotonic() - self._wire.moved_s > patience_s:
                    raise lost(self._order.name, error.last_line) from error
                pause_s = PAUSES_S[min(attempt, len(PAUSES_S) - 1)]
            except AgentRefused as error:
                pause_s = self._pause_after(error)
            self._close()
            attempt = 0 if time.monotonic() - self._wire.moved_s < 1 else attempt + 1
            self._wire.rest(pause_s)

    def _close(self) -> None:
        if self._wire.link is not None:
            self._wire.link.close()
            self._wire.link = None

    def _pause_after(self, error: AgentRefused) -> float:
        """Return how long to wait before everything is requested again; raise an error if that is useless."""
        code, now_s = error.facts.get("error"), time.monotonic()
        if code == "in_use":
            self._busy_s = self._busy_s or now_s
            self._wire.moved_s = now_s
            if now_s - self._busy_s < self._order.busy_wait_s:
                who = printable(error.facts.get("detail"))
                stage = _("Waiting: {0} measures on “{1}”").format(who, self._order.name)
                self._say(Progress(stage=stage, stage_id="wait_for_computer", done=0))
                return BUSY_PAUSE_S
        elif code in SEND_ANEW and self._sent_anew < MOST_ANEW:
            self._sent_anew += 1
            self._transfer.find()
            return PAUSES_S[0]
        raise refused(self._order.name, error.facts)

    def _say(self, message: Progress) -> None:
        self._wire.to_client(message.model_dump_json().encode())

    def _converse(self, link: Link) -> None:
        """Do all that is left of the job over one connection."""
        self._greet(self._wire.reply(max(GREETING_S, self._wire.silence_s)))
        if self._exit_code is None:
            if self._was_started:
                link.request(do="attach")
            else:
                self._transfer.send()
                self._may_run = True
                link.request(do="start", **self._start())
            if "joined" not in self._wire.reply():
                self._report_lost_keeper()
            self._was_started = True
            self._exchange(link)
        self._transfer.fetch(whole=self._is_finished)
        with contextlib.suppress(LinkLost, AgentRefused):
            link.request(do="remove")
            self._wire.reply(STOP_S)
        self._close()

    def _greet(self, facts: dict[str, Any]) -> None:
        """Learn where the agent's home is, and from that the paths there."""
        home, config = facts.get("home"), self._order.config
        if not isinstance(home, str) or not HOME.fullmatch(home) or (self._home and home != self._home):
            raise BadAnswer(f"its home is {home!r:.200}")
        self._home = home
        job = f"{home}/jobs/{self._order.job}"
        pairs = [(str(root), f"{job}/in/{name}") for root, name in self._transfer.roots.items()]
        pairs += [(place, f"{home}/kept/{kept_name(place)}") for place in config.write_paths]
        pairs += [(config.write_root, f"{job}/work"), *([(config.log_path, f"{job}/log")] if config.log_path else [])]
        self._places = Places(pairs)

    def _start(self) -> dict[str, Any]:
        """Return the request to start the job."""
        config = self._places.there(self._order.config.model_dump(mode="json"))
        config["read_roots"] = [place for place in config["read_roots"] if place.startswith(self._home + "/")]
        return {
            "version": self._order.version,
            "config": config,
            "folders": self._transfer.folders,
            "files": [(file.name, file.sha256, file.size) for file in self._transfer.files],
            "kept": [kept_name(place) for place in self._order.config.write_paths],
            "group": self._order.group,
            "who": self._order.who,
        }

    def _exchange(self, link: Link) -> None:
        """Pass messages on until the worker has ended and its keeper has left."""
        beat_s = self._order.lease_s / BEATS
        heard_s = pinged_s = time.monotonic()
        link.request(attach=True, received=self._numbered.received, ping=pinged_s)
        has_left = False
        while not has_left:
            confirmed = self._numbered.received
            while self._wire.requests and self._is_attached:
                message = self._places.message_there(self._wire.requests.popleft())
                link.send(self._numbered.add(MESSAGE + message))
            while not self._wire.is_clogged and not has_left and (frame := link.receive()) is not None:
                heard_s = self._wire.moved_s = time.monotonic()
                if frame[:1] == NUMBERED:
                    self._take(frame)
                else:
                    has_left = self._obey(link, facts_of(frame))
            if has_left:
                break
            now_s = time.monotonic()
            if confirmed != self._numbered.received or now_s - pinged_s > beat_s:
                pinged_s = now_s
                link.request(received=self._numbered.received, ping=now_s)
            if now_s - heard_s > self._wire.silence_s and not self._wire.is_clogged:
                raise LinkLost(link.detail())
            self._wire.wait(min(beat_s, pinged_s + beat_s - now_s + 0.01))
        if self._exit_code is None:
            self._report_lost_keeper()

    def _obey(self, link: Link, facts: dict[str, Any]) -> bool:
        """Process a frame of the keeper or the agent; return whether the keeper has left."""
        if "left" in facts:
            return True
        if "error" in facts:
            raise AgentRefused(facts)
        try:
            self._numbered.confirm(number(facts, "received", 1 << 62))
        except BadFrameError as error:
            raise BadAnswer(str(error)) from error
        now_s, sent_s, there_s = time.monotonic(), facts.get("ping"), facts.get("now_s")
        if not isinstance(there_s, float) or not math.isfinite(there_s):
            there_s = None
        if isinstance(sent_s, float) and there_s is not None and 0 <= now_s - sent_s < self._round_trip_s:
            self._round_trip_s = now_s - sent_s
            self._clock_s = (now_s + sent_s) / 2 - there_s
        if facts.get("attached"):
            self._is_attached = True
            for frame in self._numbered.unconfirmed:
                link.send(frame)
        return False

    def _take(self, frame: bytes) -> None:
        """Process a message of the worker or the report of its end; both are a stranger's data."""
        try:
            content = self._numbered.take(frame)
            if content is None:
                return
            if content[:1] == ENDED:
                facts = json.loads(content[1:])
                self._exit_code, self._free = int(facts["exit_code"]), int(facts["free"])
                return
        except (BadFrameError, ValueError, KeyError, TypeError, OverflowError, RecursionError) as error:
            raise BadAnswer(" ".join(str(error).split())[:200]) from error
        data = content[1:]
        try:
            message = worker_messages.validate_json(data)
        except ValidationError:  # the client reports it as it would here
            self._wire.to_client(data)
            return
        if isinstance(message, Sample):
            times_s = [at_s + self._clock_s for at_s in message.times_s]
            data = message.model_copy(update={"times_s": times_s}).model_dump_json().encode()
        data = self._places.message_here(data)
        if isinstance(message, TERMINAL):
            self._last, self._is_finished = data, isinstance(message, Finished)
        else:
            self._wire.to_client(data)

    def _report_lost_keeper(self) -> None:
        """Fetch the log of a job whose processes are gone, and raise the error."""
        with contextlib.suppress(LinkLost, AgentRefused):
            self._transfer.fetch(whole=False)
        raise worker_gone(self._order.name)

    def _stop(self) -> None:
        """End the job there, over the open connection or with a command of its own; its lease ends it otherwise."""
        self._wire.ignores_end = True
        try:
            if self._may_run and not self._stop_over_link():
                with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                    nothing = subprocess.DEVNULL
                    program = subprocess.Popen(
                        self._order.end, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True
                    )
                    program.wait(STOP_S)  # it goes on without this process where the network is slow
        finally:
            self._close()

    def _stop_over_link(self) -> bool:
        link = self._wire.link
        if link is None or not self._is_attached:
            return False
        with contextlib.suppress(LinkLost, AgentRefused, BadAnswer):
            link.request(end=True)
            until_s = time.monotonic() + STOP_S / 2
            while time.monotonic() < until_s:
                frame = self._wire.frame(STOP_S / 2)
                if frame[:1] != NUMBERED and "left" in facts_of(frame):
                    link.request(do="remove")
                    return "removed" in self._wire.reply(STOP_S / 2)
        return False
