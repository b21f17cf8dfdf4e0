"""Attacks within a stated budget, against both versions: what survived this budget, and no more than that."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.contracts.process.context import JobContext
from workers.contracts.stress import AttackRow
from workers.evaluate.proof.stats import mcnemar_p
from workers.evaluate.stress.base import Floats
from workers.evaluate.stress.changes import Changed
from workers.evaluate.stress.pgd import pgd_attack
from workers.evaluate.stress.samples import Given, Samples
from workers.evaluate.stress.space import Batches, Space, space_of
from workers.evaluate.stress.square import margin_of, square_attack
from workers.evaluate.stress.versions import Version

SQUARE = ("square", "Square attack", "arXiv 1912.00049")
PGD = ("pgd", "Gradient attack (PGD)", "arXiv 1706.06083")
CHUNK = 4
REQUEST = 16
PGD_STEPS = 10
STAGE = "Attacking both versions within the budget"
PROGRAM = "model.pt2"
LEVEL = 0.05


@dataclass(frozen=True)
class Budget:
    """`eps` is a share of the range (None: `usual_eps`), `queries` are for each of at most `items` inputs; `left()` are
    the seconds that remain."""

    eps: float | None
    queries: int
    items: int
    left: Callable[[], float]


def attack_both(
    old: Version, new: Version, samples: Samples, changed: Changed, budget: Budget, ctx: JobContext
) -> tuple[AttackRow, ...]:
    """One row for each attack; where one is not made, its row says why."""
    why = _why_not(changed)
    space = space_of(old.pipeline, samples, changed.items[0]) if not why else None
    if not why and space is None:
        why = "Attacks by small steps are made on pictures and on fractional numbers only."
    if not why and new.pipeline.spec.preprocess != old.pipeline.spec.preprocess:
        why = "The optimized model prepares its inputs otherwise, so that both cannot be attacked alike."
    if why or space is None:
        return tuple(AttackRow(id=id_, title=title, source=source, why_not=why) for id_, title, source in (SQUARE, PGD))
    targets, classes = _targets(changed, old, budget.items)
    if not targets:
        why = "There is no example that both versions answer rightly."
        return tuple(AttackRow(id=id_, title=title, source=source, why_not=why) for id_, title, source in (SQUARE, PGD))
    side = min(Batches(space, targets[:1]).units().shape[2:])
    budget = replace(budget, eps=usual_eps(side) if budget.eps is None else budget.eps)
    square = _square(old, new, space, targets, classes, budget, ctx)
    return square, _pgd(old, new, space, targets, classes, budget, ctx)


def usual_eps(side_px: int) -> float:
    """4/255 from 64 pixels on, as papers take it for photographs, 8/255 for smaller pictures and for numbers."""
    return 4 / 255 if side_px >= 64 else 8 / 255


def _why_not(changed: Changed) -> str:
    if changed.measure == "likeness":
        return "The model gives no classes that an attack could change."
    return "" if changed.items else "No example could be read."


def _targets(changed: Changed, old: Version, most: int) -> tuple[list[Given], NDArray[np.int64]]:
    """Examples that both answer rightly, with their class."""
    both = [i for i, pair in enumerate(changed.clean) if pair == (1.0, 1.0)][:most]
    half = 0.5 if old.pipeline.spec.scores == "probabilities" else 0.0
    classes = []
    for i in both:
        answer = changed.references[i][0].reshape(-1)
        classes.append(int(answer[0] > half) if answer.size == 1 else int(np.argmax(answer)))
    return [changed.items[i] for i in both], np.asarray(classes, np.int64)


def _asked(version: Version, batches: Batches, check: Callable[[], None]) -> Any:
    def predict(units: Floats, rows: NDArray[np.intp]) -> Floats:
        parts = []
        for first in range(0, len(units), REQUEST):
            check()
            parts.append(version.scores(batches.feeds(units[first : first + REQUEST], rows[first : first + REQUEST])))
        return np.concatenate(parts)

    return predict


def _square(
    old: Version,
    new: Version,
    space: Space,
    targets: Sequence[Given],
    classes: NDArray[np.int64],
    budget: Budget,
    ctx: JobContext,
) -> AttackRow:
    """A few inputs at a time against both, so that both were attacked on the same ones when the time is up."""
    assert budget.eps is not None
    fooled: list[NDArray[np.bool_]] = []
    for first in range(0, len(targets), CHUNK):
        ctx.progress(STAGE, first, len(targets), "examples")
        if fooled and budget.left() <= 0:
            break
        part = slice(first, first + CHUNK)
        batches = Batches(space, targets[part])
        won = [
            square_attack(
                _asked(version, batches, ctx.check_cancelled), batches.units(), classes[part], budget.eps,
                budget.queries, ctx.seed + first, ctx.check_cancelled,
            )[1]
            for version in (old, new)
        ]  # fmt: skip
        fooled.append(np.stack(won, axis=1))
    ctx.progress(STAGE, 1, 1, "examples")
    return _row(SQUARE, np.concatenate(fooled), budget.eps, budget.queries, "each version attacked by itself")


def _row(kind: tuple[str, str, str], fooled: NDArray[np.bool_], eps: float, queries: int, how: str) -> AttackRow:
    n, first, second = len(fooled), int(fooled[:, 0].sum()), int(fooled[:, 1].sum())
    worse, better = int((fooled[:, 1] & ~fooled[:, 0]).sum()), int((fooled[:, 0] & ~fooled[:, 1]).sum())
    p = mcnemar_p(worse, better)
    if p <= LEVEL:
        told = "The optimized model is easier to fool"
    elif second > first:
        told = f"The optimized model was fooled more often, which may be chance with {n} examples"
    else:
        told = "The optimized model is not easier to fool"
    words = (
        f"{told}: of {n} examples {n - first} of the original and {n - second} of the optimized model survived this"
        f" budget ({how})."
    )
    return AttackRow(
        id=kind[0], title=kind[1], source=kind[2], eps=eps, queries=queries, n=n, original_fooled=first,
        optimized_fooled=second, p=p, words=words,
    )  # fmt: skip


def _pgd(
    old: Version,
    new: Version,
    space: Space,
    targets: Sequence[Given],
    classes: NDArray[np.int64],
    budget: Budget,
    ctx: JobContext,
) -> AttackRow:
    """Made with the original's gradients; the same changed inputs are then given to both."""
    id_, title, source = PGD
    path = old.pipeline.folder / PROGRAM
    why = ""
    if not path.is_file():
        why = "It needs a torch program for its gradients, and this model has none."
    elif len(classes) and old.pipeline.spec.scores == "probabilities":
        why = "It needs scores before they are made into shares, and this model gives shares."
    elif budget.left() <= 0:
        why = "There was no time left for it; take more time."
    if why:
        return AttackRow(id=id_, title=title, source=source, why_not=why)
    assert budget.eps is not None
    ctx.progress("Attacking with gradients", 0, 1)
    batches = Batches(space, targets)
    units = pgd_attack(
        _program(path, space, batches), batches.units(), classes, budget.eps, PGD_STEPS, ctx.seed, ctx.check_cancelled
    )
    rows = np.arange(len(targets))
    fooled = [
        margin_of(_asked(version, batches, ctx.check_cancelled)(units, rows), classes) <= 0 for version in (old, new)
    ]
    return _row(PGD, np.stack(fooled, axis=1), budget.eps, PGD_STEPS, "changes made with the original's gradients")


def _program(path: Path, space: Space, batches: Batches) -> Callable[[Any, NDArray[np.intp]], Any]:
    """The program as a function of units, one input at a time, since it may be exported for just one."""
    import torch

    from workers.infer.torch_cpu import keywords, load_program

    program, (names, outputs) = load_program(torch, path)
    module, by_name = program.module(), keywords(program)
    info = json.loads((path.parent / "pipeline.json").read_text(encoding="utf-8"))
    answer = outputs.index(next(entry["name"] for entry in info["outputs"] if entry["answer"]))
    scale, shift = torch.from_numpy(np.array(space.scale)), torch.from_numpy(np.array(space.shift))

    def scores(units: Any, rows: NDArray[np.intp]) -> Any:
        found = []
        for unit, feeds in zip(units, batches.feeds(units.detach().numpy(), rows), strict=True):
            placed = unit.reshape(feeds[space.name].shape[1:]) if space.flat else unit
            placed = placed.permute(1, 2, 0) if space.last else placed
            tensors = {name: torch.from_numpy(np.array(feeds[name])) for name in names}
            tensors[space.name] = (placed * scale + shift).reshape(feeds[space.name].shape)
            given = module(**tensors) if by_name else module(*tensors.values())
            leaves = [leaf for leaf in torch.utils._pytree.tree_leaves(given) if leaf is not None]
            row = leaves[answer].reshape(1, -1)
            found.append(torch.hstack([-row, row]) if row.shape[1] == 1 else row)
        return torch.cat(found)

    return scores
