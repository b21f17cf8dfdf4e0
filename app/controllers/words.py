"""Errors and facts of workers in the words of the window."""

from pathlib import Path

from PySide6.QtCore import QCoreApplication

from widgets.parts.error_card import ErrorValue
from workers.contracts.errors import ErrorInfo
from workers.contracts.specs import DeviceFacts, TensorSpec


def tr(text: str) -> str:
    """Text in the person's language."""
    return QCoreApplication.translate("controllers", text)


def error_value(error: ErrorInfo, *, page_title: str = "", subject: str = "") -> ErrorValue:
    """What happened, is my work safe, what to do now; the traceback is folded away."""
    return ErrorValue(
        title=error.title,
        happened=error.detail,
        is_safe=tr("Yes. Nothing was changed, and everything that was measured before is kept."),
        next_step=error.hint,
        details=error.traceback,
        page_title=page_title,
        page_subtitle=subject,
        icon="shield-warning" if error.code.startswith("unsafe") else "warning-circle",
        tone="bad",
    )


def refused_file(error: ErrorInfo, path: str) -> ErrorValue:
    """A model that was not opened, with a note for its maker."""
    value = error_value(error, page_title=tr("This file was not opened"), subject=subject_of(path))
    note = tr("Fettle did not open {0}: {1} {2}").format(Path(path).name, error.detail, error.hint)
    return ErrorValue(
        title=value.title,
        happened=value.happened,
        is_safe=tr("Yes. Nothing was run, nothing was changed, and the file stays where it was."),
        next_step=value.next_step,
        details=value.details,
        page_title=value.page_title,
        page_subtitle=value.page_subtitle,
        note=note,
        icon="shield-warning",
    )


def subject_of(path: str) -> str:
    """``old-classifier.pt, 98 MB``"""
    try:
        size = Path(path).stat().st_size
    except OSError:
        return Path(path).name
    return tr("{0}, {1:.1f} MB").format(Path(path).name, size / 1e6) if Path(path).is_file() else Path(path).name


def tensors_in_words(tensors: tuple[TensorSpec, ...], most: int = 3) -> str:
    """Their meanings, else names and shapes."""
    parts = []
    for tensor in tensors[:most]:
        shape = " × ".join("any" if size is None or isinstance(size, str) else str(size) for size in tensor.shape)
        parts.append(tensor.meaning or f"{tensor.name} ({shape or '1'}, {tensor.dtype})")
    rest = len(tensors) - most
    if rest > 0:
        parts.append(tr("{0} more").format(rest))
    return "; ".join(parts)


def device_words(device: DeviceFacts | None) -> str:
    """What does the work. No GPU is no error."""
    if device is not None and device.gpus:
        return device.gpus[0]
    return tr("This computer's processor")
