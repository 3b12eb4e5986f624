"""Predicting with a model file: a picture in, a mask and probabilities out, without torch.

Knows the two ways to look: the whole picture at once (the graph does all), or tile by tile, blended.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError, ShapeError
from maskwright.images.classes import Classes
from maskwright.images.depth import to_depth
from maskwright.images.formats import read_image, read_info
from maskwright.images.resize import resize_float
from maskwright.images.sizes import scaled_decoding_size
from maskwright.runtime.cores import available_cores
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.metadata import read_description
from maskwright.runtime.sessions import Run, open_session
from maskwright.runtime.tiling import tiled_probabilities

Floats = NDArray[np.float32]
Pixels = NDArray[Any]  # (H, W, C) uint8 or uint16


@dataclass(frozen=True)
class Prediction:
    """What a model says of one picture, at the picture's own size.

    mask: (H, W) uint8, each pixel's class index; overlapping classes: (H, W, K) uint8 of 0 and 1.
    probabilities: (K, H, W) float32 in [0, 1]; K is 1 (the foreground) for two exclusive classes.
    """

    mask: NDArray[np.uint8]
    probabilities: Floats


@dataclass(frozen=True)
class Predictor:
    """A model file, opened. Safe to call from several threads.

    description: what the file says of itself. runtime, precision: how it runs ("onnxruntime", "fp32").
    """

    description: ModelDescription
    runtime: str
    precision: str
    path: Path
    _run: Run

    def predict(self, picture: Pixels | str | Path) -> Prediction:
        """Predict for an array (H, W, bands) or a file.

        A file may be grey or RGB, of 8 or 16 bits: it is converted. An array must have the model's bands and type; a
        grey one may leave its last axis out. Raises DataError for a file that cannot be read, ShapeError for other
        arrays.
        """
        image, size = self.read(picture) if isinstance(picture, str | Path) else (self._checked(picture), None)
        if self.description.mode == "whole" and size in (None, image.shape[:2]):
            probabilities, mask = self._whole(image, ("probabilities", "mask"))
            return Prediction(mask if mask.ndim == 2 else np.ascontiguousarray(mask.transpose(1, 2, 0)), probabilities)
        probabilities = self._probabilities(image)
        if size is not None:
            probabilities = resize_float(probabilities, size)
        return Prediction(
            cut_probabilities(probabilities, self.description.classes, self.description.threshold), probabilities
        )

    def probabilities(self, image: Pixels) -> Floats:
        """Return (K, H, W) float32 for an array (H, W, bands). Raises ShapeError."""
        return self._probabilities(self._checked(image))

    def read(self, path: str | Path) -> tuple[Pixels, tuple[int, int]]:
        """Read a picture as training read it; return it and the (height, width) that the file really has.

        It is converted to the model's bands and depth and, for mode 'whole', a large JPEG is decoded at reduced scale.
        Raises DataError.
        """
        path, wanted = Path(path), self.description
        info = read_info(path)
        at_least = scaled_decoding_size(wanted.size) if wanted.mode == "whole" else None
        image = read_image(path, bands=wanted.bands if wanted.bands in (1, 3) else None, at_least=at_least)
        if image.shape[2] != wanted.bands:
            raise DataError(
                f"The picture has {image.shape[2]} bands; the model was trained on {wanted.bands}.",
                where=str(path), fix="give pictures of the kind it was trained on",
            )  # fmt: skip
        return to_depth(image, wanted.dtype), (info.height, info.width)

    def _checked(self, image: Pixels) -> Pixels:
        wanted = self.description
        array = np.asarray(image)
        if array.ndim == 2 and wanted.bands == 1:
            array = array[:, :, None]
        if array.ndim != 3 or array.shape[2] != wanted.bands or 0 in array.shape or array.dtype != wanted.dtype:
            raise ShapeError(
                f"The model wants an array (H, W, {wanted.bands}) of {wanted.dtype}; got {array.shape} {array.dtype}.",
                fix="give a path instead: files are converted between grey and RGB",
            )
        return array

    def _probabilities(self, image: Pixels) -> Floats:
        if self.description.mode == "whole":
            return self._whole(image, ("probabilities",))[0]
        return tiled_probabilities(image, self.description, self._tiles)

    def _whole(self, image: Pixels, names: tuple[str, ...]) -> list[NDArray[Any]]:
        height, width = image.shape[:2]
        channels = self.description.classes.num_outputs
        results = self._run(np.ascontiguousarray(image)[None], names)
        self._check_sizes(results[0], (1, channels, height, width))
        return [result[0] for result in results]

    def _tiles(self, tiles: Pixels) -> Floats:
        """Return (N, K, T, T) for tiles (N, T, T, C)."""
        result = self._run(tiles, ("probabilities",))[0]
        self._check_sizes(result, (len(tiles), self.description.classes.num_outputs, *self.description.size))
        return result

    def _check_sizes(self, result: NDArray[Any], shape: tuple[int, ...]) -> None:
        if result.shape != shape:
            raise DataError(
                f"The model file's graph does not fit its description: it gives {result.shape}, not {shape}.",
                where=str(self.path), fix="get the file again from where it was made, or export it anew",
            )  # fmt: skip


def load_model(
    path: str | Path, *, runtime: str = "onnxruntime", precision: str = "fp32", threads: int | None = None
) -> Predictor:
    """Open a model file, or the `model.onnx` of a run's folder.

    runtime: 'onnxruntime' or 'openvino' (an extra). precision: 'fp32'; OpenVINO also 'bf16', for the network only.
    threads: cores to use; None for all that the process may use.
    Raises DataError for a file that is missing, damaged or not maskwright's; ConfigError; MissingDependency.
    """
    path = Path(path)
    file = path / "model.onnx" if path.is_dir() else path
    if not file.is_file():
        raise DataError(
            "There is no model file.", where=str(file),
            fix="give the path of a model.onnx, or of a run that has finished",
        )  # fmt: skip
    description = read_description(file)
    run = open_session(file, description, runtime=runtime, precision=precision, threads=threads or available_cores())
    return Predictor(description, runtime, precision, file, run)


def cut_probabilities(probabilities: Floats, classes: Classes, threshold: float | None) -> NDArray[np.uint8]:
    """Return the mask of probabilities (K, H, W), by the same rule as the graph of a model file.

    Two exclusive classes: (H, W), 1 where above the threshold; several: the index of the largest, the first of equals;
    overlapping: (H, W, K), each class above the threshold or not.
    """
    if threshold is None:
        index: NDArray[np.uint8] = probabilities.argmax(axis=0).astype(np.uint8)
        return index
    above = (probabilities > np.float32(threshold)).astype(np.uint8)
    return above[0] if classes.exclusive else np.ascontiguousarray(above.transpose(1, 2, 0))
