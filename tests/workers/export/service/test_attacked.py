"""A service that is sent pictures that are none."""

import io
import zlib
from collections.abc import Iterator

import psutil
import pytest
from hostile_requests import bundle_of, png
from served_bundles import ANSWER, Served, running, send_request
from web_pages import picture, pictures


@pytest.fixture(scope="module")
def sees(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The service of a classifier of pictures."""
    with running(bundle_of(pictures(), tmp_path_factory.mktemp("pictures"))) as found:
        yield found


def good(kind: str) -> bytes:
    file = io.BytesIO()
    picture(1).save(file, kind)
    return file.getvalue()


BROKEN = {
    "nothing": lambda: b"",
    "a letter": lambda: b"Dear shop, this is no picture.",
    "half a PNG": lambda: good("PNG")[: len(good("PNG")) // 2],
    "half a JPEG": lambda: good("JPEG")[:300],
    "only a head": lambda: good("PNG")[:33],
    "a bomb": lambda: png(60_000, 60_000, zlib.compress(bytes(1 << 20))),
    "no pixels": lambda: png(0, 0, zlib.compress(b"")),
    "a drawing": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_broken_picture_is_refused_and_the_next_is_answered(sees: Served, kind: str) -> None:
    """Given a broken picture, then status 400 in words, memory stays, and a good picture is answered."""
    assert send_request(sees.port, "POST", ANSWER, good("PNG"))[0] == 200
    before = psutil.Process(sees.process.pid).memory_info().rss
    status, report, _ = send_request(sees.port, "POST", ANSWER, BROKEN[kind]())
    assert status == 400 and report["error"] and "Traceback" not in report["error"]
    assert psutil.Process(sees.process.pid).memory_info().rss - before < 60 << 20
    status, report, _ = send_request(sees.port, "POST", ANSWER, good("PNG"))
    assert status == 200 and report["answer"]
