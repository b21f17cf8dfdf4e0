"""Send the files that a job reads to another computer, and fetch the files that it left."""

import shutil
import time
from pathlib import Path

from app.computers.files import LOG, Arrival, Hashes, LocalFile, folders_of, listed, walk
from app.computers.link import Link, number
from app.computers.order import RelayOrder
from app.computers.places import input_roots
from app.computers.problems import BadAnswer, LinkLost
from app.computers.wire import Wire
from workers.contracts.process.channel import CHUNK_BYTES, DATA
from workers.contracts.process.disk import DiskFull
from workers.contracts.process.messages import Progress
from workers.contracts.translation import _

SHOW_EVERY_S = 0.3
QUEUED_BYTES = 1 << 20
LOG_BYTES = 64 << 20


class Transfer:
    """The files of one job, of which each part is sent or fetched once, however often the connection is replaced."""

    def __init__(self, order: RelayOrder, wire: Wire) -> None:
        """Create the transfer of a job that has sent nothing yet."""
        self._order, self._wire = order, wire
        self.roots = input_roots(order.config.read_roots)
        self.folders = folders_of(self.roots)
        self.files: list[LocalFile] = []
        self._arrivals: dict[str, Arrival] = {}
        self._shown_s = time.monotonic()

    def find(self) -> None:
        """Find and hash the files that the job reads."""
        hashes = Hashes(Path(self._order.hashes) if self._order.hashes else None)
        try:
            found = [(path, name, hashes.of(path, self._wire.check)) for path, name in walk(self.roots)]
        finally:
            hashes.close()
        self.files = [LocalFile(path, name, size, sha256) for path, name, (size, sha256) in found]

    def send(self) -> None:
        """Send all files that are missing there."""
        link = self._link
        wanted = {file.sha256: file for file in self.files}
        link.request(do="have", files=[(file.sha256, file.size) for file in wanted.values()])
        reply = self._wire.reply().get("missing")
        rows = list(wanted.values())
        if not isinstance(reply, list) or not all(isinstance(one, int) and 0 <= one < len(rows) for one in reply):
            raise BadAnswer("no list of missing files")
        missing = [rows[one] for one in sorted(set(reply))]
        done, total = 0, sum(file.size for file in missing)
        for file in missing:
            self._send_one(file, done, total)
            done += file.size

    def _send_one(self, file: LocalFile, done: int, total: int) -> None:
        link = self._link
        link.request(do="put", sha256=file.sha256, size=file.size)
        offset = number(self._wire.reply(), "offset", file.size)
        with file.path.open("rb") as source:
            source.seek(offset)
            while offset < file.size and (piece := source.read(min(CHUNK_BYTES, file.size - offset))):
                link.send(DATA + piece)
                offset += len(piece)
                self._show(done + offset, total)
                self._let_out()
        if offset < file.size:  # it has become shorter meanwhile
            raise LinkLost(file.path.name)
        if self._wire.reply().get("received") != file.sha256:
            raise BadAnswer("a file was not confirmed")

    def _let_out(self) -> None:
        """Wait until little is queued; raises LinkLost if nothing moves."""
        queued, self._wire.moved_s = self._link.channel.queued_bytes, time.monotonic()
        self._wire.check()
        while (now := self._link.channel.queued_bytes) > QUEUED_BYTES:
            if now < queued:
                self._wire.moved_s, queued = time.monotonic(), now
            elif time.monotonic() - self._wire.moved_s > self._wire.silence_s:
                raise LinkLost(self._link.detail())
            self._wire.wait(0.5)

    def _show(self, done: float, total: int) -> None:
        if time.monotonic() - self._shown_s > SHOW_EVERY_S:
            self._shown_s = time.monotonic()
            stage = _("Sending files to “{0}”").format(self._order.name)
            progress = Progress(stage=stage, stage_id="send_files", done=done, total=total, unit="bytes")
            self._wire.to_client(progress.model_dump_json().encode())

    def fetch(self, *, whole: bool) -> None:
        """Fetch the log and, if `whole`, the files that the job left; they replace those of an earlier connection."""
        link, config = self._link, self._order.config
        link.request(do="list")
        files = listed(self._wire.reply().get("files"), self._order.most_bytes + LOG_BYTES)
        files = [file for file in files if (file[1] <= LOG_BYTES if file[0] == LOG else whole)]
        folder = Path(config.write_root)
        needed = sum(size for _name, size, _sha256 in files)
        if needed > shutil.disk_usage(folder).free:
            raise DiskFull(folder.parent, needed_bytes=needed)
        for name, size, sha256 in files:
            place = Path(config.log_path or folder / LOG) if name == LOG else folder / name.partition("/")[2]
            self._fetch_one(name, place, size, sha256)

    def _fetch_one(self, name: str, place: Path, size: int, sha256: str) -> None:
        arrival = self._arrivals.get(name)
        if arrival is None or (arrival.size, arrival.sha256) != (size, sha256):
            arrival = self._arrivals[name] = Arrival(place, size, sha256)
        if arrival.is_whole:
            return
        self._link.request(do="get", name=name, offset=arrival.got, size=size)
        while arrival.got < size:
            frame = self._wire.frame()
            if frame[:1] != DATA:
                raise BadAnswer("no part of a file")
            arrival.add(frame[1:])
        if self._wire.reply().get("sent") != name:
            raise BadAnswer("a file was not completed")
        arrival.finish()

    @property
    def _link(self) -> Link:
        assert self._wire.link is not None
        return self._wire.link
