"""Say why the inner values of two models differ: other weights, or numbers of fewer bits."""

from collections.abc import Sequence

from workers.contracts.after.changes import ChangedNode, Reason, Status
from workers.contracts.translation import _
from workers.contracts.wording import counted, percent

FEWER_BITS = frozenset({"bf16", "f16"})
"""Number formats in which an engine may compute the 32-bit numbers of a file."""

CODES = {
    "replaced": ("weights", ": it has other weights or is another operator"),
    "rounded": ("rounding", ": a range or scale of its fewer bits does not fit"),
}
"""Code of the reason and its words, by what became of the operator."""


def difference(nodes: Sequence[ChangedNode], first_different: int | None, precision: str) -> Reason | None:
    """Return why the values differ; None if no operator has other values, or if the reason is not known.

    Args:
        nodes: Operators with their errors.
        first_different: Position of the operator where the difference first exceeds rounding.
        precision: Number format in which the second model's engine computes; "" for that of the file.
    """
    if first_different is not None:
        node = nodes[first_different]
        is_rounded = any(one.status == "rounded" and one.b == node.b for one in nodes)
        return _single(node, "rounded" if node.status == "fused" and is_rounded else node.status)
    rounded = [node for node in nodes if node.status == "rounded"]
    differing = [node for node in nodes if node.error]
    if not differing or not (rounded or precision in FEWER_BITS):
        return None
    worst = max(differing, key=lambda node: node.error or 0.0)
    formats = sorted({node.dtype_b for node in rounded if node.dtype_b}) or [precision]
    text = _(
        "{0} compute with fewer bits ({1}), and none differs by more than that explains. The error is "
        "largest at “{2}”: {3}."
    ).format(
        counted(len(rounded) or len(differing), "operator"), ", ".join(formats), worst.a, percent(worst.error or 0.0)
    )
    return Reason(code="rounding", text=text, nodes=(worst.b or worst.a or "",))


def _single(node: ChangedNode, status: Status) -> Reason:
    name, nodes = node.a or node.b or "", (node.b or node.a or "",)
    if node.nan:
        text = _("“{0}” ({1}) is the first operator whose values are not finite in one of both models.").format(
            name, node.op
        )
        return Reason(code="not_finite", text=text, nodes=nodes)
    by = "" if node.error is None else _(", by {0}").format(percent(node.error))
    code, why = CODES.get(status, ("operator", ""))
    text = _("“{0}” ({1}) is the first operator that differs by more than rounding explains{2}{3}.").format(
        name, node.op, by, why
    )
    return Reason(code=code, text=text, nodes=nodes)
