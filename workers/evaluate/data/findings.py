"""Report findings about a data set to people, in whole sentences."""

from collections import Counter
from collections.abc import Iterator

from workers.contracts.data.reading import FETTLES_OWN, IN_A_ROW, NO_CALIBRATION
from workers.contracts.specs import Finding
from workers.contracts.translation import _, joined, mark, ngettext
from workers.evaluate.data.base import Collection, info, names_of, warning
from workers.evaluate.data.dataset import DataSet
from workers.evaluate.data.store import StoredData

FEW = 10


def findings_of(collection: Collection, stored: StoredData, data: DataSet, used: int) -> tuple[Finding, ...]:
    """Return all findings about a set, except those about labels that the model does not know."""
    report = [*_left_out(collection, stored), *_size(data, len(collection.entries), used), *_labels(data)]
    if not data.calibration:
        what = mark("There are too few items to keep some for calibration; techniques that need it are left out.")
        report.append(warning(what, NO_CALIBRATION))
    return (*collection.findings, *report, *_added(data))


def _added(data: DataSet) -> Iterator[Finding]:
    """Report the items that Fettle adds to the test set of a language model."""
    long, own = (sum(fact in item.facts for item in data.test) for fact in (IN_A_ROW, FETTLES_OWN))
    if long:
        yield info(
            ngettext(
                "The texts of the test are read once more, one after the other: {0} long conversation among the test"
                " examples, since some damage shows far from the beginning alone.",
                "The texts of the test are read once more, one after the other: {0:,} long conversations among the test"
                " examples, since some damage shows far from the beginning alone.",
                long,
            ).format(long)
        )
    if own:
        yield info(
            ngettext(
                "{0} dialogue of Fettle's own is looked at besides: how answers begin and end shows in dialogues alone."
                " It does not count as yours.",
                "{0:,} dialogues of Fettle's own are looked at besides: how answers begin and end shows in dialogues"
                " alone. They do not count as yours.",
                own,
            ).format(own)
        )


def _left_out(collection: Collection, stored: StoredData) -> Iterator[Finding]:
    """Report items that are missing, cannot be read, are duplicates, or have unusual numbers or labels."""
    if count := len(stored.unreadable):
        reason = Counter(stored.reasons).most_common(1)[0][0]
        what = ngettext(
            "{0} item cannot be read and is left out: {1}.", "{0:,} items cannot be read and are left out: {1}.", count
        ).format(count, names_of(stored.unreadable))
        yield warning(joined([what, reason]) if count == 1 else what)
    if count := len(stored.not_finite):
        what = ngettext(
            "{0} item holds numbers that are not finite (NaN or infinity): {1}. The model gets them as they are.",
            "{0:,} items hold numbers that are not finite (NaN or infinity): {1}. The model gets them as they are.",
            count,
        )
        yield warning(what.format(count, names_of([*stored.not_finite])))
    if count := len(collection.missing):
        what = ngettext("{0} item of the list is not there: {1}.", "{0:,} items of the list are not there: {1}.", count)
        yield warning(what.format(count, names_of(collection.missing)))
    if count := stored.doubles:
        left = len(stored.test) + len(stored.calibration)
        what = ngettext(
            "{0} item is the same as another one to the model and counted once.",
            "{0:,} items are the same as another one to the model and counted once.",
            count,
        ).format(count)
        rest = ngettext("{0} item is left.", "{0:,} items are left.", left).format(left)
        yield warning(joined([what, rest])) if count > left else info(what)
    if count := stored.contradictions:
        what = ngettext(
            "{0} item came twice with different labels, which were left out.",
            "{0:,} items came twice with different labels, which were left out.",
            count,
        )
        yield warning(what.format(count))


def _size(data: DataSet, available: int, used: int) -> Iterator[Finding]:
    """Report a set of which only a part is used, that is small, or that Fettle made."""
    count = len(data.test) + len(data.calibration)
    if used < available:
        yield info(
            _("Of {0:,} items {1:,} are used, chosen by chance in proportion to their labels.").format(available, used)
        )
    if data.origin == "person" and count < FEW:
        yield warning(
            ngettext(
                "There is only {0} item: too few to say how often answers change. Add more, some hundreds if you can.",
                "There are only {0} items: too few to say how often answers change. Add more, some hundreds if you"
                " can.",
                count,
            ).format(count)
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
        what = ngettext(
            "{0} item of the test set has no label; there only changes of answers are counted.",
            "{0:,} items of the test set have no label; there only changes of answers are counted.",
            unlabelled,
        )
        yield info(what.format(unlabelled))
