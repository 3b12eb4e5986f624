"""How a loss is written, and what is said of one that is written wrongly."""

from pathlib import Path

import pytest

from maskwright.errors import ConfigError
from maskwright.losses import LOSSES, Term, build_loss, parse_loss
from support.loss_cases import BINARY, OVERLAPPING, SEVERAL


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("dice", [Term(1, "dice")]),
        ("dice+bce", [Term(1, "dice"), Term(1, "bce")]),
        ("0.7*dice+0.3*jaccard", [Term(0.7, "dice"), Term(0.3, "jaccard")]),
        (" 0.7 * dice\n + .3 * iou ", [Term(0.7, "dice"), Term(0.3, "iou")]),
        ("dice(smooth=1e-15)", [Term(1, "dice", {"smooth": 1e-15})]),
        ("dice(smooth=1e+1)+bce", [Term(1, "dice", {"smooth": 10}), Term(1, "bce")]),
        ("1e-1*focal( gamma = 2 , alpha = 0.25 )", [Term(0.1, "focal", {"gamma": 2, "alpha": 0.25})]),
        ("2e+1*lovasz()", [Term(20, "lovasz")]),
        ("0*dice+bce", [Term(0, "dice"), Term(1, "bce")]),
    ],
)
def test_weights_names_and_options_are_read(text: str, terms: list[Term]) -> None:
    assert parse_loss(text) == terms


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ("dise", "Unknown loss 'dise'", "did you mean 'dice'?"),
        ("Dice", "Unknown loss 'Dice'", "did you mean 'dice'?"),
        ("log-dice", "Unknown loss 'log-dice'", "did you mean 'log_dice'?"),
        ("bce+cross-entropy", "Unknown loss 'cross-entropy'", "did you mean 'cross_entropy'?"),
        ("wing", "Unknown loss 'wing'", "known: dice, log_dice, jaccard, iou"),
        ("focal(gama=2)", "'focal' has no option 'gama'", "did you mean 'gamma'?"),
        ("focal(weight=2)", "'focal' has no option 'weight'", "known: gamma, alpha"),
        ("bce(smoothing=0.1)", "'bce' has no option 'smoothing'", "it has none: leave the brackets out"),
        ("focal(gamma=-1)", "'gamma' of 'focal' cannot be -1", "give 0 or more"),
        ("focal(alpha=1)", "'alpha' of 'focal' cannot be 1", "give at least 0 and less than 1"),
        ("dice(smooth=-1e-15)", "'smooth' of 'dice' cannot be -1e-15", "give 0 or more"),
        ("tversky(beta=-0.1)", "'beta' of 'tversky' cannot be -0.1", "give 0 or more"),
        ("soft_bce(smoothing=0.5)", "'smoothing' of 'soft_bce' cannot be 0.5", "less than 0.5"),
        ("cross_entropy(smoothing=1)", "cannot be 1", "less than 1"),
        ("dice(smooth=1,smooth=2)", "'smooth' is stated twice", "leave one of them out"),
        ("dice(1)", "Cannot read '1' among the options of 'dice'", "write NAME=NUMBER"),
        ("dice(smooth=many)", "Cannot read 'smooth=many'", "write NAME=NUMBER"),
        ("dice(smooth=nan)", "Cannot read 'smooth=nan'", "write NAME=NUMBER"),
        ("dice(smooth=1e999)", "1e999 is too large", "give a smaller one"),
        ("1e99*dice", "1e99 is too large", "give a smaller one"),
        ("0*dice", "Every weight of the loss is zero", "give a weight above 0"),
        ("", "Cannot read the loss ''", "for example 0.7*dice"),
        ("dice+", "Cannot read the loss 'dice+'", "for example 0.7*dice"),
        ("dice*0.7", "Cannot read the loss 'dice*0.7'", "for example 0.7*dice"),
        ("dice(smooth=1", "Cannot read the loss", "for example 0.7*dice"),
        ("dice bce", "Cannot read the loss", "for example 0.7*dice"),
        ("-0.3*dice", "added, never subtracted", "weights of 0 or more"),
        ("dice-0.3*iou", "added, never subtracted", "weights of 0 or more"),
        ("dice-iou", "added, never subtracted", "weights of 0 or more"),
        ("dice + -1*iou", "added, never subtracted", "weights of 0 or more"),
    ],
)
def test_a_loss_that_cannot_be_is_refused_in_words(text: str, what: str, fix: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_loss(text)
    assert what in error.value.what
    assert fix in error.value.fix
    assert error.value.where.startswith("loss")


@pytest.mark.parametrize(
    ("text", "classes", "what", "fix"),
    [
        ("bce", SEVERAL, "bce is for one foreground class or overlapping ones", "use cross_entropy"),
        ("soft_bce", SEVERAL, "soft_bce is for one foreground class", "use cross_entropy(smoothing=0.1)"),
        ("cross_entropy", BINARY, "several classes that exclude each other", "use bce"),
        ("cross_entropy(smoothing=0.1)", OVERLAPPING, "several classes that exclude", "use soft_bce"),
        ("focal(alpha=0.25)", SEVERAL, "here several classes exclude each other", "leave alpha out"),
        ("focal(gamma=0.5)", BINARY, "slope infinite", "give 0, or 1 and more"),
        ("tversky(alpha=0,beta=0)", BINARY, "punishes nothing", "give one above 0"),
        ("dice(smooth=1e-40)", BINARY, "too small", "give 0, or 1e-15 or more"),
    ],
)
def test_a_loss_that_makes_no_sense_for_the_classes_is_refused(text: str, classes: object, what: str, fix: str) -> None:
    with pytest.raises(ConfigError) as error:
        build_loss(text, classes)  # type: ignore[arg-type]
    assert what in error.value.what
    assert fix in error.value.fix


def test_every_loss_and_option_says_what_it_is() -> None:
    assert all(kind.about and option.about for kind in LOSSES.values() for option in kind.options.values())
    assert all(kind.about for kind in LOSSES.values())


def test_the_page_on_losses_names_each_loss_and_option_with_its_default() -> None:
    page = (Path(__file__).parents[3] / "docs" / "training.md").read_text(encoding="utf-8")
    for name, kind in LOSSES.items():
        row = next(line for line in page.splitlines() if line.startswith("| `") and f"`{name}`" in line.split("|")[1])
        for key, option in kind.options.items():
            default = "none" if option.default is None else f"{option.default:g}"
            assert f"`{key}` ({default})" in row, f"{name}: {key}"


def test_iou_is_jaccard_by_another_name() -> None:
    assert LOSSES["iou"] is LOSSES["jaccard"]
