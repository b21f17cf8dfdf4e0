"""Each kind of page is written once; tests read it, or change copies."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from web_pages import written

from workers.export.web import engine
from workers.registry import missing


@pytest.fixture(scope="session")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any], tuple[Any, Path]]:
    """`page_of(kind)`: (the export's output, the unpacked page) of a kind of `web_pages`."""

    if missing((engine.PACKAGE,)):
        pytest.skip("what web pages bring along is not here.")

    @cache
    def of(kind: Any) -> tuple[Any, Path]:
        return written(kind(), tmp_path_factory.mktemp(kind.__name__))

    return of
