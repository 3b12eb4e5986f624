"""Ordinary prediction: the network in PyTorch, a DataLoader that decodes, masks written with OpenCV.

    python ordinary/predict.py RUN PICTURES OUTPUT

Prints pictures per second for a folder, seconds for one picture, from the start of the process.
"""

import json
import os
import sys
import time
from pathlib import Path

BEGUN = time.time()

import cv2  # noqa: E402
import numpy as np  # noqa: E402
import segmentation_models_pytorch as smp  # noqa: E402
import torch  # noqa: E402
import torch.nn.functional as F  # noqa: E402
from safetensors.torch import load_file  # noqa: E402
from torch.utils.data import DataLoader, Dataset  # noqa: E402

SIZE = (256, 384)
cv2.setNumThreads(0)


class Pictures(Dataset):
    """(3, H, W) in -1..1 at the network's size, the file's name, and the picture's own height and width."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, str, tuple[int, int]]:
        image = cv2.cvtColor(cv2.imread(str(self.files[index])), cv2.COLOR_BGR2RGB)
        small = cv2.resize(image, SIZE[::-1], interpolation=cv2.INTER_AREA)
        values = torch.from_numpy(small).permute(2, 0, 1).float() / 127.5 - 1
        return values, self.files[index].stem, image.shape[:2]


@torch.inference_mode()
def main() -> None:
    """Predict and print."""
    run, pictures, output = (Path(argument) for argument in sys.argv[1:])
    output.mkdir(parents=True)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    network = smp.Unet("tu-mobilenetv2_100", encoder_weights=None, pad_type="same", bn_eps=1e-3)
    network.load_state_dict(load_file(run / "network.safetensors"))
    network.eval().to(device)
    single = not pictures.is_dir()
    files = [pictures] if single else sorted(pictures.iterdir())
    workers = 0 if single else os.cpu_count()
    for images, names, (heights, widths) in DataLoader(Pictures(files), batch_size=8, num_workers=workers):
        logits = network(images.to(device))
        for logit, name, height, width in zip(logits, names, heights, widths, strict=True):
            full = F.interpolate(logit[None].sigmoid(), (int(height), int(width)), mode="bilinear")[0, 0]
            cv2.imwrite(str(output / f"{name}.png"), (full > 0.5).cpu().numpy().astype(np.uint8) * 255)
    seconds = time.time() - started()
    print(
        json.dumps({"value": seconds if single else len(files) / seconds, "pictures": len(files), "seconds": seconds})
    )


def started() -> float:
    """When this process was started, by the clock; where the system does not tell, when it began to import."""
    stat = Path("/proc/self/stat")
    if not stat.exists():
        return BEGUN
    ticks = int(stat.read_text().rpartition(")")[2].split()[19])
    booted = time.time() - float(Path("/proc/uptime").read_text().split()[0])
    return booted + ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
