import numpy as np
import pytest

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from support.outlines import SIZE, drawing, pictures, write_text

META = """  <version>1.1</version>
  <meta>
    <job>
      <id>42</id>
      <size>2</size>
      <mode>annotation</mode>
      <created>2024-03-05 10:00:00.000000+00:00</created>
      <labels>
        <label><name>leaf</name><color>#33ddff</color><type>any</type><attributes></attributes></label>
        <label><name>spot</name><color>#fa3253</color><type>any</type><attributes></attributes></label>
      </labels>
    </job>
    <dumped>2024-03-05 10:10:00.000000+00:00</dumped>
  </meta>"""


def image(name, *shapes, number=0, size=SIZE, more=""):
    return "\n".join((f'  <image id="{number}" name="{name}" {more}width="{size[1]}" height="{size[0]}">', *shapes,
                      "  </image>"))  # fmt: skip


def polygon(label, points, z=0):
    return f'    <polygon label="{label}" source="manual" occluded="0" points="{points}" z_order="{z}">\n    </polygon>'


BOX = "2.00,1.00;7.00,1.00;7.00,5.00;2.00,5.00"
SMALL = "3.00,2.00;5.00,2.00;5.00,4.00;3.00,4.00"


def cvat(folder, *images, meta=META):
    write_text(folder / "annotations.xml", '<?xml version="1.0" encoding="utf-8"?>', "<annotations>", meta, *images,
               "</annotations>")  # fmt: skip
    return folder


def test_polygons_become_masks_with_the_tasks_classes_and_colours(tmp_path):
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    dataset = read_dataset(cvat(tmp_path, image("a.jpg", polygon("spot", BOX)), image("b.jpg", number=1)))
    assert dataset.classes.names == ("background", "leaf", "spot")
    assert dataset.classes.colours == ((0, 0, 0), (0x33, 0xDD, 0xFF), (0xFA, 0x32, 0x53))
    assert np.array_equal(dataset.read_mask(0), drawing(
        "............", "..22222.....", "..22222.....", "..22222.....", "..22222.....", "............",
        "............", "............"))  # fmt: skip
    assert not dataset.read_mask(1).any()
    assert dataset.notes[0] == "annotations: CVAT, annotations.xml: 2 pictures, 2 classes, 1 outline"


def test_a_picture_without_a_record_is_unlabelled(tmp_path):
    pictures(tmp_path / "images", "a.jpg", "b.jpg")
    assert read_dataset(cvat(tmp_path, image("a.jpg", polygon("leaf", BOX)))).leftovers.images == ("images/b.jpg",)


def test_a_higher_z_order_lies_in_front_though_it_is_larger(tmp_path):
    pictures(tmp_path, "a.jpg")
    cvat(tmp_path, image("a.jpg", polygon("leaf", BOX, z=1), polygon("spot", SMALL, z=0)))
    assert (read_dataset(tmp_path).read_mask(0) == 2).sum() == 0
    cvat(tmp_path, image("a.jpg", polygon("leaf", BOX, z=0), polygon("spot", SMALL, z=0)))
    assert (read_dataset(tmp_path).read_mask(0) == 2).sum() == 4


def test_boxes_masks_and_ellipses_are_areas(tmp_path):
    pictures(tmp_path, "a.jpg")
    cvat(tmp_path, image(
        "a.jpg", '<box label="leaf" source="manual" xtl="0.00" ytl="0.00" xbr="3.00" ybr="2.00" z_order="0"></box>',
        '<mask label="spot" source="semi-auto" occluded="0" rle="1, 2, 1, 3, 2" left="4" top="1" width="3" height="3" '
        'z_order="0"></mask>',
        '<ellipse label="leaf" source="manual" cx="9.50" cy="5.50" rx="2.00" ry="2.00" z_order="0"></ellipse>',
    ))  # fmt: skip
    mask = read_dataset(tmp_path).read_mask(0)
    assert np.array_equal(mask[:, :4], drawing("111.", "111.", *["...."] * 6))
    assert np.array_equal(mask[1:4, 4:7], drawing(".22", ".22", "2.."))
    assert np.array_equal(mask[3:8, 7:12], drawing("..1..", ".111.", "11111", ".111.", "..1.."))


def test_a_turned_box_turns_around_its_middle(tmp_path):
    pictures(tmp_path, "a.jpg")
    cvat(tmp_path, image("a.jpg", '<box label="leaf" xtl="3" ytl="3" xbr="9" ybr="5" rotation="90.00"></box>'))
    mask = read_dataset(tmp_path).read_mask(0)
    assert np.array_equal(np.argwhere(mask).min(axis=0), (1, 5)) and np.array_equal(
        np.argwhere(mask).max(axis=0), (6, 6)
    )


def test_lines_points_and_tags_cover_nothing(tmp_path):
    pictures(tmp_path, "a.jpg")
    cvat(tmp_path, image("a.jpg", polygon("leaf", BOX), '<polyline label="leaf" points="1,1;2,2"></polyline>',
                         '<points label="leaf" points="1,1"></points>', '<tag label="good"></tag>'))  # fmt: skip
    assert "left out: lines and points, which cover no area (2)" in read_dataset(tmp_path).notes


def test_subsets_of_a_project_are_its_parts(tmp_path):
    pictures(tmp_path / "images" / "Train", "a.jpg")
    pictures(tmp_path / "images" / "Validation", "b.jpg")
    cvat(tmp_path, image("a.jpg", polygon("leaf", BOX), more='subset="Train" task_id="1" '),
         image("b.jpg", polygon("leaf", BOX), more='subset="Validation" task_id="1" '))  # fmt: skip
    assert read_dataset(tmp_path).columns.parts == ("train", "val")


TRACK = """  <track id="0" label="leaf" source="manual">
    <polygon frame="0" keyframe="1" outside="0" occluded="0" points="{box}" z_order="0"></polygon>
    <polygon frame="1" keyframe="0" outside="0" occluded="0" points="{small}" z_order="0"></polygon>
    <polygon frame="2" keyframe="1" outside="1" occluded="0" points="{box}" z_order="0"></polygon>
  </track>"""


def test_tracks_through_a_video_are_read_where_its_frames_are_pictures(tmp_path):
    pictures(tmp_path / "images", "frame_000000.png", "frame_000001.png", "frame_000002.png", "frame_000003.png")
    dataset = read_dataset(cvat(tmp_path, TRACK.format(box=BOX, small=SMALL)))
    assert [int(dataset.read_mask(i).sum()) for i in range(3)] == [20, 4, 0]
    assert dataset.leftovers.images == ("images/frame_000003.png",)


def test_tracks_without_their_frames_are_refused_in_words(tmp_path):
    pictures(tmp_path, "a.jpg")
    with pytest.raises(DataError, match="CVAT for video") as error:
        read_dataset(cvat(tmp_path, TRACK.format(box=BOX, small=SMALL)))
    assert "CVAT for images 1.1" in error.value.fix


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (
            '<mask label="leaf" rle="1, 999999999999" left="0" top="0" width="3" height="3"></mask>',
            "holds 999999999999",
        ),
        ('<mask label="leaf" rle="1, x" left="0" top="0" width="3" height="3"></mask>', "run lengths hold"),
        ('<mask label="leaf" rle="9" left="0" width="3" height="3"></mask>', "no place or size"),
        ('<mask label="leaf" rle="9" left="0" top="0" width="3000000" height="3000000"></mask>', "9,000,000,000,000"),
        ('<polygon points="1,1;2,2;3,1"></polygon>', "A class is no name"),
    ],
)
def test_broken_shapes_are_an_error_that_names_the_picture(tmp_path, shape, said):
    pictures(tmp_path, "a.jpg")
    with pytest.raises(DataError, match=said) as error:
        read_dataset(cvat(tmp_path, image("a.jpg", polygon("leaf", BOX), shape)))
    assert "annotations.xml, image a.jpg" in error.value.where


def test_an_xml_bomb_is_refused(tmp_path):
    pictures(tmp_path, "a.jpg")
    cvat(tmp_path, image("a.jpg", polygon("leaf", BOX)))
    text = (tmp_path / "annotations.xml").read_text()
    bomb = '<!DOCTYPE annotations [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>\n<annotations>'
    (tmp_path / "annotations.xml").write_text(text.replace("<annotations>", bomb))
    with pytest.raises(DataError, match="declares entities or a document type"):
        read_dataset(tmp_path)


def test_xml_that_breaks_off_is_an_error_with_line_and_column(tmp_path):
    pictures(tmp_path, "a.jpg")
    cvat(tmp_path, image("a.jpg", polygon("leaf", BOX)))
    text = (tmp_path / "annotations.xml").read_text()
    (tmp_path / "annotations.xml").write_text(text[:-30])
    with pytest.raises(DataError, match="no valid XML") as error:
        read_dataset(tmp_path)
    assert "annotations.xml, line" in error.value.where


def test_pascal_vocs_boxes_are_no_outlines_and_the_error_says_so(tmp_path):
    pictures(tmp_path / "JPEGImages", "a.jpg", "b.jpg")
    for name in "ab":
        write_text(tmp_path / "Annotations" / f"{name}.xml", "<annotation><object><name>dog</name>",
                   "<bndbox><xmin>1</xmin></bndbox></object></annotation>")  # fmt: skip
    with pytest.raises(DataError, match=r"The 2 \.xml files hold boxes \(Pascal VOC\)"):
        read_dataset(tmp_path)
