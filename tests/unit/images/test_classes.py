from maskwright.images.classes import PALETTE, Classes


def test_the_first_classes_have_the_palettes_colours():
    assert Classes(tuple("abcdefghijkl")).colours == PALETTE


def test_many_classes_have_as_many_colours_and_only_the_first_is_black():
    colours = Classes(tuple(f"class {number}" for number in range(100))).colours

    assert len(set(colours)) == 100
    assert min(sum(colour) for colour in colours[1:]) > 150


def test_stated_colours_stay():
    assert Classes(("a", "b"), ((1, 2, 3), (4, 5, 6))).colours == ((1, 2, 3), (4, 5, 6))
