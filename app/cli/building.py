"""Handle ``fettle optimize --build-for``, which builds engines for other GPUs."""

from collections.abc import Sequence

from app.cli.output import MISSING, CommandFailed, usage
from workers.contracts.architectures import parse
from workers.contracts.errors import ErrorInfo
from workers.contracts.jobs import DescribeResult

RUNTIME = TARGET = "tensorrt"


def architectures_of(text: str | None, runtimes: Sequence[str], device: str | None) -> tuple[str, ...]:
    """Return the architectures of ``sm89,sm120`` as (sm89, sm120), () without the option.

    Raises:
        CommandFailed: (exit code 2) The text is malformed, or other options contradict it.
    """
    if text is None:
        return ()
    others = [name for name in runtimes if name != RUNTIME]
    if others or device is not None:
        other = f"--runtime {others[0]}" if others else f"--device {device}"
        raise usage(
            f"--build-for builds TensorRT engines for cards elsewhere, and {other} says what to measure here.",
            "Leave one of the two out.",
        )
    try:
        return parse(text)
    except ValueError as error:
        raise usage(f"--build-for {text}: {error}.") from error


def check_can_build(found: DescribeResult) -> None:
    """Raise `CommandFailed` (exit code 6) if the library that builds without a GPU is not installed."""
    if not any(row.id == TARGET and row.available for row in found.targets):  # the target needs the same library
        raise CommandFailed(
            MISSING,
            ErrorInfo(
                code="tensorrt_missing",
                title="TensorRT for RTX is not installed",
                detail="It builds engines ahead, and needs no card for that. Nothing was begun.",
                hint="Install it: installer/fettle --gpu rtx.",
            ),
        )
