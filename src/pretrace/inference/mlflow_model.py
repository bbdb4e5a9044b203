"""The code of a fine-tuned model in the registry: rows in, predictions out. MLflow runs this file.

    mlflow models predict -m "models:/pretrace-source@champion" -i rows.json -t json --env-manager local

Nothing of a model is pickled: its weights are safetensors, and its code is the copy of pretrace beside this file.
"""

from __future__ import annotations

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class FinetunedModel(PythonModel):
    """Predicts for rows with the task's own columns a label, the index of a choice from 0, or a number."""

    def load_context(self, context):
        """Read the model; MLflow calls this once."""
        from pathlib import Path

        from pretrace.training.finetuning.load import open_finetuned

        self.model = open_finetuned(Path(context.artifacts["finetuned"]), Path(context.artifacts["vocabulary"]))

    def predict(self, context, model_input: pd.DataFrame, params=None):
        """Return the predictions for a table of rows."""
        from pretrace.inference.predict import predict_records

        return predict_records(self.model, [_plain(row) for row in model_input.to_dict("records")], "the input")


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Return lists as lists: MLflow makes arrays of them."""
    return {key: value.tolist() if hasattr(value, "tolist") else value for key, value in row.items()}


set_model(FinetunedModel())
