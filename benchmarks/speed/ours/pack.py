"""Building the pack of a folder that was never seen before. Prints seconds.

    python ours/pack.py DATA WORK

Only the building counts; reading the folder's list of files does not, as for the other side.
"""

import json
import sys
import time
from pathlib import Path

from maskwright import read_dataset
from maskwright.data.pack import PackSettings, build_pack

SIZE = (256, 384)


def main() -> None:
    """Pack and print."""
    data, work = (Path(argument) for argument in sys.argv[1:])
    dataset = read_dataset(data)
    begun = time.perf_counter()
    pack = build_pack(dataset, range(len(dataset)), PackSettings(size=SIZE), folder=work / "packs")
    seconds = time.perf_counter() - begun
    print(
        json.dumps({"value": seconds, "pictures": len(pack), "share": sum(pack.mask(i).mean() for i in range(9)) / 9})
    )


if __name__ == "__main__":
    main()
