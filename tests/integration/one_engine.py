"""The smallest preset: one other engine for the same model, so that a run ends soon."""

from pathlib import Path

PRESET = """
id: small
title: Small
icon: lightning
summary: One other engine.
expect: somewhat faster
how_long: some minutes
max_loss_pct: 1.0
time_budget_s: 400
objective: speed
recipes:
  - title: Faster engine
    why: Another engine for the same model.
    runtime: openvino
    steps:
      - technique: fixed_shape
"""


def write_preset(folder: Path) -> Path:
    """As a file for `--recipe`."""
    path = folder / "small.yaml"
    path.write_text(PRESET, encoding="utf-8")
    return path
