"""Several model files as one: equal to the mean of their logits, in each runtime; what does not fit is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper

from maskwright.errors import DataError, ExportError
from maskwright.export.ensemble import join_models, why_apart
from maskwright.export.ensemble_parity import build_mean, check_joined, require_joined
from maskwright.export.graph import export_model
from maskwright.export.reference import reference_probabilities
from maskwright.images.classes import Classes
from maskwright.runtime.description import ModelDescription
from maskwright.runtime.predictor import cut_probabilities, load_model

SEVERAL = Classes(("soil", "crop", "weed", "stone"))
OVERLAPPING = Classes(("nucleus", "membrane"), exclusive=False)
KINDS = [
    {},
    {"classes": SEVERAL, "threshold": None},
    {"classes": OVERLAPPING, "bands": 5},
    {"bands": 1, "dtype": "uint16"},
    {"size": (32, 32), "mode": "tile", "overlap": 8},
    {"size": (32, 32), "mode": "tile", "overlap": 8, "scale": 0.5, "classes": SEVERAL, "threshold": None},
]

Make = Callable[..., tuple[list[Path], list[Any], ModelDescription]]


class Mean(torch.nn.Module):
    """The mean of some networks' logits, in torch."""

    def __init__(self, networks: list[Any]) -> None:
        super().__init__()
        self.networks = torch.nn.ModuleList(networks)

    def forward(self, pixels: Any) -> Any:
        """(N, C, h, w) -> (N, K, h, w)."""
        return torch.stack([network(pixels) for network in self.networks]).mean(dim=0)


class Divided(torch.nn.Module):
    """A network whose logits are divided."""

    def __init__(self, network: Any, by: float) -> None:
        super().__init__()
        self.network, self.by = network, by

    def forward(self, pixels: Any) -> Any:
        """(N, C, h, w) -> (N, K, h, w)."""
        return self.network(pixels) / self.by


@pytest.fixture
def make(tmp_path: Path, describe: Any, small_network: Any) -> Make:
    """Write three model files, each of another network, as the folds of a run lie."""

    def build(temperatures: tuple[float, ...] = (1.0, 1.0, 1.0), **changes: Any) -> Any:
        paths, networks, description = [], [], describe(**changes)
        for number, (cut, temperature) in enumerate(zip((0.3, 0.5, 0.4), temperatures, strict=True), start=1):
            network = small_network(description)
            torch.manual_seed(number)
            for weight in network.parameters():
                torch.nn.init.normal_(weight, std=0.4)
            own = replace(description, network="toy", temperature=temperature)
            own = replace(own, threshold=cut if description.thresholded else None)
            paths.append(tmp_path / f"fold-{number}" / "model.onnx")
            export_model(network, own, paths[-1])
            networks.append(network)
        return paths, networks, description

    return build


@pytest.mark.parametrize("changes", KINDS)
def test_the_joined_file_gives_the_mean_of_the_networks(make: Make, draw: Any, tmp_path: Path, changes: Any) -> None:
    paths, networks, description = make(**changes)
    joined = join_models(paths, tmp_path / "ensemble.onnx")
    predictor = load_model(tmp_path / "ensemble.onnx")
    for size in [(32, 48), (71, 40), (90, 133)]:
        image = draw(description, *size)
        found = predictor.predict(image)
        expected = reference_probabilities(Mean(networks), joined, image)
        np.testing.assert_allclose(found.probabilities, expected, atol=1e-5)
        mask = cut_probabilities(expected, joined.classes, joined.threshold)
        assert np.count_nonzero(mask != found.mask) <= 1


@pytest.mark.parametrize("changes", KINDS)
def test_the_proof_runs_each_file_by_itself_and_agrees(make: Make, draw: Any, tmp_path: Path, changes: Any) -> None:
    paths, _, description = make(**changes)
    join_models(paths, tmp_path / "ensemble.onnx")
    pictures = [(f"{seed}", draw(description, 60 + seed, 77, seed)) for seed in range(4)]
    report = check_joined(paths, tmp_path / "ensemble.onnx", pictures)
    assert report.passed
    assert report.pictures == 4
    assert report.max_difference < 1e-6
    require_joined(report)


def test_the_mean_is_one_of_logits_and_not_of_probabilities(make: Make, draw: Any) -> None:
    paths, _, description = make()
    image = draw(description, *description.size)  # the network's own size: nothing is resized
    each = [load_model(path).predict(image).probabilities.astype(np.float64) for path in paths]
    logits = np.mean([np.log(one / (1 - one)) for one in each], axis=0)
    np.testing.assert_allclose(build_mean(paths)(image), 1 / (1 + np.exp(-logits)), atol=1e-5)
    assert np.abs(np.mean(each, axis=0) - 1 / (1 + np.exp(-logits))).max() > 1e-3


@pytest.mark.parametrize("changes", [{}, {"classes": SEVERAL, "threshold": None}])
def test_each_model_s_logits_are_divided_by_its_own_temperature(
    make: Make, draw: Any, tmp_path: Path, changes: Any
) -> None:
    paths, networks, description = make((0.5, 1.0, 3.0), **changes)
    joined = join_models(paths, tmp_path / "ensemble.onnx")
    assert joined.temperature == 1
    image = draw(description, 50, 70)
    divided = Mean([Divided(one, by) for one, by in zip(networks, (0.5, 1.0, 3.0), strict=True)])
    expected = reference_probabilities(divided, joined, image)
    np.testing.assert_allclose(load_model(tmp_path / "ensemble.onnx").predict(image).probabilities, expected, atol=1e-5)
    np.testing.assert_allclose(build_mean(paths)(image), expected, atol=1e-5)


def test_the_cut_points_stay_and_the_mean_lies_between_them(make: Make, tmp_path: Path) -> None:
    paths, _, _ = make()
    join_models(paths, tmp_path / "ensemble.onnx")
    graph = onnx.load(tmp_path / "ensemble.onnx").graph
    names = [name for node in graph.node for name in node.output]
    assert names.index("network_input") < names.index("logits") < names.index("probabilities")
    assert sum(node.op_type == "Conv" for node in graph.node) == 3 * 2
    assert sum(node.op_type == "Sigmoid" for node in graph.node) == 1
    after = {name for node in graph.node if node.name.startswith("after/") for name in node.input}
    assert not [name for name in after if name.startswith("network/")]


@pytest.mark.parametrize(("precision", "apart"), [("fp32", 1e-4), ("bf16", 0.05)])
def test_openvino_runs_it_in_both_precisions(
    make: Make, draw: Any, tmp_path: Path, precision: str, apart: float
) -> None:
    pytest.importorskip("openvino")
    paths, _, description = make()
    join_models(paths, tmp_path / "ensemble.onnx")
    predictor = load_model(tmp_path / "ensemble.onnx", runtime="openvino", precision=precision)
    image = draw(description, 61, 77)
    np.testing.assert_allclose(predictor.predict(image).probabilities, build_mean(paths)(image), atol=apart)


def test_the_description_is_that_of_an_ensemble(make: Make, tmp_path: Path) -> None:
    paths, _, _ = make()
    joined = join_models(paths, tmp_path / "ensemble.onnx")
    assert joined == load_model(tmp_path / "ensemble.onnx").description
    assert (joined.network, joined.threshold) == ("3 x toy", 0.4)
    assert joined.trained["models"] == 3


def test_what_the_trainings_noted_is_kept_and_their_seconds_added_up(
    tmp_path: Path, describe: Any, small_network: Any
) -> None:
    paths = []
    for number in (1, 2):
        noted = {"recipe": "default", "epochs": 8 * number, "seconds": 1.5 * number}
        paths.append(tmp_path / f"fold-{number}" / "model.onnx")
        export_model(small_network(describe()), replace(describe(), trained=noted), paths[-1])
    joined = join_models(paths, tmp_path / "ensemble.onnx")
    assert joined.trained == {"models": 2, "recipe": "default", "epochs": [8, 16], "seconds": 4.5}


@pytest.mark.parametrize("seconds", [["much", None], [1.5, "x"]])
def test_notes_of_a_hostile_file_are_taken_as_they_are(
    tmp_path: Path, describe: Any, small_network: Any, seconds: list[Any]
) -> None:
    paths = []
    for number, value in enumerate(seconds):
        paths.append(tmp_path / f"fold-{number}" / "model.onnx")
        export_model(small_network(describe()), replace(describe(), trained={"seconds": value}), paths[-1])
    assert join_models(paths, tmp_path / "ensemble.onnx").trained == {"models": 2, "seconds": seconds}


def test_joining_twice_gives_the_same_bytes(make: Make, tmp_path: Path) -> None:
    paths, _, _ = make()
    for name in ("one.onnx", "other.onnx"):
        join_models(paths, tmp_path / name)
    assert (tmp_path / "one.onnx").read_bytes() == (tmp_path / "other.onnx").read_bytes()


def test_models_of_another_size_are_refused(make: Make, tmp_path: Path, describe: Any, small_network: Any) -> None:
    paths, _, _ = make()
    export_model(small_network(describe()), replace(describe(size=(64, 64)), network="toy"), paths[1])
    assert why_apart(paths) == "size is 32x48 in fold-1/model.onnx and 64x64 in fold-2/model.onnx"
    with pytest.raises(ExportError, match="The 3 model files cannot be one: size is 32x48 in fold-1"):
        join_models(paths, tmp_path / "ensemble.onnx")
    assert not (tmp_path / "ensemble.onnx").exists()


def test_more_than_an_onnx_file_holds_is_refused(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("maskwright.export.ensemble.LARGEST", 1000)
    paths, _, _ = make()
    assert "a single ONNX file holds 2 GB" in why_apart(paths)


def test_a_joined_file_that_is_not_the_mean_fails_the_proof(make: Make, draw: Any, tmp_path: Path) -> None:
    paths, _, description = make()
    join_models(paths[:2], tmp_path / "ensemble.onnx")
    report = check_joined(paths, tmp_path / "ensemble.onnx", [("a", draw(description, 40, 40))])
    assert not report.passed
    with pytest.raises(ExportError, match="does not give the mean of its models"):
        require_joined(report)


def test_the_proof_needs_pictures(make: Make, tmp_path: Path) -> None:
    paths, _, _ = make()
    join_models(paths, tmp_path / "ensemble.onnx")
    with pytest.raises(DataError, match="needs at least one picture"):
        check_joined(paths, tmp_path / "ensemble.onnx", [])


def spoil(path: Path, change: Callable[[onnx.ModelProto], object]) -> None:
    model = onnx.load(path)
    change(model)
    path.write_bytes(model.SerializeToString())


def rename_logits(model: onnx.ModelProto) -> None:
    for node in model.graph.node:
        for names in (node.input, node.output):
            for at, name in enumerate(names):
                names[at] = "answers" if name == "logits" else name


def read_the_picture(model: onnx.ModelProto) -> None:
    first = next(node for node in model.graph.node if "network_input" in node.input)
    first.input[list(first.input).index("network_input")] = "image"


def read_nothing(model: onnx.ModelProto) -> None:
    last = next(node for node in model.graph.node if "logits" in node.output)
    last.output[list(last.output).index("logits")] = "unused"
    constant = helper.make_tensor("zero", TensorProto.FLOAT, (1, 1, 32, 48), [0.0] * (32 * 48))
    model.graph.node.insert(0, helper.make_node("Identity", ["zero"], ["logits"], name="network/none"))
    model.graph.initializer.append(constant)


def weights_elsewhere(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../secret")


def another_opset(model: onnx.ModelProto) -> None:
    model.opset_import[0].version = 17


def unknown_operation(model: onnx.ModelProto) -> None:
    next(node for node in model.graph.node if node.op_type == "Conv").op_type = "Convolve"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (rename_logits, "no tensors 'network_input' and 'logits'"),
        (read_the_picture, "its network reads 'image'"),
        (read_nothing, "do not come from 'network_input'"),
        (weights_elsewhere, "its weights lie in other files"),
        (another_opset, "operations of version 18 alone"),
        (unknown_operation, "do not fit together"),
    ],
)
def test_a_hostile_file_is_refused_and_nothing_is_written(
    make: Make, tmp_path: Path, change: Callable[[onnx.ModelProto], object], words: str
) -> None:
    paths, _, _ = make()
    spoil(paths[1], change)
    with pytest.raises(DataError, match=words) as error:
        join_models(paths, tmp_path / "ensemble.onnx")
    assert "fold-2" in str(error.value)
    assert not (tmp_path / "ensemble.onnx").exists()


@pytest.mark.parametrize("content", [b"", b"no model at all"])
def test_a_damaged_file_is_named(make: Make, tmp_path: Path, content: bytes) -> None:
    paths, _, _ = make()
    paths[2].write_bytes(content)
    with pytest.raises(DataError) as error:
        join_models(paths, tmp_path / "ensemble.onnx")
    assert "fold-3" in str(error.value)


def test_a_file_cut_short_behind_its_description_is_named(make: Make, tmp_path: Path) -> None:
    paths, _, _ = make()
    props = onnx.ModelProto()
    props.metadata_props.extend(onnx.load(paths[2]).metadata_props)
    graph = b"\x3a\x04\xff\xff\xff\xff"  # field 7, the graph: four bytes that are no message
    paths[2].write_bytes(props.SerializeToString() + graph)
    with pytest.raises(DataError, match="no ONNX file, or damaged") as error:
        join_models(paths, tmp_path / "ensemble.onnx")
    assert "fold-3" in str(error.value)


def test_a_network_with_a_branch_keeps_what_the_branch_reads_from_outside(
    make: Make, draw: Any, tmp_path: Path
) -> None:
    """An `If` inside a network: its graphs read tensors of the graph around them."""
    paths, _, description = make()
    spoil(paths[0], branch_at_the_end)
    join_models(paths, tmp_path / "ensemble.onnx")
    report = check_joined(paths, tmp_path / "ensemble.onnx", [("a", draw(description, 40, 40))])
    assert report.passed


def branch_at_the_end(model: onnx.ModelProto) -> None:
    graph = model.graph
    at = next(at for at, node in enumerate(graph.node) if "logits" in node.output)
    graph.node[at].output[list(graph.node[at].output).index("logits")] = "network/before"
    result = helper.make_tensor_value_info("network/result", TensorProto.FLOAT, None)
    plain = helper.make_graph([helper.make_node("Identity", ["network/before"], ["network/result"])], "y", [], [result])
    other = helper.make_graph([helper.make_node("Neg", ["network/before"], ["network/result"])], "n", [], [result])
    graph.initializer.append(helper.make_tensor("network/yes", TensorProto.BOOL, (), [True]))
    node = helper.make_node("If", ["network/yes"], ["logits"], name="network/if", then_branch=plain, else_branch=other)
    graph.node.insert(at + 1, node)
