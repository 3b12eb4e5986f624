"""A model file opened in a runtime: arrays in, arrays out. ONNX Runtime by default, OpenVINO as an extra.

Each runtime is one function that returns a `Run`. The precision is always stated, never left to the runtime.
Knows nothing of pictures' sizes, tiles or files of pictures.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import ConfigError, DataError, need
from maskwright.runtime.description import ModelDescription

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Run = Callable[[NDArray[Any], Sequence[str]], list[NDArray[Any]]]  # (N, H, W, C), names of outputs -> outputs

PRECISIONS = {"onnxruntime": ("fp32", "int8"), "openvino": ("fp32", "bf16", "int8")}  # int8: of files that are so


def open_session(path: Path, description: ModelDescription, *, runtime: str, precision: str, threads: int) -> Run:
    """Open a model file. runtime, precision: see PRECISIONS. threads: how many cores it may use.

    Raises ConfigError for an unknown runtime or precision, MissingDependency where OpenVINO is not installed, DataError
    for a file that the runtime cannot open or whose graph is not what `description` says.
    """
    check_precision(description, runtime, precision)
    if runtime == "openvino":
        return _open_openvino(path, description, precision, threads)
    return _open_onnxruntime(path, description, threads)


def check_precision(description: ModelDescription, runtime: str, precision: str) -> None:
    """Raise ConfigError for an unknown runtime, or a precision that it does not run this file in."""
    if runtime not in PRECISIONS:
        raise ConfigError(f"Unknown runtime '{runtime}'.", fix=f"choose one of: {', '.join(PRECISIONS)}")
    if precision not in PRECISIONS[runtime]:
        raise ConfigError(
            f"'{runtime}' does not run in precision '{precision}'.",
            fix=f"choose one of: {', '.join(PRECISIONS[runtime])}",
        )
    if (precision == "int8") != (description.precision == "int8"):
        raise ConfigError(
            f"The model file's weights are {description.precision}; it does not run in precision '{precision}'.",
            fix="`maskwright export RUN --to int8` writes an int8 file beside the run's own",
        )


def open_onnx(model: Path | bytes, path: Path, threads: int, *, any_size: bool = True) -> "InferenceSession":
    """Open an ONNX model in ONNX Runtime. model: `path` itself, or bytes made of it.

    any_size: pictures come in any size: memory laid out for one does not fit the next. Raises DataError.
    """
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what goes wrong is raised, and said below
    # Threads that wait by spinning take the cores from whoever else computes: beside torch (parity, a service) both
    # were half as fast, and alone nothing was won.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.enable_mem_pattern = not any_size
    # An arena would keep, for as long as the session lives, twice what the largest picture so far has taken.
    options.enable_cpu_mem_arena = not any_size
    try:
        # Its "fallback" tries the same again, after printing to stdout, where only results belong.
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"], enable_fallback=0)
    except (native.Fail, native.InvalidGraph, native.InvalidProtobuf, native.InvalidArgument, native.NoSuchFile,
            native.NotImplemented, native.RuntimeException, UnicodeDecodeError) as error:  # fmt: skip
        raise cannot_open(path, "ONNX Runtime", error) from error


def run_onnx(
    session: "InferenceSession", path: Path, names: Sequence[str], given: dict[str, NDArray[Any]]
) -> list[NDArray[Any]]:
    """Run a session; return the outputs of these names. Raises DataError."""
    from onnxruntime.capi import onnxruntime_pybind11_state as native

    try:
        results: list[NDArray[Any]] = session.run(list(names), given)
    except (native.Fail, native.InvalidArgument, native.RuntimeException, UnicodeDecodeError) as error:
        raise cannot_run(path, "ONNX Runtime", error) from error
    return results


def _open_onnxruntime(path: Path, description: ModelDescription, threads: int) -> Run:
    session = open_onnx(path, path, threads)
    inputs = {item.name: (item.type, item.shape) for item in session.get_inputs()}
    outputs = {item.name: (item.type, item.shape) for item in session.get_outputs()}
    names = {"tensor(uint8)": "uint8", "tensor(uint16)": "uint16", "tensor(float)": "float32"}
    _check_graph(
        {name: (names.get(kind, kind), _shape(shape)) for name, (kind, shape) in inputs.items()},
        {name: (names.get(kind, kind), _shape(shape)) for name, (kind, shape) in outputs.items()},
        description, path,
    )  # fmt: skip
    return lambda images, names: run_onnx(session, path, names, {"image": images})


def _open_openvino(path: Path, description: ModelDescription, precision: str, threads: int) -> Run:
    openvino = need("openvino", extra="openvino", purpose="The runtime 'openvino'")
    from maskwright.runtime.cutting import cut_model

    core = openvino.Core()
    alone = Lock()  # a compiled model answers one call at a time

    def compile_model(model: Any, hint: str) -> Any:
        settings = {"INFERENCE_PRECISION_HINT": hint, "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
        return core.compile_model(model, "CPU", settings)

    try:
        model = core.read_model(path)
        inputs = {item.get_any_name(): _openvino_tensor(item) for item in model.inputs}
        outputs = {item.get_any_name(): _openvino_tensor(item) for item in model.outputs}
        _check_graph(inputs, outputs, description, path)
        if precision != "bf16":
            whole = compile_model(model, "f32")
        else:
            parts = cut_model(openvino, core, path)
            before, network, after = (
                compile_model(part, hint) for part, hint in zip(parts, ("f32", "bf16", "f32"), strict=True)
            )
    except (RuntimeError, UnicodeDecodeError) as error:
        raise cannot_open(path, "OpenVINO", error) from error

    def run(images: NDArray[Any], names: Sequence[str]) -> list[NDArray[Any]]:
        with alone:
            try:
                if precision != "bf16":
                    results = whole({"image": images})
                else:
                    pixels = before({"image": images})[0]
                    logits = network({"network_input": pixels})[0]
                    given = {"logits": logits, "image": images}
                    results = after({item.get_any_name(): given[item.get_any_name()] for item in after.inputs})
            except (RuntimeError, UnicodeDecodeError) as error:
                raise cannot_run(path, "OpenVINO", error) from error
            return [np.array(results[name]) for name in names]  # copied: the next call writes into the same memory

    return run


Tensors = dict[str, tuple[str, tuple[int | None, ...]]]  # name -> (type, shape with None for any)


def _shape(shape: Sequence[Any]) -> tuple[int | None, ...]:
    return tuple(side if isinstance(side, int) else None for side in shape)


def _openvino_tensor(item: Any) -> tuple[str, tuple[int | None, ...]]:
    sides = [None if side.is_dynamic else side.get_length() for side in item.get_partial_shape()]
    kind = item.get_element_type().to_dtype().name
    return str(kind), tuple(sides)


def _check_graph(inputs: Tensors, outputs: Tensors, description: ModelDescription, path: Path) -> None:
    """Raise DataError where a graph takes or gives something else than its description says."""
    height, width = description.size if description.mode == "tile" else (None, None)
    channels = description.classes.num_outputs
    expected_input = (description.dtype, (None, height, width, description.bands))
    mask = (None, height, width) if description.classes.exclusive else (None, channels, height, width)
    expected_outputs = {"probabilities": ("float32", (None, channels, height, width)), "mask": ("uint8", mask)}
    if inputs != {"image": expected_input} or outputs != expected_outputs:
        raise DataError(
            "The model file's graph does not fit its description.",
            where=f"{path}: inputs {inputs}, outputs {outputs}",
            fix="get the file again from where it was made, or export it anew",
        )


# UnicodeDecodeError is among the errors caught: of a damaged file a runtime's message may quote bytes that are no text.
def cannot_open(path: Path, runtime: str, error: Exception) -> DataError:
    """Say that a runtime cannot open a model file."""
    return DataError(
        f"{runtime} cannot open the model file.", where=f"{path}: {str(error).strip()[:300]}",
        fix="get the file again from where it was made, or export it anew",
    )  # fmt: skip


def cannot_run(path: Path, runtime: str, error: Exception) -> DataError:
    """Say that a runtime cannot run a model file."""
    return DataError(
        f"{runtime} cannot run the model file on this picture.", where=f"{path}: {str(error).strip()[:300]}",
        fix="if memory is short, use a smaller picture or close other programs",
    )  # fmt: skip
