"""What a person should know about a set of data, in whole sentences."""

from collections import Counter

from workers.contracts.specs import Finding
from workers.evaluate.data.base import Collection, names_of
from workers.evaluate.data.store import Stored
from workers.evaluate.dataset import DataSet

FEW = 10


def findings_of(collection: Collection, stored: Stored, data: DataSet, used: int) -> tuple[Finding, ...]:
    """All findings of a set but those about labels that the model does not know."""
    found = len(collection.entries)
    checks = (
        *collection.findings,
        *_set_aside(collection, stored),
        *_size(data, found, used),
        *_balance(data),
        *_calibration(data),
    )
    return checks


def _info(what: str) -> Finding:
    return Finding(level="info", what=what)


def _warning(what: str) -> Finding:
    return Finding(level="warning", what=what)


def _set_aside(collection: Collection, stored: Stored) -> list[Finding]:
    findings = []
    if stored.unreadable:
        reason = Counter(stored.reasons).most_common(1)[0][0]
        count = len(stored.unreadable)
        what = f"{_items(count)} cannot be read and {_is(count)} left out: {names_of(stored.unreadable)}."
        findings.append(_warning(f"{what} {reason}" if count == 1 else what))
    if collection.missing:
        count = len(collection.missing)
        what = f"{_items(count)} of the list {_is(count)} not there: {names_of(collection.missing)}."
        findings.append(_warning(what))
    if stored.doubles:
        count = stored.doubles
        left = len(stored.test) + len(stored.calibration)
        what = f"{_items(count)} {_is(count)} the same as another one to the model and counted once."
        many = count > left
        findings.append(_warning(f"{what} {_items(left)} {_is(left)} left.") if many else _info(what))
    if stored.contradictions:
        what = f"{_items(stored.contradictions)} came twice with different labels, which were left out."
        findings.append(_warning(what))
    return findings


def _items(count: int) -> str:
    return "1 item" if count == 1 else f"{count:,} items"


def _is(count: int) -> str:
    return "is" if count == 1 else "are"


def _size(data: DataSet, found: int, used: int) -> list[Finding]:
    findings = []
    count = len(data.test) + len(data.calibration)
    if used < found:
        what = f"Of {found:,} items {used:,} are used, chosen by chance in proportion to their labels."
        findings.append(_info(what))
    if data.origin == "person" and count < FEW:
        what = (
            f"There are only {_items(count)}: too few to say how often answers change."
            " Add more, some hundreds if you can."
        )
        findings.append(_warning(what))
    if data.origin == "made":
        what = (
            "Fettle made these inputs itself. They show speed, size and whether answers stay the same on them, and not"
            " how right the answers are on yours."
        )
        findings.append(_info(what))
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
        findings.append(_warning(what))
    if labels and unlabelled:
        what = f"{_items(unlabelled)} of the test set have no label; there only changes of answers are counted."
        findings.append(_info(what))
    return findings


def _calibration(data: DataSet) -> list[Finding]:
    if data.calibration:
        return []
    what = "There are too few items to keep some for calibration; techniques that need it are left out."
    return [_warning(what)]
