"""The smallest presets: one other engine for the same model, or a few recipes, so that a run ends soon."""

from pathlib import Path

HEAD = """
id: small
title: Small
icon: lightning
summary: Some recipes.
expect: somewhat faster
how_long: some minutes
max_loss_pct: {max_loss_pct}
time_budget_s: {time_budget_s}
objective: speed
recipes:
"""

ENGINE = """
  - title: {title}
    why: Another engine for the same model.
    runtime: openvino
    steps:
      - technique: {technique}
"""


def engine(title: str = "Faster engine", technique: str = "fixed_shape") -> str:
    """One recipe."""
    return ENGINE.format(title=title, technique=technique)


def write_preset(
    folder: Path, recipes: str | None = None, *, max_loss_pct: float = 1.0, time_budget_s: int = 400
) -> Path:
    """As a file for `--recipe`; without `recipes` with one other engine."""
    path = folder / "small.yaml"
    head = HEAD.format(max_loss_pct=max_loss_pct, time_budget_s=time_budget_s)
    path.write_text(head + (engine() if recipes is None else recipes), encoding="utf-8")
    return path
