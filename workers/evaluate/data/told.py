"""Report findings about a data set to people, in whole sentences."""

from collections import Counter

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
    found = len(collection.entries)
    report = [*_set_aside(collection, stored), *_size(data, found, used), *_balance(data)]
    if not data.calibration:
        what = "There are too few items to keep some for calibration; techniques that need it are left out."
        report.append(warning(what, NO_CALIBRATION))
    return (*collection.findings, *report, *_added(data))


def _added(data: DataSet) -> list[Finding]:
    """Report the items that Fettle adds to the test set of a language model."""
    long, own = (sum(fact in item.facts for item in data.test) for fact in (IN_A_ROW, FETTLES_OWN))
    report = (
        f"The texts of the test are read once more, one after the other: {counted(long, 'long conversation')} among the"
        " test examples, since some damage shows far from the beginning alone.",
        f"{counted(own, 'dialogue')} of Fettle's own {is_are(own)} looked at besides: how answers begin and end shows"
        " in dialogues alone. They do not count as yours.",
    )
    return [info(what) for what, count in zip(report, (long, own), strict=True) if count]


def _set_aside(collection: Collection, stored: StoredData) -> list[Finding]:
    findings = []
    if stored.unreadable:
        reason = Counter(stored.reasons).most_common(1)[0][0]
        count = len(stored.unreadable)
        what = f"{counted(count, 'item')} cannot be read and {is_are(count)} left out: {names_of(stored.unreadable)}."
        findings.append(warning(f"{what} {reason}" if count == 1 else what))
    if stored.not_finite:
        count, names = len(stored.not_finite), names_of([*stored.not_finite])
        verb = "holds" if count == 1 else "hold"
        what = f"{counted(count, 'item')} {verb} numbers that are not finite (NaN or infinity): {names}."
        findings.append(warning(f"{what} The model gets them as they are."))
    if collection.missing:
        count = len(collection.missing)
        what = f"{counted(count, 'item')} of the list {is_are(count)} not there: {names_of(collection.missing)}."
        findings.append(warning(what))
    if stored.doubles:
        count = stored.doubles
        left = len(stored.test) + len(stored.calibration)
        what = f"{counted(count, 'item')} {is_are(count)} the same as another one to the model and counted once."
        many = count > left
        findings.append(warning(f"{what} {counted(left, 'item')} {is_are(left)} left.") if many else info(what))
    if stored.contradictions:
        what = f"{counted(stored.contradictions, 'item')} came twice with different labels, which were left out."
        findings.append(warning(what))
    return findings


def _size(data: DataSet, found: int, used: int) -> list[Finding]:
    findings = []
    count = len(data.test) + len(data.calibration)
    if used < found:
        findings.append(info(f"Of {found:,} items {used:,} are used, chosen by chance in proportion to their labels."))
    if data.origin == "person" and count < FEW:
        what = (
            f"There {is_are(count)} only {counted(count, 'item')}: too few to say how often answers change."
            " Add more, some hundreds if you can."
        )
        findings.append(warning(what))
    if data.origin == "made":
        what = (
            "Fettle made these inputs itself. They show speed, size and whether answers stay the same on them, and not"
            " how right the answers are on yours."
        )
        findings.append(info(what))
    return findings


def _balance(data: DataSet) -> list[Finding]:
    labels = Counter(item.labels[0] for item in data.test if item.labels)
    unlabelled = sum(not item.labels for item in data.test)
    findings = []
    if len(labels) == 1 and len(data.test) > 1:
        name = data.class_name(next(iter(labels)))
        what = (
            f"All labels are of one kind, “{name}”: what happens to other kinds is not tested."
            " Add examples of the other kinds."
        )
        findings.append(warning(what))
    if labels and unlabelled:
        verb = "has" if unlabelled == 1 else "have"
        what = (
            f"{counted(unlabelled, 'item')} of the test set {verb} no label; there only changes of answers are counted."
        )
        findings.append(info(what))
    return findings
