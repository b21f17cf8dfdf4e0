"""Ask for the address of another computer, whether its fingerprint is right, and before it is removed."""

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QLineEdit, QWidget

from widgets.parts.fields import TextField, buddy
from widgets.parts.format import clipped
from widgets.parts.question import Answer, QuestionDialog, QuestionValue
from widgets.parts.text import label
from widgets.theme import Theme
from workers.contracts.translation import _

MAX_PASSWORD, MAX_JOBS = 500, 3


class AddressDialog(QuestionDialog):
    """The question for a computer's address and one way to log in; `given` gets the texts of the fields."""

    def __init__(
        self, theme: Theme, window: QWidget, entered: tuple[str, str], given: Callable[[str, str, str, str], object]
    ) -> None:
        """Create the dialog; `entered` are the address and the name that were entered before."""
        value = QuestionValue(
            title=_("Add a computer"),
            text=_(
                "Fettle logs in once, installs its workers in your home folder there, and then uses a key of its own,"
                " which can do nothing but their work. Your password is not stored."
            ),
            points=(
                _("It needs Linux, an SSH service and Python 3.11 or newer."),
                _("The installation takes some minutes and about 6 GB there, most of it for PyTorch."),
            ),
            answers=(Answer("cancel", _("Cancel")), Answer("continue", _("Continue"), primary=True)),
            icon="desktop-tower",
        )
        super().__init__(theme, value, window)
        self._address = self._line(_("Address (user@computer)"), "anna@192.168.1.20", entered[0])
        self._name = self._line(_("Name (optional)"), _("such as office-server"), entered[1])
        self._password = self._line(_("Password on that computer"), "", "")
        self._password.setEchoMode(QLineEdit.EchoMode.Password)
        self._password.setMaxLength(MAX_PASSWORD)
        self._identity = self._line(
            _("Or your own key file (its passphrase is then the password)"), "~/.ssh/id_ed25519", ""
        )
        (self._password if entered[0] else self._address).setFocus()
        self.answered.connect(lambda answer: self._give(given) if answer == "continue" else None)

    def _line(self, title: str, hint: str, text: str) -> TextField:
        field = TextField(text, title, hint)
        self.body.addWidget(buddy(label(title, "soft"), field))
        self.body.addWidget(field)
        return field

    def _give(self, given: Callable[[str, str, str, str], object]) -> None:
        fields = (self._address, self._name, self._password, self._identity)
        texts = [field.text() if field is self._password else field.text().strip() for field in fields]
        self._password.clear()
        given(*texts)


def fingerprint_question(theme: Theme, window: QWidget, address: str, fingerprint: str) -> QuestionDialog:
    """Return the question whether a computer is the right one; its answers are "add", or "cancel" or ""."""
    value = QuestionValue(
        title=_("Is this the right computer?"),
        text=_("{0} identifies itself by this fingerprint:").format(clipped(address, 120)),
        points=(
            _("Compare it with the one that the computer itself shows, or that its administrator gave you."),
            _("Fettle keeps it, and will not connect to a computer that shows another one."),
        ),
        answers=(Answer("cancel", _("Cancel")), Answer("add", _("Yes, add it"), primary=True)),
        icon="shield-check",
    )
    dialog = QuestionDialog(theme, value, window)
    dialog.body.addWidget(label(fingerprint, "code", select=True))
    return dialog


def removal_question(theme: Theme, window: QWidget, name: str, jobs: Sequence[str] = ()) -> QuestionDialog:
    """Return the question before a computer is removed with its `jobs`; its answers are "remove", or "keep" or ""."""
    ends = _("“{0}” is not finished there. It is cancelled first, and what was measured is kept.")
    remove = _("End its jobs and remove it") if jobs else _("Remove it")
    value = QuestionValue(
        title=_("Remove this computer?"),
        text=_("“{0}” is forgotten here.").format(clipped(name, 80)),
        points=(
            *(ends.format(clipped(job, 80)) for job in jobs[:MAX_JOBS]),
            _("Fettle's files and its key are removed there. Your own files there are not touched."),
            _("Results that were measured there stay in your projects."),
        ),
        answers=(Answer("keep", _("Keep it")), Answer("remove", remove, primary=True)),
        icon="trash",
        tone="warn",
    )
    return QuestionDialog(theme, value, window)
