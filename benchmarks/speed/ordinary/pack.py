"""Decoding and resizing pictures and masks once, with a DataLoader. Prints seconds.

python ordinary/pack.py DATA
"""

import json
import sys
import time
from pathlib import Path

from folder import Folder, loader, plain

SIZE = (256, 384)


def main() -> None:
    """Go through the folder once and print."""
    batches = loader(Folder(Path(sys.argv[1]), SIZE, plain()), 16, shuffle=False)
    begun, pictures, share = time.perf_counter(), 0, 0.0
    for images, masks in batches:
        if not pictures:
            share = masks[:9].mean().item()
        pictures += len(images)
    print(json.dumps({"value": time.perf_counter() - begun, "pictures": pictures, "share": share}))


if __name__ == "__main__":
    main()
