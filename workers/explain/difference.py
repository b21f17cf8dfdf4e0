"""Say why the inner values of two models differ: other weights, or numbers of fewer bits."""

from collections.abc import Sequence

from workers.contracts.after.changes import ChangedNode, Reason, Status
from workers.contracts.translation import _, joined, mark, ngettext
from workers.contracts.wording import percent

FEWER_BITS = frozenset({"bf16", "f16"})
"""Number formats in which an engine may compute the 32-bit numbers of a file."""

CODES = {
    "replaced": ("weights", mark("It has other weights or is another operator.")),
    "rounded": ("rounding", mark("A range or scale of its fewer bits does not fit.")),
}
"""Code of the reason and its sentence, by what became of the operator."""


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
    n = len(rounded) or len(differing)
    text = ngettext(
        "{0:,} operator computes with fewer bits ({1}) and does not differ by more than that explains. The error is "
        "largest at “{2}”: {3}.",
        "{0:,} operators compute with fewer bits ({1}), and none differs by more than that explains. The error is "
        "largest at “{2}”: {3}.",
        n,
    ).format(n, ", ".join(formats), worst.a, percent(worst.error or 0.0))
    return Reason(code="rounding", text=text, nodes=(worst.b or worst.a or "",))


def _single(node: ChangedNode, status: Status) -> Reason:
    name, nodes = node.a or node.b or "", (node.b or node.a or "",)
    if node.nan:
        text = _("“{0}” ({1}) is the first operator whose values are not finite in one of both models.").format(
            name, node.op
        )
        return Reason(code="not_finite", text=text, nodes=nodes)
    code, why = CODES.get(status, ("operator", ""))
    if node.error is None:
        text = _("“{0}” ({1}) is the first operator that differs by more than rounding explains.")
    else:
        text = _("“{0}” ({1}) is the first operator that differs by more than rounding explains: by {2}.")
    text = text.format(name, node.op, percent(node.error or 0.0))
    return Reason(code=code, text=joined([text, _(why)]), nodes=nodes)
