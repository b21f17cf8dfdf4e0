"""Download into one place again and again, from a hub that can fail in every respect."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fakehub import FakeHub
from recording import RecordingContext

from workers.contracts.errors import WorkerError
from workers.contracts.hub import HubAccess, HubDownloadParams, HubDownloadResult, HubModelParams
from workers.hub.download import download
from workers.hub.page import look

BIG, BIG_FILE = "eve/big", "model.safetensors"
SIZE = 4_000_000


class Bench:
    """One place to download into, again and again."""

    def __init__(self, fake: FakeHub, access: Callable[..., HubAccess], place: Path) -> None:
        self.fake, self.access, self.place = fake, access, place
        self.ctx = RecordingContext(place)
        found = look(HubModelParams(access=access(), repo=BIG), self.ctx)
        self.files, self.commit = found.wanted, found.commit
        fake.seen.clear()
        fake.sent.clear()

    def run(self, ctx: RecordingContext | None = None, **more: Any) -> HubDownloadResult:
        access = self.access(**more)
        params = HubDownloadParams(access=access, repo=BIG, commit=self.commit, files=self.files, place=str(self.place))
        return download(params, ctx or self.ctx)

    def refusal(self, **more: Any) -> WorkerError:
        with pytest.raises(WorkerError) as caught:
            self.run(**more)
        return caught.value

    @property
    def data(self) -> bytes:
        return self.fake.repos[BIG].files[BIG_FILE].data

    @property
    def path(self) -> Path:
        return self.place / "files" / BIG_FILE

    def is_whole(self) -> bool:
        return self.path.read_bytes() == self.data
