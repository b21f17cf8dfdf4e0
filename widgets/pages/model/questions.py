"""Create the questions before some model files open: consent, sizes, and the right architecture."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from widgets.parts.fields import TextField
from widgets.parts.layout import fill
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.text import label, show_text
from widgets.theme import Theme
from workers.contracts.translation import _

MAX_SIZE = 1_000_000
Shaped = tuple[str, Sequence[int | None]]
"""The name and the sizes of an input; None where a size is free."""


def consent_question(name: str) -> QuestionValue:
    """Return the question before a file that carries a program (TorchScript, a bundle with a torch program) is run."""
    return QuestionValue(
        title=_("This model contains a program"),
        text=_("“{0}” contains more than numbers: opening it runs a program that its maker wrote.").format(name),
        points=(
            _("Fettle opens it in a separate process without network and without access to your other files."),
            _("This protection is strong but not perfect: a malicious file could still do harm."),
            _("Open it only if you trust its maker. A copy as .onnx or .safetensors is safer."),
        ),
        answers=(Answer("open", _("Open it, I trust its maker")), Answer("no", _("Do not open it"), primary=True)),
        icon="shield-warning",
        tone="warn",
    )


def one_of_question(names: tuple[str, ...]) -> QuestionValue:
    """Return the question which of several architectures fits the names and shapes of the file's numbers."""
    return QuestionValue(
        title=_("Which of these is it?"),
        text=_("The file contains only numbers that fit more than one kind of model. Its maker knows which."),
        answers=tuple(Answer(name, name) for name in names[:12]),
    )


def read_shape(text: str) -> tuple[int, ...]:
    """Return the sizes in a text such as 1x3x224x224 or 1, 3, 224, 224.

    Raises:
        ValueError: if the text has no sizes.
    """
    parts = text.lower().replace("×", "x").replace(",", "x").replace(" ", "x").split("x")
    sizes = tuple(int(part) for part in parts if part)
    if not sizes or any(not 1 <= size <= MAX_SIZE for size in sizes):
        raise ValueError(text)
    return sizes


class ShapeDialog(QuestionDialog):
    """A dialog for input sizes; `given({input: sizes})` is emitted once, when all fields are valid."""

    given = Signal(object)

    def __init__(self, theme: Theme, inputs: Sequence[Shaped], example: str, parent: QWidget | None) -> None:
        """Create the dialog for these inputs; `example` is a size as a user writes it, "" for none."""
        super().__init__(
            theme,
            QuestionValue(
                title=_("How large is its input?"),
                text=_("The file does not state it. Ask its maker, or look at the page where you found it."),
                answers=(Answer("no", _("Cancel")), Answer("use", _("Open with this size"), primary=True)),
            ),
            parent,
        )
        self._fields: dict[str, TextField] = {}
        for name, sizes in inputs:
            title = name or _("Input")
            known = "x".join(str(size) if size else "?" for size in sizes) if sizes else example
            field = TextField(known, title, example or "1x3x224x224", 120)
            shown_title = label(title)
            shown_title.setBuddy(field)
            fill(self.body, shown_title, field)
            self._fields[name] = field
        self._problem = label("", "caption", "bad")
        self._problem.hide()
        fill(self.body, self._problem)

    def _choose(self, answer: str) -> None:
        if answer != "use":
            super()._choose(answer)
            return
        try:
            shapes = {name: read_shape(field.text()) for name, field in self._fields.items()}
        except ValueError:
            show_text(
                self._problem,
                _("Write whole numbers with an “x” between them, the number of examples first: 1x3x224x224."),
            )
            return
        self.given.emit(shapes)
        super()._choose(answer)
