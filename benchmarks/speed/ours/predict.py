"""`maskwright predict` as it stands. Prints pictures per second for a folder, seconds for one picture.

    python ours/predict.py RUN PICTURES OUTPUT

The whole process counts, from its start to its end.
"""

import json
import sys
import time
from pathlib import Path

from command import maskwright

OPTIONS = ("--no-overlays",)  # masks alone, as the other side writes them


def main() -> None:
    """Predict and print."""
    run, pictures, output = (Path(argument) for argument in sys.argv[1:])
    begun = time.perf_counter()
    document = maskwright("predict", str(run), str(pictures), "-o", str(output), *OPTIONS)
    seconds = time.perf_counter() - begun
    made = len(document["outputs"])
    value = made / seconds if pictures.is_dir() else seconds
    print(json.dumps({"value": value, "pictures": made, "seconds": seconds, "options": " ".join(OPTIONS)}))


if __name__ == "__main__":
    main()
