"""Format errors and facts of worker processes as texts of the window."""

from dataclasses import replace
from pathlib import Path

from app.services.opening.opening import TRIED
from widgets.parts.cards.error import ErrorValue
from widgets.parts.format import size_bytes
from widgets.parts.small import CheckState
from workers.contracts.error_info import ErrorInfo
from workers.contracts.specs import DeviceFacts, TensorSpec
from workers.contracts.translation import _, joined

STATE_OF_LEVEL: dict[str, CheckState] = {"info": "ok", "warning": "warn", "danger": "bad"}
"""State of a check row by the level of a finding."""


def error_value(error: ErrorInfo, *, page_title: str = "", subject: str = "") -> ErrorValue:
    """Return the error card: what happened, whether work is safe, what to do next, and the folded traceback."""
    detail = _(error.detail)
    happened = first_line(detail)
    return ErrorValue(
        title=_(error.title),
        happened=happened,
        is_safe=_("Yes. Nothing was changed, and everything that was measured before is kept."),
        next_step=_(error.hint),
        details=error.traceback or further_lines(detail),
        page_title=page_title,
        page_subtitle=subject,
        icon="shield-warning" if error.code.startswith("unsafe") else "warning-circle",
        tone="bad",
        is_unsafe=error.code.startswith("unsafe"),
        error=error,
        names=(subject,) if subject else (),
    )


def error_words(error: ErrorInfo) -> str:
    """Return an error in one line: what happened, the details and what to do."""
    return joined([_("{0}.").format(_(error.title)), _(error.detail), _(error.hint)])


def notice(title: str, happened: str, next_step: str, *, is_safe: str = "", icon: str = "warning") -> ErrorValue:
    """Return a message that is no error; `is_safe` "" means that nothing was changed."""
    is_safe = is_safe or _("Yes. Nothing was changed.")
    return ErrorValue(title, happened, is_safe, next_step, tone="warn", icon=icon)


def first_line(text: str) -> str:
    """Return the first line, with “…” if there are more; libraries add details for specialists in further lines."""
    line, *more = text.strip().splitlines() or [""]
    return f"{line} …" if more else line


def further_lines(text: str) -> str:
    """Return the whole text if it has more than one line, else ""."""
    return text if len(text.strip().splitlines()) > 1 else ""


def settings_problem(text: str) -> ErrorValue:
    """Return the message that the settings file was damaged and the default settings apply."""
    return notice(
        _("The settings were set aside"),
        text,
        _("Look at Settings and set again what you had changed."),
        is_safe=_("Yes. Models, data and results are not kept there."),
    )


def no_use_for_picture() -> ErrorValue:
    """Return the message that a pasted picture has no use before an optimization."""
    return notice(
        _("A pasted picture can be tried later"),
        _("It has no file, so it is neither a model nor a set of examples."),
        _("Optimize a model first, then paste it on the page “Try it”."),
        icon="info",
    )


def engine_name(runtime: str) -> str:
    """Return the display name of a runtime."""
    names = {
        "onnxruntime-cpu": "ONNX Runtime",
        "onnxruntime-cuda": _("ONNX Runtime (GPU)"),
        "onnxruntime-rtx": _("ONNX Runtime with TensorRT for RTX"),
        "openvino": "OpenVINO",
        "tensorrt": "TensorRT",
        "torch-cpu": "PyTorch",
        "torch-cuda": _("PyTorch (GPU)"),
    }
    return names.get(runtime, runtime)


def wait_for_the_run(again: str) -> ErrorValue:
    """Return the message that a measurement runs; `again` is the sentence about what to do afterwards."""
    return notice(
        _("Versions are being measured now"),
        _("Running them at the same time would distort the measurement."),
        again,
        is_safe=_("Yes. Nothing was changed, and the run goes on."),
    )


def store_notice(text: str) -> ErrorValue:
    """Return the message about repairs when the database was opened."""
    return notice(
        _("Your projects were restored"),
        text,
        text,
        is_safe=_("Yes. Everything readable is here, and the backups of earlier days are kept."),
    )


def refused_file(error: ErrorInfo, path: str) -> ErrorValue:
    """Return the error card of a model that was not opened, with a note for its author."""
    value = error_value(error, page_title=_("This file was not opened"), subject=subject_of(path))
    note = _("Fettle did not open {0}: {1} {2}").format(Path(path).name, error.detail, value.next_step)
    safe = _("Yes. Nothing was run, nothing was changed, and the file stays where it was.")
    if error.code in TRIED:
        safe = _("Yes. It ran in a separate process, nothing was changed, and the file stays where it was.")
    return replace(value, is_safe=safe, note=note, names=(Path(path).name, path))


def subject_of(path: str) -> str:
    """Return ``old-classifier.pt, 98 MB``; only the name for a folder or a missing file."""
    file = Path(path)
    try:
        size = file.stat().st_size if file.is_file() else None
    except OSError:
        size = None
    return file.name if size is None else f"{file.name}, {size_bytes(size)}"


def tensors_in_words(tensors: tuple[TensorSpec, ...], most: int = 3) -> str:
    """Return the meanings of the tensors, or their names and shapes if there is no meaning."""
    parts = []
    for tensor in tensors[:most]:
        sizes = (_("any") if size is None or isinstance(size, str) else str(size) for size in tensor.shape)
        name = f"{tensor.name} ({' × '.join(sizes) or '1'}, {tensor.dtype})"
        parts.append(_(tensor.meaning) if tensor.meaning else name)
    rest = len(tensors) - most
    if rest > 0:
        parts.append(_("{0} more").format(rest))
    return "; ".join(parts)


def format_words(format_id: str) -> str:
    """Return the display name of a model format; an unknown format keeps its id."""
    words = {
        "onnx": "ONNX",
        "safetensors": "safetensors",
        "checkpoint": _("PyTorch checkpoint"),
        "legacy_checkpoint": _("PyTorch checkpoint, of the old kind"),
        "torchscript": "TorchScript",
        "transformers": _("transformers folder"),
        "encoder_decoder": _("ONNX in parts: an encoder and a decoder"),
        "openvino_ir": "OpenVINO IR",
        "gguf": "GGUF",
        "bundle": _("a bundle of Fettle"),
    }
    return words.get(format_id, format_id)


def task_words(text: str) -> str:
    """Return what a model does if `text` is the name of a task; any other text is returned unchanged."""
    words = {
        "image-classification": _("classifies pictures"),
        "text-classification": _("classifies texts"),
        "text-embedding": _("turns texts into vectors for comparison"),
        "token-classification": _("labels the words of a text"),
        "object-detection": _("finds things in pictures"),
        "image-segmentation": _("says for each point of a picture what is there"),
        "image-to-image": _("makes a picture of a picture"),
        "translation": _("translates texts"),
        "text-generation": _("answers a text with a text"),
        "transcription": _("writes down speech or text in pictures"),
        "language-model": _("continues texts word by word (chat)"),
        "audio-frames": _("analyzes sound, frame by frame"),
        "array-classification": _("classifies tables of numbers"),
        "arrays": _("numbers in, numbers out"),
    }
    return words.get(text, text)


def device_words(device: DeviceFacts | None) -> str:
    """Return the name of the device that does the work; a computer without a GPU is no error."""
    if device is not None and device.gpus:
        return device.gpus[0]
    return _("This computer's processor")
