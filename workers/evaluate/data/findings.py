"""Report findings about a data set to people, in whole sentences."""

from collections import Counter
from collections.abc import Iterator

from workers.contracts.data.reading import NO_CALIBRATION
from workers.contracts.specs import Finding
from workers.contracts.translation import _
from workers.contracts.wording import counted, is_are
from workers.evaluate.data.answered import FETTLES_OWN
from workers.evaluate.data.base import Collection, info, names_of, warning
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.data.in_a_row import IN_A_ROW
from workers.evaluate.data.store import StoredData

FEW = 10


def findings_of(collection: Collection, stored: StoredData, data: DataSet, used: int) -> tuple[Finding, ...]:
    """Return all findings about a set, except those about labels that the model does not know."""
    report = [*_left_out(collection, stored), *_size(data, len(collection.entries), used), *_labels(data)]
    if not data.calibration:
        what = "There are too few items to keep some for calibration; techniques that need it are left out."
        report.append(warning(what, NO_CALIBRATION))
    return (*collection.findings, *report, *_added(data))


def _added(data: DataSet) -> Iterator[Finding]:
    """Report the items that Fettle adds to the test set of a language model."""
    long, own = (sum(fact in item.facts for item in data.test) for fact in (IN_A_ROW, FETTLES_OWN))
    if long:
        yield info(
            _(
                "The texts of the test are read once more, one after the other: {0} among the test examples, "
                "since some damage shows far from the beginning alone."
            ).format(counted(long, "long conversation"))
        )
    if own:
        yield info(
            _(
                "{0} of Fettle's own {1} looked at besides: how answers begin and end shows in dialogues alone. "
                "They do not count as yours."
            ).format(counted(own, "dialogue"), is_are(own))
        )


def _left_out(collection: Collection, stored: StoredData) -> Iterator[Finding]:
    """Report items that are missing, cannot be read, are duplicates, or have unusual numbers or labels."""
    if count := len(stored.unreadable):
        reason = Counter(stored.reasons).most_common(1)[0][0]
        what = _("{0} cannot be read and {1} left out: {2}.").format(
            counted(count, "item"), is_are(count), names_of(stored.unreadable)
        )
        yield warning(f"{what} {reason}" if count == 1 else what)
    if count := len(stored.not_finite):
        verb, names = "holds" if count == 1 else "hold", names_of([*stored.not_finite])
        what = _("{0} {1} numbers that are not finite (NaN or infinity): {2}.").format(
            counted(count, "item"), verb, names
        )
        yield warning(_("{0} The model gets them as they are.").format(what))
    if count := len(collection.missing):
        names = names_of(collection.missing)
        yield warning(_("{0} of the list {1} not there: {2}.").format(counted(count, "item"), is_are(count), names))
    if count := stored.doubles:
        left = len(stored.test) + len(stored.calibration)
        what = _("{0} {1} the same as another one to the model and counted once.").format(
            counted(count, "item"), is_are(count)
        )
        yield (
            warning(_("{0} {1} {2} left.").format(what, counted(left, "item"), is_are(left)))
            if count > left
            else info(what)
        )
    if count := stored.contradictions:
        yield warning(_("{0} came twice with different labels, which were left out.").format(counted(count, "item")))


def _size(data: DataSet, available: int, used: int) -> Iterator[Finding]:
    """Report a set of which only a part is used, that is small, or that Fettle made."""
    count = len(data.test) + len(data.calibration)
    if used < available:
        yield info(
            _("Of {0:,} items {1:,} are used, chosen by chance in proportion to their labels.").format(available, used)
        )
    if data.origin == "person" and count < FEW:
        yield warning(
            _(
                "There {0} only {1}: too few to say how often answers change. Add more, some hundreds if you can."
            ).format(is_are(count), counted(count, "item"))
        )
    if data.origin == "made":
        yield info(
            "Fettle made these inputs itself. They show speed, size and whether answers stay the same on them, and not"
            " how right the answers are on yours."
        )


def _labels(data: DataSet) -> Iterator[Finding]:
    """Report labels that are all the same, and items without a label among labelled ones."""
    labels = Counter(item.labels[0] for item in data.test if item.labels)
    unlabelled = sum(not item.labels for item in data.test)
    if len(labels) == 1 and len(data.test) > 1:
        name = data.class_name(next(iter(labels)))
        yield warning(
            _(
                "All labels are of one kind, “{0}”: what happens to other kinds is not tested. Add examples of "
                "the other kinds."
            ).format(name)
        )
    if labels and unlabelled:
        verb = "has" if unlabelled == 1 else "have"
        yield info(
            _("{0} of the test set {1} no label; there only changes of answers are counted.").format(
                counted(unlabelled, "item"), verb
            )
        )
