"""Options of the command line."""

from pathlib import Path

import pytest

from app.cli.options.shared import parse_batches, parse_shapes, split_globals
from app.cli.output import CommandFailed


def test_global_options_stand_anywhere() -> None:
    """Given global options before and after a command, then they are found, and the rest is left in order."""
    options, rest = split_globals(["--json", "bench", "m.onnx", "--data-dir", "d", "--batch", "1", "--quiet"])
    assert (options.json, options.quiet, options.data_dir) == (True, True, Path("d"))
    assert rest == ["bench", "m.onnx", "--batch", "1"]


def test_shapes_with_and_without_a_name() -> None:
    """Given shapes, then each goes to its input; a bad one is wrong usage (exit code 2)."""
    assert parse_shapes(["1x3x8x8", "mask=1x8"]) == {"": (1, 3, 8, 8), "mask": (1, 8)}
    for bad in ("1x0", "x", "1,3", "a=b"):
        with pytest.raises(CommandFailed) as failed:
            parse_shapes([bad])
        assert failed.value.exit_code == 2


def test_batches() -> None:
    """Given a list of batch sizes, then it is read; anything else is wrong usage."""
    assert parse_batches("1,4,16") == (1, 4, 16)
    for bad in ("", "0", "1,x"):
        with pytest.raises(CommandFailed):
            parse_batches(bad)
