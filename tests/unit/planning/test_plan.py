"""Plans: each choice follows from the pictures, and says why."""

import numpy as np
import pytest

from maskwright.images.classes import Classes
from maskwright.planning.facts import Facts, thickness
from maskwright.planning.plan import Plan, describe, plan_batch, plan_length, plan_view, view_like
from maskwright.recipe import Phase, build_recipe

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


def _length(recipe: object = DEFAULT, **changes: object) -> tuple[tuple[int, ...], int, int, float, str]:
    facts = _facts()
    values = {
        "batch_size": 16, "pretrained": True, "step_seconds": 0.3, "validation_seconds": 1.0, "minutes": None,
        **changes,
    }  # fmt: skip
    return plan_length(recipe, facts, plan_view(DEFAULT, facts), **values)  # type: ignore[arg-type]


def test_epochs_follow_from_the_steps_that_suffice() -> None:
    epochs, steps, tiles, seconds, why = _length()
    assert (steps, tiles) == (38, 0)
    assert epochs == (12,)
    assert seconds == pytest.approx(12 * (38 * 0.3 + 1))
    assert "450 steps" in why


def test_training_from_scratch_takes_longer() -> None:
    assert _length(pretrained=False)[0] > _length()[0]


def test_minutes_decide_where_they_are_given() -> None:
    epochs, _, _, seconds, why = _length(minutes=2)
    assert seconds <= 120 < seconds + 12.4
    assert epochs == (9,)
    assert "2 minutes" in why


def test_minutes_share_out_anew_what_a_recipe_states() -> None:
    phases = {"training": {"phases": [Phase(epochs=100).model_dump(), Phase(epochs=300).model_dump()]}}
    epochs, _, _, seconds, why = _length(build_recipe(phases), minutes=2)
    assert epochs == (2, 7)
    assert seconds <= 120
    assert "the recipe's 100 + 300, shared out over 2 minutes" in why


def test_stated_epochs_stay_and_the_rest_is_shared_among_open_phases() -> None:
    phases = {"training": {"phases": [Phase(epochs=3).model_dump(), Phase().model_dump()]}}
    assert _length(build_recipe(phases))[0] == (3, 12)


def test_a_plan_is_read_back_as_it_was_written_and_describes_itself() -> None:
    plan = Plan(
        mode="whole", size=(192, 192), scale=1.0, overlap=0, encoder="mobilenetv2_035", weights="keras", batch_size=16,
        epochs=(12,), steps=38, tiles_per_epoch=0, precision="bf16", device="cpu", value_range=255.0, step_seconds=0.3,
        expected_seconds=150.0, reasons={"size": "stated"},
    )  # fmt: skip
    assert Plan.from_json(plan.to_json()) == plan
    assert "192x192 whole picture | mobilenetv2_035" in describe(plan)


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
