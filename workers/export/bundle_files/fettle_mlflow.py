"""Load this folder in MLflow: ``mlflow.pyfunc.load_model(folder).predict({"input name": array})``."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
runpy.run_path(str(HERE / "own_code.py"))


class PythonModel:
    """Model in the interface of MLflow."""

    def __init__(self, model: Any) -> None:
        """Wrap a loaded model."""
        self._model = model

    def predict(self, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        """Return {name: array} for {name: array} or for one array (the main input); texts give the result of run.py."""
        if isinstance(model_input, str):
            model_input = [model_input]
        if isinstance(model_input, list) and all(isinstance(text, str) for text in model_input):
            from run import answer

            return [answer(self._model, text, text) for text in model_input]
        if not isinstance(model_input, dict):
            model_input = {self._model.pipeline.main_input.name: model_input}
        return self._model.run(model_input)


def _load_pyfunc(data_path: str) -> PythonModel:
    """Load the model; `data_path` is this folder."""
    folder = str(Path(data_path).resolve())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    from bundle import load

    return PythonModel(load())
