"""Predicting with a model file: a picture in, a mask and probabilities out, without torch.

Knows the two ways to look: the whole picture at once (the graph does all), or tile by tile, blended.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from threading import Lock
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

from maskwright.errors import DataError, ShapeError
from maskwright.images.depth import to_depth
from maskwright.images.formats import Source, open_picture, path_of
from maskwright.images.modes import with_bands
from maskwright.images.opening import Encoded
from maskwright.images.rasters import Raster
from maskwright.images.resize import resize_float
from maskwright.images.sizes import scaled_decoding_size
from maskwright.runtime.cores import available_cores
from maskwright.runtime.cut import cut_probabilities as cut_probabilities
from maskwright.runtime.cut import cut_resized
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.metadata import read_description
from maskwright.runtime.network import Network, open_network
from maskwright.runtime.sessions import Run, check_precision, open_session
from maskwright.runtime.streaming import Block, Windows, stream_tiles, stream_whole
from maskwright.runtime.tiling import tiled_probabilities
from maskwright.runtime.whole import activate, network_input

P = ParamSpec("P")
R = TypeVar("R")
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

    description: what the file says of itself. runtime, precision: how it runs ("onnxruntime", "fp32"). _run: the whole
    graph. _network: what is between its cut points alone; None: masks too come from the whole graph.
    """

    description: ModelDescription
    runtime: str
    precision: str
    path: Path
    _run: Run
    _network: Network | None = None

    def predict(self, picture: Pixels | Source) -> Prediction:
        """Predict for an array (H, W, bands) or a file.

        A file may be grey or RGB, of 8 or 16 bits: it is converted. An array must have the model's bands and type; a
        grey one may leave its last axis out. Raises DataError for a file that cannot be read, ShapeError for other
        arrays.
        """
        image, size = (
            self.read(picture) if isinstance(picture, str | PathLike | Encoded) else (self._checked(picture), None)
        )
        if self.description.mode == "tile":
            return self._prediction(self._probabilities(image), size)
        if size in (None, image.shape[:2]):
            probabilities, mask = self._whole(image, ("probabilities", "mask"))
            return Prediction(mask if mask.ndim == 2 else np.ascontiguousarray(mask.transpose(1, 2, 0)), probabilities)
        small = self._small(image) if self._network is not None else self._probabilities(image)
        return self._prediction(small, size)

    def mask(self, path: Source) -> NDArray[np.uint8]:
        """Return the mask of a file alone, as `predict` does, but for the last bits: in less time and memory."""
        if self.description.mode == "tile" or self._network is None:
            return self.predict(path).mask
        image, size = self.read(path)
        return cut_resized(self._small(image), size, self.description.classes, self.description.threshold)

    def probabilities(self, image: Pixels) -> Floats:
        """Return (K, H, W) float32 for an array (H, W, bands). Raises ShapeError."""
        return self._probabilities(self._checked(image))

    def native_probabilities(self, image: Pixels) -> Floats:
        """Return (K, h, w) float32 for an array (H, W, bands) as the network gives them. Raises ShapeError.

        Mode 'whole': of the network's own size, so that whoever needs another one resizes once. Mode 'tile': (K, H, W).
        """
        if self._network is None:
            return self.probabilities(image)
        return self._small(self._checked(image))

    def look(self, pixels: Floats) -> Floats:
        """Return (N, K, h, w) for pictures (N, C, h, w) as `network_input` makes them. Mode 'whole' alone."""
        if self._network is None:
            raise ValueError("this predictor was built without its network")
        return activate(self._network(pixels), self.description)

    def stream(self, source: Windows) -> Iterator[Block]:
        """Yield the probabilities of a picture that need not fit into memory, block by block, each pixel once.

        Raises DataError.
        """
        if self.description.mode == "tile":
            return stream_tiles(source, self.description, self._tiles)
        return stream_whole(source, self.description, lambda pixels: self.look(pixels)[0])

    def windows(self, raster: Raster) -> Windows:
        """Return how to read an open raster as training read its pictures. Raises DataError for other bands."""
        wanted = self.description
        bands = wanted.bands if wanted.bands in (1, 3) else None
        if raster.bands != wanted.bands and not (bands and raster.bands in (1, 3)):
            raise self._other_bands(raster.bands, raster.path)

        def read(rows: slice, columns: slice) -> Pixels:
            return to_depth(with_bands(raster.read(rows, columns), bands, raster.path), wanted.dtype)

        return Windows(raster.size, read)

    def read(self, source: Source) -> tuple[Pixels, tuple[int, int]]:
        """Read a picture as training read it; return it and the (height, width) that the file really has.

        It is converted to the model's bands and depth and, for mode 'whole', a large JPEG is decoded at reduced scale.
        Raises DataError.
        """
        path, wanted = path_of(source), self.description
        at_least = scaled_decoding_size(wanted.size) if wanted.mode == "whole" else None
        with open_picture(source) as picture:
            info, image = picture.info, picture.pixels(at_least)
        image = with_bands(image, wanted.bands if wanted.bands in (1, 3) else None, path)
        if image.shape[2] != wanted.bands:
            raise self._other_bands(image.shape[2], path)
        return to_depth(image, wanted.dtype), (info.height, info.width)

    def _other_bands(self, bands: int, path: Path) -> DataError:
        return DataError(
            f"The picture has {bands} bands; the model was trained on {self.description.bands}.",
            where=str(path), fix="give pictures of the kind it was trained on",
        )  # fmt: skip

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

    def _small(self, image: Pixels) -> Floats:
        """Return (K, h, w): probabilities at the network's own size."""
        probabilities: Floats = self.look(network_input(image, self.description))[0]
        return probabilities

    def _prediction(self, probabilities: Floats, size: tuple[int, int] | None) -> Prediction:
        """Cut probabilities, once they have the picture's size."""
        if size is not None:
            probabilities = np.clip(resize_float(probabilities, size), 0, 1)
        classes, threshold = self.description.classes, self.description.threshold
        return Prediction(cut_probabilities(probabilities, classes, threshold), probabilities)

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
    path: str | Path,
    *,
    runtime: str = "onnxruntime",
    precision: str | None = None,
    threads: int | None = None,
    masks_only: bool = False,
    callers: int = 1,
) -> Predictor:
    """Open a model file, or the `model.onnx` of a run's folder.

    runtime: 'onnxruntime' or 'openvino' (an extra). precision: of the network; None for the file's own, 'fp32' or
    'int8'; OpenVINO runs an 'fp32' file also in 'bf16'.
    threads: cores to use; None for all that the process may use. masks_only: open at once only what `mask` needs, the
    rest when it is asked for. callers: threads that will ask for masks at a time; they share the cores.
    Raises DataError for a file that is missing, damaged or not maskwright's; ConfigError; MissingDependency.
    """
    file = _model_file(path)
    description, cores = read_description(file), threads or available_cores()
    precision = precision or description.precision
    check_precision(description, runtime, precision)

    def open_graph() -> Run:
        each = cores if runtime == "openvino" else max(1, cores // callers)  # OpenVINO's answers one call at a time
        return open_session(file, description, runtime=runtime, precision=precision, threads=each)

    def open_its_network() -> Network:
        return open_network(file, description, runtime=runtime, precision=precision, threads=cores, callers=callers)

    if description.mode == "tile":
        return Predictor(description, runtime, precision, file, open_graph())
    if masks_only:
        return Predictor(description, runtime, precision, file, _later(open_graph), open_its_network())
    return Predictor(description, runtime, precision, file, open_graph(), _later(open_its_network))


def describe(path: str | Path) -> ModelDescription:
    """Return what a model file, or the `model.onnx` of a run's folder, says of itself. Raises DataError."""
    return read_description(_model_file(path))


def _model_file(path: str | Path) -> Path:
    file = Path(path) / "model.onnx" if Path(path).is_dir() else Path(path)
    if not file.is_file():
        raise DataError(
            "There is no model file.", where=str(file),
            fix="give the path of a model.onnx, or of a run that has finished",
        )  # fmt: skip
    return file


def _later(open_it: Callable[[], Callable[P, R]]) -> Callable[P, R]:
    """Return what `open_it` opens, which it does at the first call."""
    opened: list[Callable[P, R]] = []
    alone = Lock()

    def call(*given: P.args, **named: P.kwargs) -> R:
        with alone:
            if not opened:
                opened.append(open_it())
        return opened[0](*given, **named)

    return call
