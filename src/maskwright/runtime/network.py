"""The network of a model file opened by itself: what reaches it in, logits out.

Whoever wants masks alone does the rest more cheaply than the file's graph, which must do it with matrix products (see
`whole.py` and `cut.py`). Several threads may call it at once. Knows nothing of pictures.
"""

from collections.abc import Callable
from pathlib import Path
from queue import LifoQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError, need
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.network_bytes import network_of
from maskwright.runtime.sessions import cannot_open, cannot_run, check_precision, open_onnx, run_onnx

Floats = NDArray[np.float32]
Network = Callable[[Floats], Floats]  # (N, C, h, w) -> logits (N, K, h, w)


def open_network(
    path: Path, description: ModelDescription, *, runtime: str, precision: str, threads: int, callers: int = 1
) -> Network:
    """Open the network of a model file.

    runtime, precision: see PRECISIONS. threads: cores for all callers together. callers: threads that will call it.
    Raises ConfigError, MissingDependency, DataError as `open_session` does.
    """
    check_precision(description, runtime, precision)
    model = _read(path)
    if runtime == "openvino":
        network = _open_openvino(model, path, precision, threads, callers)
        # Its Python layer sets itself up at the first call, and stands still for ever where two threads come first.
        network(np.zeros((1, description.bands, *description.size), np.float32))
    else:
        network = _open_onnxruntime(model, path, max(1, threads // callers))
    expected = (description.classes.num_outputs, *description.size)

    def checked(pixels: Floats) -> Floats:
        logits = network(pixels)
        if logits.shape != (len(pixels), *expected):
            raise DataError(
                "The model file's graph does not fit its description.", where=f"{path}: logits {logits.shape}",
                fix="get the file again from where it was made, or export it anew",
            )  # fmt: skip
        return logits

    return checked


def _read(path: Path) -> bytes:
    try:
        return network_of(path.read_bytes())
    except (OSError, ValueError) as error:
        raise DataError(
            "The network cannot be read out of the model file.", where=f"{path}: {error}",
            fix="get the file again from where it was made, or export it anew",
        ) from error  # fmt: skip


def _open_onnxruntime(model: bytes, path: Path, threads: int) -> Network:
    session = open_onnx(model, path, threads, any_size=False)
    return lambda pixels: run_onnx(session, path, ("logits",), {"network_input": pixels})[0]


def _open_openvino(model: bytes, path: Path, precision: str, threads: int, callers: int) -> Network:
    openvino = need("openvino", extra="openvino", purpose="The runtime 'openvino'")
    settings = {
        "INFERENCE_PRECISION_HINT": "bf16" if precision == "bf16" else "f32",
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": min(callers, threads),
    }
    requests: LifoQueue[Any] = LifoQueue()  # one for each caller: a request answers one call at a time
    try:
        core = openvino.Core()
        compiled = core.compile_model(core.read_model(model), "CPU", settings)
        for _ in range(callers):
            requests.put(compiled.create_infer_request())
    except (RuntimeError, UnicodeDecodeError) as error:
        raise cannot_open(path, "OpenVINO", error) from error

    def run(pixels: Floats) -> Floats:
        request = requests.get()
        try:
            logits: Floats = np.array(request.infer([pixels])[0])  # copied: the next call writes into the same memory
        except (RuntimeError, UnicodeDecodeError) as error:
            raise cannot_run(path, "OpenVINO", error) from error
        finally:
            requests.put(request)
        return logits

    return run
