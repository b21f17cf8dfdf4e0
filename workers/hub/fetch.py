"""Download one file by Range requests, so that no byte comes twice and all bytes match the hub's list."""

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from workers.contracts.errors import WorkerError
from workers.contracts.hub import OriginFile
from workers.hub import words
from workers.hub.client import Hub
from workers.hub.faults import Dropped, RetryPolicy, is_passing, raise_for, translated
from workers.hub.partial_file import PartialFile

if TYPE_CHECKING:
    import httpx2
    from huggingface_hub import HfFileMetadata

MAX_DROPS = 100
SHORT_PAUSE_S = 0.2
CONTENT_RANGE = re.compile(r"bytes (\d{1,19})-(\d{1,19})/(\d{1,19})")
SHA256 = re.compile(r"[0-9a-f]{64}")


class Fetcher:
    """A downloader of files of one commit of one repository.

    `count` receives the number of bytes as they arrive, and a negative number when bytes are discarded.
    """

    def __init__(self, hub: Hub, repo: str, commit: str, count: Callable[[int], None]) -> None:
        """Prepare downloads of one commit; `count` is called from the downloading thread."""
        self._hub, self._repo, self._commit, self._count = hub, repo, commit, count

    def fetch(self, piece: PartialFile) -> OriginFile:
        """Download the missing bytes of an open piece, check it, and move it to its place.

        Wrong bytes that came in several transfers are downloaded once more from the start.

        Raises:
            WorkerError: the file cannot be downloaded.
        """
        is_second = False
        while True:
            self._bring(piece)
            was_patched = piece.transfers > 1
            done = piece.finish()
            if done is not None:
                return done
            self._give_up(piece)
            if is_second or not was_patched:
                raise words.wrong_hash(piece.file.name)
            is_second = True

    def _bring(self, piece: PartialFile) -> None:
        patience = RetryPolicy(self._hub.access, self._hub.pause, self._hub.tell)
        drops = 0
        while piece.size < piece.file.size_bytes:
            before = piece.size
            try:
                self._transfer(piece)
                if piece.size < piece.file.size_bytes:
                    raise Dropped
            except WorkerError:
                raise
            except Exception as error:
                drops += 1
                if piece.size > before and drops <= MAX_DROPS and is_passing(error):
                    patience.reset()
                    self._hub.pause(SHORT_PAUSE_S)
                elif not is_passing(error) or not patience.wait(error):
                    raise translated(error, self._hub.access, self._repo, patience.attempts) from error

    def _transfer(self, piece: PartialFile) -> None:
        """Request the rest of the file once; return or raise when the connection ends."""
        from huggingface_hub import get_hf_file_metadata, hf_hub_url

        hub, file = self._hub, piece.file
        url = hf_hub_url(self._repo, file.name, revision=self._commit, endpoint=hub.endpoint)
        found = get_hf_file_metadata(url, token=hub.access.token or False, timeout=hub.access.timeout_s)
        self._check_metadata(piece, found)
        headers = {**hub.headers(), "accept-encoding": "identity"}
        if piece.size:
            headers["range"] = f"bytes={piece.size}-"
            if piece.body_etag is not None:
                headers["if-range"] = f'"{piece.body_etag}"'
        with hub.session.stream("GET", hub.location(url, found.location), headers=headers) as answer:
            self._check_answer(piece, answer)
            piece.begin(found.etag, strong_etag(answer.headers.get("etag")))
            for chunk in answer.iter_raw():
                self._take(piece, chunk)

    def _take(self, piece: PartialFile, chunk: bytes) -> None:
        try:
            piece.write(chunk)
        except WorkerError as error:
            if error.code == "hub_wrong_length":
                self._give_up(piece)
            raise
        self._count(len(chunk))

    def _check_metadata(self, piece: PartialFile, found: "HfFileMetadata") -> None:
        """Check that the hub's current facts about the file equal those in its list of files.

        Raises:
            InputRefused: they differ.
        """
        file, etag = piece.file, (found.etag or "").lower()
        moved = found.commit_hash is not None and found.commit_hash != self._commit
        if moved or (file.sha256 is not None and SHA256.fullmatch(etag) and etag != file.sha256):
            self._give_up(piece)
            raise words.changed(file.name)
        if found.size is not None and found.size != file.size_bytes:
            self._give_up(piece)
            raise words.wrong_length(file.name, file.size_bytes, found.size)
        if piece.size and piece.etag != found.etag:
            self._give_up(piece)

    def _check_answer(self, piece: PartialFile, answer: "httpx2.Response") -> None:
        """Check that the response continues the piece; otherwise discard the piece."""
        size, status, headers = piece.file.size_bytes, answer.status_code, answer.headers
        if status == 416:
            self._give_up(piece)
            raise Dropped
        if status not in (200, 206):
            raise_for(answer)
        if headers.get("content-encoding", "identity").lower() != "identity":
            raise words.garbage(self._hub.endpoint, "packed bytes that were not asked for")
        if status == 200:
            self._give_up(piece)
            length = headers.get("content-length", "")
            if length.isdigit() and int(length) != size:
                raise words.wrong_length(piece.file.name, size, int(length))
            return
        part = CONTENT_RANGE.fullmatch(headers.get("content-range", ""))
        etag = strong_etag(headers.get("etag"))
        fits = part is not None and (int(part[1]), int(part[3])) == (piece.size, size)
        if not fits or (piece.body_etag is not None and etag is not None and etag != piece.body_etag):
            self._give_up(piece)
            raise Dropped

    def _give_up(self, piece: PartialFile) -> None:
        self._count(-piece.size)
        piece.discard()


def strong_etag(text: str | None) -> str | None:
    """Return the ETag without its quotes; None for a weak one, which does not identify bytes."""
    if not text or text.startswith("W/"):
        return None
    etag = text.strip().strip('"')
    return etag if etag and etag.isascii() and etag.isprintable() and '"' not in etag and len(etag) <= 500 else None
