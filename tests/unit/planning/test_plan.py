"""Plans: each choice follows from the pictures, and says why."""

import json

import numpy as np
import pytest

from maskwright.images.classes import Classes
from maskwright.planning.costs import Costs
from maskwright.planning.facts import Facts, thickness
from maskwright.planning.plan import (
    Plan,
    describe,
    finer_view,
    plan_batch,
    plan_length,
    plan_steps,
    plan_view,
    view_like,
)
from maskwright.recipe import Recipe, build_recipe

DEFAULT = build_recipe({})


def _facts(**changes: object) -> Facts:
    values = {
        "pictures": 600, "height": 768, "width": 1024, "aspects_agree": True, "thickness": 120.0,
        "thin_class": "lesion", "value_range": 255.0, "bands": 3,
    }  # fmt: skip
    return Facts(**{**values, **changes})  # type: ignore[arg-type]


def test_large_objects_are_seen_whole_at_the_smallest_size_with_the_pictures_aspect() -> None:
    view = plan_view(DEFAULT, _facts())
    assert (view.mode, view.size) == ("whole", (160, 224))
    assert "'lesion', is about 120 px wide at 1024x768" in view.reasons["size"]


def test_finer_objects_need_a_larger_size() -> None:
    assert plan_view(DEFAULT, _facts(thickness=14.0, aspects_agree=False)).size == (256, 256)


def test_objects_that_would_vanish_are_seen_in_tiles() -> None:
    view = plan_view(DEFAULT, _facts(thickness=3.0))
    assert (view.mode, view.size, view.scale, view.overlap) == ("tile", (256, 256), 1.0, 64)
    assert "too fine" in view.reasons["mode"]


def test_small_pictures_are_not_enlarged() -> None:
    assert plan_view(DEFAULT, _facts(height=128, width=128, thickness=20.0)).size == (128, 128)


def test_a_stated_size_is_kept() -> None:
    view = plan_view(build_recipe({"model": {"size": [100, 128]}}), _facts())
    assert (view.size, view.reasons["size"]) == ((100, 128), "stated")


def test_a_set_without_any_object_is_planned_all_the_same() -> None:
    assert plan_view(DEFAULT, _facts(thickness=1e9, thin_class="")).mode == "whole"


@pytest.mark.parametrize(("pictures", "batch_size"), [(1000, 16), (64, 16), (30, 8), (10, 4)])
def test_few_pictures_make_small_batches(pictures: int, batch_size: int) -> None:
    assert plan_batch(DEFAULT, _facts(pictures=pictures))[0] == batch_size


def _length(recipe: object = DEFAULT, **changes: object) -> tuple[tuple[int, ...], str]:
    values = {"steps": 38, "batch_size": 16, "pretrained": True, "epoch_seconds": (12.4,), **changes}
    return plan_length(recipe, **values)  # type: ignore[arg-type]


def _phases(*epochs: int | str) -> Recipe:
    return build_recipe({"training": {"phases": [{"epochs": number} for number in epochs]}})


def test_an_epoch_shows_each_picture_about_once() -> None:
    facts = _facts()
    assert plan_steps(facts, plan_view(DEFAULT, facts), 16) == (38, 0)


def test_an_epoch_of_tiles_covers_the_pictures_once() -> None:
    facts = _facts(thickness=3.0, pictures=10)
    assert plan_steps(facts, plan_view(DEFAULT, facts), 16) == (8, 120)  # 12 tiles of 256 in 768 x 1024


def test_epochs_follow_from_the_steps_that_suffice() -> None:
    epochs, why = _length()
    assert epochs == (12,)
    assert "450 steps" in why


def test_training_from_scratch_takes_longer() -> None:
    assert _length(pretrained=False)[0] > _length()[0]


def test_the_time_that_there_is_decides_where_it_is_given() -> None:
    epochs, why = _length(fit_seconds=120.0)
    assert epochs == (9,)
    assert "what fits into 2.0 min of training at 12.4 s an epoch" in why


def test_time_shares_out_anew_what_a_recipe_states() -> None:
    epochs, why = _length(_phases(100, 300), epoch_seconds=(12.4, 12.4), fit_seconds=120.0)
    assert epochs == (2, 7)
    assert why.startswith("the recipe's 100 + 300: ")


def test_a_frozen_phase_that_costs_less_gets_its_share_of_epochs_not_of_time() -> None:
    assert _length(_phases(10, 10), epoch_seconds=(1.0, 3.0), fit_seconds=20.0)[0] == (5, 5)


def test_stated_epochs_stay_and_the_rest_is_shared_among_open_phases() -> None:
    assert _length(_phases(3, "auto"), epoch_seconds=(12.4, 12.4))[0] == (3, 12)
    assert _length(_phases(3, "auto"), epoch_seconds=(10.0, 5.0), fit_seconds=60.0)[0] == (3, 6)


def test_where_no_epoch_fits_some_phase_has_none() -> None:
    assert _length(fit_seconds=12.0)[0] == (0,)
    assert _length(_phases(3, "auto"), epoch_seconds=(10.0, 5.0), fit_seconds=31.0)[0] == (3, 0)


def test_the_finer_view_is_the_next_size_up_to_the_pictures_own() -> None:
    facts = _facts()
    finer = finer_view(plan_view(DEFAULT, facts), facts)
    assert finer is not None and finer.size == (224, 288)
    assert "160x224" in finer.reasons["size"]


def test_small_pictures_and_tiles_have_no_finer_view() -> None:
    small, fine = _facts(height=190, width=190), _facts(thickness=3.0)
    assert finer_view(plan_view(DEFAULT, small), small) is None
    assert finer_view(plan_view(DEFAULT, fine), fine) is None


def test_a_plan_is_read_back_as_it_was_written_and_describes_itself() -> None:
    plan = Plan(
        mode="whole", size=(192, 192), scale=1.0, overlap=0, encoder="mobilenetv2_035", weights="keras", batch_size=16,
        epochs=(12,), steps=38, tiles_per_epoch=0, precision="bf16", device="cpu", value_range=255.0, step_seconds=0.3,
        expected_seconds=150.0, reasons={"size": "stated"},
    )  # fmt: skip
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert "192x192 whole picture | mobilenetv2_035" in describe(plan)


def test_a_plan_with_a_clock_is_read_back_too_and_tells_time_and_memory() -> None:
    plan = Plan(
        mode="whole", size=(192, 192), scale=1.0, overlap=0, encoder="mobilenetv2_035", weights="keras", batch_size=16,
        epochs=(12,), steps=38, tiles_per_epoch=0, precision="bf16", device="cpu", value_range=255.0, step_seconds=0.3,
        expected_seconds=150.0, reasons={}, decoder_channels=(8, 4), candidate="small",
        costs=Costs(0.1, (0.3,), 0.01, 0.02, 0.03), forecast={"begin": 30.0, "fit": 150.0}, memory=1.63e9,
    )  # fmt: skip
    assert Plan.from_json(json.loads(json.dumps(plan.to_json()))) == plan
    assert describe(plan).endswith("| about 3.0 min | 1.6 GB")


def test_a_plan_of_an_earlier_version_is_read() -> None:
    content = {
        "mode": "whole", "size": [64, 64], "scale": 1.0, "overlap": 0, "encoder": "none", "weights": "none",
        "batch_size": 4, "epochs": [1], "steps": 1, "tiles_per_epoch": 0, "precision": "fp32", "device": "cpu",
        "value_range": 255.0, "step_seconds": 0.1, "expected_seconds": 1.0, "reasons": {}, "schema_version": 1,
    }  # fmt: skip
    assert Plan.from_json(content).costs is None


def test_a_stripe_is_as_thick_as_it_is_wide() -> None:
    mask = np.zeros((100, 100), np.uint8)
    mask[:, 40:52] = 1
    widths = thickness(mask, Classes(("background", "stripe")))
    assert widths["stripe"] == pytest.approx(12, abs=0.5)


def test_a_disc_is_two_thirds_of_its_diameter_thick() -> None:
    y, x = np.mgrid[:200, :200]
    mask = ((y - 100) ** 2 + (x - 100) ** 2 < 60**2).astype(np.uint8)
    assert thickness(mask, Classes(("background", "disc")))["disc"] == pytest.approx(80, rel=0.05)


def test_a_class_that_fills_the_picture_has_no_thickness() -> None:
    assert thickness(np.ones((10, 10), np.uint8), Classes(("background", "thing"))) == {}


def test_a_huge_mask_is_measured_smaller_with_the_same_result() -> None:
    mask = np.zeros((3000, 3000), np.uint8)
    mask[:, 1000:1300] = 1
    assert thickness(mask, Classes(("background", "stripe")))["stripe"] == pytest.approx(300, rel=0.02)


def test_a_later_fold_sees_pictures_as_the_first_one_does() -> None:
    first = Plan(
        mode="tile", size=(256, 192), scale=0.5, overlap=64, encoder="none", weights="none", batch_size=4, epochs=(1,),
        steps=1, tiles_per_epoch=8, precision="fp32", device="cpu", value_range=255.0, step_seconds=0.1,
        expected_seconds=1.0, reasons={},
    )  # fmt: skip
    view = view_like(first)
    assert (view.mode, view.size, view.scale, view.overlap) == ("tile", (256, 192), 0.5, 64)
    assert set(view.reasons.values()) == {"as in the first fold"}
