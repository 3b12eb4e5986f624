"""What a figure was measured on: processor, cores, memory, accelerator, and the versions that do the work."""

import importlib.metadata
import os
import platform
from pathlib import Path
from typing import Any

PACKAGES = (
    "maskwright", "torch", "onnxruntime", "openvino", "segmentation-models-pytorch", "timm", "albumentations",
    "opencv-python-headless", "pillow", "numpy",
)  # fmt: skip


def describe_machine() -> dict[str, Any]:
    """Return plain values; None for what is not known."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": memory_gib(),
        "gpu": gpu(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "versions": {name: version for name in PACKAGES if (version := version_of(name)) is not None},
    }


def version_of(package: str) -> str | None:
    """Return the version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def processor() -> str:
    """Return the processor's name with the number formats that matter here."""
    if not Path("/proc/cpuinfo").exists():
        return platform.processor() or platform.machine()
    lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    flags = set(found.get("flags", "").split())
    formats = [flag for flag in ("amx_bf16", "avx512_bf16", "avx512f", "avx2") if flag in flags]
    model = " ".join(f"{key} {found[key]}" for key in ("cpu family", "model") if key in found)
    return f"{found.get('model name', platform.machine())} ({', '.join([model, *formats])})"


def memory_gib() -> float | None:
    """Return the machine's memory."""
    if not hasattr(os, "sysconf"):
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)


def gpu() -> str | None:
    """Return the name of the CUDA device, if there is one."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else None
