"""Runtime and precision where the user left them open: never below the file's precision without a measurement."""

import pytest

from maskwright.runtime import choosing
from maskwright.runtime.choosing import MANY, choose

PASSED = {"openvino bf16": {"passed": True, "dice_network": 0.9, "dice_file": 0.9}}
FAILED = {"openvino bf16": {"passed": False}}


@pytest.fixture
def machine(monkeypatch):
    def set_up(*, openvino=True, bf16=True):
        monkeypatch.setattr(choosing, "find_spec", lambda _: object() if openvino else None)
        monkeypatch.setattr(choosing, "_has_bf16", lambda: bf16)

    return set_up


def test_few_pictures_go_through_what_starts_sooner(machine, describe):
    machine()
    assert choose(describe(reduced=PASSED), MANY - 1).runtime == "onnxruntime"
    assert choose(describe(), MANY).runtime == "openvino"


def test_without_openvino_there_is_onnx_runtime(machine, describe):
    machine(openvino=False)
    choice = choose(describe(reduced=PASSED), 10 * MANY)
    assert (choice.runtime, choice.precision) == ("onnxruntime", "fp32")
    assert "not installed" in choice.why


@pytest.mark.parametrize(
    ("reduced", "bf16", "precision", "said"),
    [
        (PASSED, True, "bf16", "stay the same"),
        (PASSED, False, "fp32", "does not calculate in bf16"),
        (FAILED, True, "fp32", "changes the masks too much"),
        ({}, True, "fp32", "has not been measured"),
        ({"openvino bf16": "yes"}, True, "fp32", "too much"),
        ({"openvino bf16": {"passed": 1}}, True, "fp32", "too much"),
    ],
)
def test_bf16_only_where_it_was_measured_to_hold(machine, describe, reduced, bf16, precision, said):
    machine(bf16=bf16)
    choice = choose(describe(reduced=reduced), MANY)
    assert (choice.runtime, choice.precision) == ("openvino", precision)
    assert said in choice.why


def test_what_is_stated_stays(machine, describe):
    machine()
    choice = choose(describe(reduced=PASSED), 10 * MANY, "onnxruntime", "fp32")
    assert (choice.runtime, choice.precision, choice.why, choice.others) == ("onnxruntime", "fp32", "stated", ())
    assert choose(describe(), 1, None, "bf16").runtime == "openvino"
    assert choose(describe(), 1, "openvino", "bf16").precision == "bf16"


def test_an_int8_file_runs_in_int8(machine, describe):
    machine()
    assert choose(describe(precision="int8", reduced=PASSED), MANY).precision == "int8"


def test_masks_of_fewer_or_more_pictures_are_as_right(machine, describe):
    machine()
    few, many = choose(describe(reduced=PASSED), 1), choose(describe(reduced=PASSED), MANY)
    assert (many.runtime, many.precision) in few.others
    assert (few.runtime, few.precision) in many.others
    assert choose(describe(reduced=PASSED), 1, "onnxruntime").others == ()
