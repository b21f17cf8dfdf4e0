"""Match inputs and outputs of a model from elsewhere with those of the original.

They are matched by name, else by position among the remaining ones, if shape and number type fit. Harmless differences
are matched: other names, 16 bits for 32 or 64, NHWC for NCHW, a fixed batch for a free one. Everything else is
another interface and refused with the differences (`facts`: names, shapes and dtypes of both sides, and the pairs
found).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import JsonValue

from workers.contracts.errors import InputRefused
from workers.contracts.proof.elsewhere import MatchedTensor, Side
from workers.contracts.specs import TensorSpec
from workers.contracts.translation import Message, _, joined
from workers.model_io.words import refuse, shown
from workers.pipeline.spec import PipelineInput, PipelineOutput, PipelineSpec

OTHER_INTERFACE = "other_interface"
FLOATS = ("float16", "bfloat16", "float32", "float64")
WHOLE = ("int32", "int64", "bool")
LAYOUTS = ((0, 2, 3, 1), (0, 3, 1, 2))
"""NCHW → NHWC and the reverse, as axes of the original's array."""

Shape = tuple[int | str | None, ...]
Shapes = frozenset[tuple[int, ...]]
Entry = PipelineInput | PipelineOutput
E = TypeVar("E", PipelineInput, PipelineOutput)
Fit = Callable[[Entry, TensorSpec], MatchedTensor | None]


@dataclass(frozen=True)
class Match:
    """Result of the matching.

    `pairs` holds all matched inputs and outputs. `unfed` are optional inputs of the original that the other model
    lacks, `gone` the outputs that it lacks. `batch` is its fixed batch size, if above 1.
    """

    pairs: tuple[MatchedTensor, ...]
    unfed: tuple[PipelineInput, ...]
    gone: tuple[str, ...]
    batch: int | None

    @property
    def adapted(self) -> tuple[MatchedTensor, ...]:
        """Return the pairs that differ in name, type or layout."""
        return tuple(pair for pair in self.pairs if pair.original != pair.other or pair.dtypes or pair.transposed)

    def of(self, side: Side) -> tuple[MatchedTensor, ...]:
        """Return the pairs of inputs or of outputs."""
        return tuple(pair for pair in self.pairs if pair.side == side)


def match(
    spec: PipelineSpec,
    inputs: Sequence[TensorSpec],
    outputs: Sequence[TensorSpec],
    seen: Mapping[str, Shapes],
    given: Mapping[str, str],
) -> Match:
    """Match the original's `spec` with another model; the pairs in `given` come first.

    `seen` holds the shapes of the prepared items, by the name of the original's input.

    Raises:
        InputRefused: the other model has another interface.
    """
    ours: list[Entry] = [*spec.inputs, *spec.outputs]
    known = {entry.name for entry in ours}
    theirs = {entry.name for entry in (*inputs, *outputs)}
    unknown = [name for name in given if name not in known] + [name for name in given.values() if name not in theirs]
    if unknown:
        raise refuse(
            "unknown_pair",
            "One of the named inputs or outputs does not exist",
            _("Neither of the two models has {0}.").format(", ".join(map(shown, unknown))),
            "Name the original's first, then the other model's.",
            by_command="--match ORIGINAL=OTHER",
        )
    pairs_in, left_in, extra_in = _pair("input", spec.inputs, inputs, seen, given)
    pairs_out, left_out, extra_out = _pair("output", spec.outputs, outputs, {}, given)
    pairs = (*pairs_in, *pairs_out)
    # something is made of these outputs: states, boxes with their scores
    read = {*spec.links.values(), *(spec.postprocess.outputs if spec.postprocess is not None else ())}
    lacking_in = [entry for entry in left_in if not entry.optional]
    lacking_out = [entry for entry in left_out if entry.answer or entry.name in read]
    lacking: list[Entry] = [*lacking_in, *lacking_out]
    if lacking or extra_in:
        differences = [_side_words(spec, "takes", lacking_in, extra_in)] if lacking_in or extra_in else []
        differences += [_side_words(spec, "gives", lacking_out, extra_out)] if lacking_out else []
        facts: dict[str, JsonValue] = {
            "original": {"inputs": _described(spec.inputs), "outputs": _described(spec.outputs)},
            "other": {"inputs": _described(inputs), "outputs": _described(outputs)},
            "matched": [pair.model_dump(mode="json") for pair in pairs],
        }
        # if several outputs may stand for the missing one, the user can choose
        is_open = any(
            _same_kind(entry.dtype, other.dtype) and len(entry.shape) == len(other.shape)
            and _sizes_fit(entry.shape, other.shape, _batch_axis(entry), frozenset())
            for entry in lacking
            for other in (*extra_in, *extra_out)
        )  # fmt: skip
        raise _other_interface(joined(differences), facts, "--match ORIGINAL=OTHER" if is_open else "")
    optional = {entry.name for entry in left_in}
    return Match(
        pairs=pairs,
        unfed=tuple(entry for entry in spec.inputs if entry.name in optional),
        gone=tuple(entry.name for entry in left_out),
        batch=_fixed_batch(spec, {pair.original: pair.other for pair in pairs_in}, inputs),
    )


def _pair(
    side: Side,
    wanted: Sequence[E],
    others: Sequence[TensorSpec],
    seen: Mapping[str, Shapes],
    given: Mapping[str, str],
) -> tuple[list[MatchedTensor], list[E], list[TensorSpec]]:
    """Return the pairs, the original's remaining entries and the other model's remaining entries."""

    def fitted(entry: Entry, other: TensorSpec) -> MatchedTensor | None:
        return _fitted(side, entry, other, seen.get(entry.name, frozenset()))

    pairs: list[MatchedTensor] = []
    left, rest = list(wanted), list(others)
    for entry in wanted:
        name = given.get(entry.name, entry.name)
        other = next((spec for spec in rest if spec.name == name), None)
        pair = None if other is None else fitted(entry, other)
        if other is not None and pair is not None:
            pairs.append(pair)
            left.remove(entry)
            rest.remove(other)
    for entry, other, pair in _by_place([entry for entry in left if entry.name not in given], rest, fitted):
        pairs.append(pair)
        left.remove(entry)
        rest.remove(other)
    return pairs, left, rest


def _by_place(left: Sequence[E], rest: Sequence[TensorSpec], fitted: Fit) -> list[tuple[E, TensorSpec, MatchedTensor]]:
    """Return pairs by position if both sides have equally many and all fit, else pairs that fit only each other."""
    if len(left) == len(rest):
        by_place = [(entry, other, fitted(entry, other)) for entry, other in zip(left, rest, strict=True)]
        found = [(entry, other, pair) for entry, other, pair in by_place if pair is not None]
        if len(found) == len(left):
            return found
    fitting = [(entry, other, pair) for entry in left for other in rest if (pair := fitted(entry, other)) is not None]
    return [
        (entry, other, pair)
        for entry, other, pair in fitting
        if sum(one is entry for one, _, _ in fitting) == 1 == sum(one is other for _, one, _ in fitting)
    ]


def _fitted(side: Side, entry: Entry, other: TensorSpec, seen: Shapes) -> MatchedTensor | None:
    """Return the pair if both tensors are equivalent, else None."""
    if not _same_kind(entry.dtype, other.dtype):
        return None
    transposed = None
    if not _sizes_fit(entry.shape, other.shape, _batch_axis(entry), seen):
        transposed = next((axes for axes in LAYOUTS if _fits_moved(entry, other.shape, axes, seen)), None)
        if transposed is None:
            return None
    dtypes = None if entry.dtype == other.dtype else (entry.dtype, other.dtype)
    return MatchedTensor(side=side, original=entry.name, other=other.name, dtypes=dtypes, transposed=transposed)


def _batch_axis(entry: Entry) -> int | None:
    """Return the axis that counts items; None where there is none."""
    is_whole = isinstance(entry, PipelineInput) and (not entry.batched or entry.source == "state")
    return None if is_whole else entry.batch_axis


def _same_kind(first: str, second: str) -> bool:
    return first == second or any(first in kind and second in kind for kind in (FLOATS, WHOLE))


def _sizes_fit(wanted: Shape, other: Shape, batch_axis: int | None, seen: Shapes) -> bool:
    """Return whether sizes are equal; a size that only one side fixes must hold for all items in `seen`.

    For outputs nothing was seen, and the trial run checks that. An unknown shape fits any.
    """
    if not wanted or not other:
        return True
    if len(wanted) != len(other):
        return False
    for axis, (ours, theirs) in enumerate(zip(wanted, other, strict=True)):
        if axis == batch_axis or not isinstance(theirs, int):
            continue
        if isinstance(ours, int):
            if ours != theirs:
                return False
        elif any(len(shape) != len(other) or shape[axis] != theirs for shape in seen):
            return False
    return True


def _fits_moved(entry: Entry, other: Shape, axes: tuple[int, ...], seen: Shapes) -> bool:
    """Return whether an image fits with its channels moved, which requires known channels on both sides."""
    channels = axes.index(1) if axes[1] == 2 else axes.index(3)
    if len(entry.shape) != 4 or len(other) != 4 or _batch_axis(entry) != 0 or not isinstance(other[channels], int):
        return False
    moved = tuple(entry.shape[axis] for axis in axes)
    items = frozenset(tuple(shape[axis] for axis in axes) for shape in seen if len(shape) == 4)
    return isinstance(moved[channels], int) and _sizes_fit(moved, other, 0, items)


def takes_items(entry: PipelineInput, shape: Sequence[object]) -> bool:
    """Return whether an axis of `shape` counts the items of this input, which is no state."""
    return entry.batched and entry.source not in ("state", "initial_state") and len(shape) > entry.batch_axis


def _fixed_batch(spec: PipelineSpec, others: Mapping[str, str], inputs: Sequence[TensorSpec]) -> int | None:
    """Return how many items the other model takes at once, if it is more than one."""
    shapes = {entry.name: entry.shape for entry in inputs}
    for entry in spec.inputs:
        shape = shapes.get(others.get(entry.name, ""), ())
        if takes_items(entry, shape):
            size = shape[entry.batch_axis]
            return size if isinstance(size, int) and size > 1 else None
    return None


def other_shape(
    spec: PipelineSpec, original: Mapping[str, tuple[int, ...]], other: Mapping[str, tuple[int, ...]]
) -> InputRefused | None:
    """Return the refusal if outputs for the same input have other shapes than the original's.

    Files may not state these shapes, so only a run shows them.
    """
    free = {entry.name: entry.shape for entry in spec.outputs}
    for name, want in original.items():
        got = other.get(name)
        sizes = free.get(name) or (0,) * len(want)
        fixed = len(sizes) != len(want) or any(
            isinstance(size, int) and axis and a != b
            for axis, (size, a, b) in enumerate(zip(sizes, want, got or want, strict=False))
        )
        if got is not None and got != want and (len(got) != len(want) or fixed):
            facts: dict[str, JsonValue] = {"output": name, "original_shape": list(want), "other_shape": list(got)}
            return _other_interface(_differs(spec, name, want, got), facts, "")
    return None


def _other_interface(detail: str, facts: dict[str, JsonValue], by_command: str) -> InputRefused:
    hint = (
        _("Name the input or output of the other model that corresponds to each one of the original.")
        if by_command
        else _("Choose another version of the same model, with the same inputs and the same kind of results.")
    )
    title = _("The two models are not of the same interface")
    return refuse(OTHER_INTERFACE, title, detail, hint, facts=facts, by_command=by_command)


def _described(specs: Sequence[TensorSpec | Entry]) -> list[JsonValue]:
    return [{"name": spec.name, "shape": list(spec.shape), "dtype": spec.dtype} for spec in specs]


def _side_words(spec: PipelineSpec, verb: str, gone: Sequence[Entry], free: Sequence[TensorSpec]) -> str:
    if len(gone) == 1 and len(free) == 1 and verb == "gives" and gone[0].shape and free[0].shape:
        return _differs(spec, gone[0].name, gone[0].shape, free[0].shape, gone[0].dtype, free[0].dtype)
    ours, theirs = (
        joined([joined([shown(one.name, 40), _sizes(one.shape), one.dtype]) for one in entries], ", ")
        for entries in (gone, free)
    )
    if not ours:
        return _("The original takes no further one, the other model {0}.").format(theirs)
    if verb == "takes":
        return (
            _("The original takes {0}, the other model {1}.").format(ours, theirs)
            if theirs
            else _("The original takes {0}, the other model none of that kind.").format(ours)
        )
    return (
        _("The original gives {0}, the other model {1}.").format(ours, theirs)
        if theirs
        else _("The original gives {0}, the other model none of that kind.").format(ours)
    )


def _differs(spec: PipelineSpec, name: str, ours: Shape, theirs: Shape, mine: str = "", its: str = "") -> str:
    """Return a sentence about the difference of one output; a different number of classes gets its own words."""
    answer = next((entry.name for entry in spec.outputs if entry.answer), "")
    a, b = ours[-1:], theirs[-1:]
    if spec.answer_kind == "class" and name == answer and a != b and isinstance(b[0] if b else None, int):
        return _("The original tells {0} classes apart, the other model {1}.").format(a[0], b[0])
    first, second = (joined([_sizes(shape), dtype]) for shape, dtype in ((ours, mine), (theirs, its)))
    return _("The original gives {0} as {1}, the other model as {2}.").format(shown(name, 40), first, second)


def _sizes(shape: Shape) -> str:
    sizes = joined([_("any") if size is None else shown(size, 20) for size in shape], ", ")
    return Message.made("[{0}]", (sizes,))
