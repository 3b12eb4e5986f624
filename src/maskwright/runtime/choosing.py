"""Which runtime, and which precision, where the user left it open; and why, in words.

A precision below the file's own is chosen only where the file says that it was measured and kept the gate.
"""

from dataclasses import dataclass
from importlib.util import find_spec

from maskwright.runtime.description import ModelDescription
from maskwright.runtime.sessions import PRECISIONS

MANY = 40  # pictures: OpenVINO starts 0.3 to 1 s later, and gains 10 to 20 ms a picture


@dataclass(frozen=True)
class Choice:
    """others: further (runtime, precision) that the same statements could have led to, for fewer or more pictures."""

    runtime: str
    precision: str
    why: str
    others: tuple[tuple[str, str], ...] = ()


def choose(
    description: ModelDescription, pictures: int, runtime: str | None = None, precision: str | None = None
) -> Choice:
    """Choose what is None for so many pictures; what is stated stays."""
    taken, reasons = runtime, []
    if taken is None:
        taken, why = _runtime(pictures, precision)
        reasons.append(why)
    chosen = precision
    if chosen is None:
        chosen, why = _precision(description, taken)
        reasons.append(why)
    ways = (
        (other, possible)
        for other in (PRECISIONS if runtime is None else (taken,))
        for possible in (_allowed(description, other) if precision is None else (precision,))
        if possible in PRECISIONS[other]
    )
    others = tuple(way for way in ways if way != (taken, chosen))
    return Choice(taken, chosen, "; ".join(reasons) or "stated", others)


def _allowed(description: ModelDescription, runtime: str) -> tuple[str, ...]:
    """Return the precisions that may be chosen in a runtime, whatever the processor."""
    own = description.precision
    measured = description.reduced.get(f"{runtime} bf16")
    held = isinstance(measured, dict) and measured.get("passed") is True
    return (own, "bf16") if own == "fp32" and held else (own,)


def _runtime(pictures: int, precision: str | None) -> tuple[str, str]:
    if precision is not None and precision not in PRECISIONS["onnxruntime"]:
        return "openvino", f"only OpenVINO runs in {precision}"
    if find_spec("openvino") is None:
        return "onnxruntime", "OpenVINO is not installed"
    if pictures < MANY:
        return "onnxruntime", f"it starts sooner, and the pictures are fewer than {MANY}"
    return "openvino", f"it is faster, and the pictures are {MANY} or more"


def _precision(description: ModelDescription, runtime: str) -> tuple[str, str]:
    own = description.precision
    if own != "fp32" or "bf16" not in PRECISIONS[runtime]:
        return own, f"{own} is the file's own precision"
    if "bf16" not in _allowed(description, runtime):
        measured = f"{runtime} bf16" in description.reduced
        missed = "was measured and changes the masks too much" if measured else "has not been measured for this file"
        return own, f"bf16 {missed}"
    if not _has_bf16():
        return own, "this processor does not calculate in bf16"
    return "bf16", "the file says that the masks stay the same in bf16, within the limits"


def _has_bf16() -> bool:
    """Whether OpenVINO says that the processor calculates in bf16."""
    if find_spec("openvino") is None:
        return False
    import openvino

    return "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
