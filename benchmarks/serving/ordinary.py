"""The other side: what one writes in an afternoon. FastAPI, the same network in PyTorch, one picture a request.

    uvicorn --app-dir benchmarks/serving ordinary:app --port 8001

The environment names the network: RUN, a folder of `maskwright train` whose weights are loaded.
"""

import io
import os
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from fastapi import FastAPI, Request, Response
from network import load_network
from PIL import Image

network, size, mean, std, threshold = load_network(Path(os.environ["RUN"]))
app = FastAPI()


@app.post("/predict")
async def predict(request: Request) -> Response:
    """Return the mask as a PNG."""
    image = np.asarray(Image.open(io.BytesIO(await request.body())).convert("RGB"))
    return Response(look(image), media_type="image/png")


def look(image: np.ndarray) -> bytes:
    """Resize, normalise, look, resize back, cut, encode: with PyTorch's and Pillow's defaults."""
    pixels = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255
    pixels = F.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)
    with torch.inference_mode():
        logits = network((pixels - mean) / std)
        probabilities = torch.sigmoid(F.interpolate(logits, size=image.shape[:2], mode="bilinear"))
    mask = (probabilities[0, 0] > threshold).numpy().astype(np.uint8) * 255
    stream = io.BytesIO()
    Image.fromarray(mask).save(stream, "PNG")
    return stream.getvalue()
