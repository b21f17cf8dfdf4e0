"""Report findings about a data set to people, in whole sentences."""

from collections import Counter
from collections.abc import Iterator

from workers.contracts.data.reading import NO_CALIBRATION
from workers.contracts.specs import Finding
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
            f"The texts of the test are read once more, one after the other: {counted(long, 'long conversation')} among"
            " the test examples, since some damage shows far from the beginning alone."
        )
    if own:
        yield info(
            f"{counted(own, 'dialogue')} of Fettle's own {is_are(own)} looked at besides: how answers begin and end"
            " shows in dialogues alone. They do not count as yours."
        )


def _left_out(collection: Collection, stored: StoredData) -> Iterator[Finding]:
    """Report items that are missing, cannot be read, are duplicates, or have unusual numbers or labels."""
    if count := len(stored.unreadable):
        reason = Counter(stored.reasons).most_common(1)[0][0]
        what = f"{counted(count, 'item')} cannot be read and {is_are(count)} left out: {names_of(stored.unreadable)}."
        yield warning(f"{what} {reason}" if count == 1 else what)
    if count := len(stored.not_finite):
        verb, names = "holds" if count == 1 else "hold", names_of([*stored.not_finite])
        what = f"{counted(count, 'item')} {verb} numbers that are not finite (NaN or infinity): {names}."
        yield warning(f"{what} The model gets them as they are.")
    if count := len(collection.missing):
        names = names_of(collection.missing)
        yield warning(f"{counted(count, 'item')} of the list {is_are(count)} not there: {names}.")
    if count := stored.doubles:
        left = len(stored.test) + len(stored.calibration)
        what = f"{counted(count, 'item')} {is_are(count)} the same as another one to the model and counted once."
        yield warning(f"{what} {counted(left, 'item')} {is_are(left)} left.") if count > left else info(what)
    if count := stored.contradictions:
        yield warning(f"{counted(count, 'item')} came twice with different labels, which were left out.")


def _size(data: DataSet, available: int, used: int) -> Iterator[Finding]:
    """Report a set of which only a part is used, that is small, or that Fettle made."""
    count = len(data.test) + len(data.calibration)
    if used < available:
        yield info(f"Of {available:,} items {used:,} are used, chosen by chance in proportion to their labels.")
    if data.origin == "person" and count < FEW:
        yield warning(
            f"There {is_are(count)} only {counted(count, 'item')}: too few to say how often answers change."
            " Add more, some hundreds if you can."
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
            f"All labels are of one kind, “{name}”: what happens to other kinds is not tested."
            " Add examples of the other kinds."
        )
    if labels and unlabelled:
        verb = "has" if unlabelled == 1 else "have"
        yield info(
            f"{counted(unlabelled, 'item')} of the test set {verb} no label; there only changes of answers are counted."
        )
