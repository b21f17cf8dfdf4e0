"""Ask before a set of packages is installed."""

from PySide6.QtCore import QCoreApplication

from widgets.parts.format import size_bytes
from widgets.parts.question import Answer, QuestionValue


def _tr(text: str) -> str:
    return QCoreApplication.translate("InstallQuestion", text)


def install_question(name: str, packages: int, download_bytes: int, installed_bytes: int) -> QuestionValue:
    """Return the question for set `name` with the remaining download; its answers are "install" and "no"."""
    if packages:
        brings = _tr("About {0} are downloaded from the package index, and take about {1} on the disk ({2}).").format(
            size_bytes(download_bytes),
            size_bytes(installed_bytes),
            _tr("1 package") if packages == 1 else _tr("{0} packages").format(packages),
        )
    else:
        brings = _tr("All its packages are here in their versions: the installer looks whether they are whole.")
    return QuestionValue(
        title=_tr("Install the set “{0}”?").format(name),
        text=brings,
        points=(
            _tr("Packages of another set go; your models, data and results are not touched."),
            _tr("It may take minutes. Other work waits until it is done."),
            _tr("You may stop it at any time; the next time it goes on where it was."),
        ),
        answers=(Answer("no", _tr("Not now")), Answer("install", _tr("Install"), primary=True)),
        icon="download-simple",
    )
