"""Ask before a set of packages is installed."""

from widgets.parts.format import size_bytes
from widgets.parts.question import Answer, QuestionValue
from workers.contracts.translation import _


def install_question(name: str, packages: int, download_bytes: int, installed_bytes: int) -> QuestionValue:
    """Return the question for set `name` with the remaining download; its answers are "install" and "no"."""
    if packages:
        brings = _("About {0} are downloaded from the package index, and take about {1} on the disk ({2}).").format(
            size_bytes(download_bytes),
            size_bytes(installed_bytes),
            _("1 package") if packages == 1 else _("{0} packages").format(packages),
        )
    else:
        brings = _("All packages are already there: the installer checks them.")
    return QuestionValue(
        title=_("Install the set “{0}”?").format(name),
        text=brings,
        points=(
            _("Packages of another set may be removed. Your models, data and results are not touched."),
            _("It may take minutes. Other work waits until it is done."),
            _("You can stop at any time; the next time it resumes."),
        ),
        answers=(Answer("no", _("Not now")), Answer("install", _("Install"), primary=True)),
        icon="download-simple",
    )
