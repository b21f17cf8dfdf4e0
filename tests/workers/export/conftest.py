"""Bundles of a small classifier of pictures, exported once for each target."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from bundle_facts import export_of, unpacked

from workers.contracts.bundles import ExportResult


@pytest.fixture(scope="session")
def exported(make_small, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[ExportResult, Path]]:
    """`exported(target)` returns an export's result and its unpacked bundle, which tests only read or copy."""
    small = make_small("cnn")
    return cache(lambda target: unpacked(export_of(small, target), tmp_path_factory.mktemp(target)))
