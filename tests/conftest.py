"""What every test may ask for: the real pictures, the real weights, and a cache of its own."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

# Before anything imports torch or numpy: more threads than cores only makes small arrays slower.
_THREADS = str(min(4, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1))
os.environ.setdefault("OMP_NUM_THREADS", _THREADS)
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("MPLBACKEND", "agg")
os.environ.setdefault("HF_HUB_OFFLINE", "1")  # no test reaches the network

import pytest  # noqa: E402

ROOT = Path(__file__).parents[1]
collect_ignore = [
    "support"
]  # helpers without tests or examples; some import Keras, which wants its back end named first


@pytest.fixture(scope="session", autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep packs and downloads of the tests out of the user's cache: one folder for the session."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MASKWRIGHT_CACHE", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Begin every test with the same random numbers, whatever ran before it in this process."""
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real picture sets: MASKWRIGHT_DATA, or ../shared/data beside the project."""
    return _outside("MASKWRIGHT_DATA", "data")


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """The folder of real pretrained weights: MASKWRIGHT_WEIGHTS, or ../shared/weights beside the project."""
    return _outside("MASKWRIGHT_WEIGHTS", "weights")


def _outside(variable: str, name: str) -> Path:
    folder = Path(os.environ.get(variable) or ROOT.parent / "shared" / name)
    if not folder.is_dir():
        message = f"{variable} is not set and {folder} is not there"
        if os.environ.get("MASKWRIGHT_REQUIRE_DATA") == "1":
            pytest.fail(message)
        pytest.skip(message)
    return folder
