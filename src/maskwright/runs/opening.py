"""Opening a run's model file with the runtime that was asked for."""

from pathlib import Path

from maskwright.runtime.predictor import Predictor, load_model


def open_model(path: str | Path, runtime: str | None = None, precision: str | None = None) -> Predictor:
    """Open a model file or a run's. runtime: default onnxruntime; precision: default fp32. Raises as `load_model`."""
    return load_model(path, runtime=runtime or "onnxruntime", precision=precision or "fp32")
