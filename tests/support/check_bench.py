"""The modules of benchmarks/check, which import one another as scripts do."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest

BENCH = Path(__file__).parents[2] / "benchmarks" / "check"


@contextmanager
def fault_bench() -> Iterator[ModuleType]:
    """Lend the fault bench; afterwards none of its modules is imported any more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(BENCH))
        import bench

        yield bench
    for name in [
        name for name, module in sys.modules.items() if Path(getattr(module, "__file__", "") or "").parent == BENCH
    ]:
        del sys.modules[name]
