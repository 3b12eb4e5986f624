import pytest

from maskwright.data.read import read_dataset
from maskwright.errors import DataError
from maskwright.recipe import DataOptions
from support.picture_folders import disc, make_set, photo, save


def write(folder, text, name="pairs.csv"):
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


@pytest.fixture
def pictures(tmp_path):
    for name in ("x", "y", "z"):
        save(tmp_path / "in" / f"{name}.png", photo(ord(name)))
        save(tmp_path / "out" / f"m_{name}1.png", disc(ord(name)))
    return tmp_path


def test_a_csv_file_pairs_what_names_do_not(pictures):
    path = write(pictures, "image,mask\nin/x.png,out/m_z1.png\nin/z.png,out/m_x1.png\n")

    dataset = read_dataset(path)

    assert [(s.id, s.masks[0].name) for s in dataset] == [("x", "m_z1.png"), ("z", "m_x1.png")]


def test_columns_group_and_part_are_used(pictures):
    path = write(pictures, "image;mask;group;part\nin/x.png;out/m_x1.png;a;train\nin/y.png;out/m_y1.png;b;Testing\n"
                           "in/z.png;out/m_z1.png;;train\n")  # fmt: skip

    dataset = read_dataset(path)

    assert [s.group for s in dataset] == ["a", "b", "z"]
    assert [s.part for s in dataset] == ["train", "test", "train"]


def test_another_column_groups_where_that_is_stated(pictures):
    path = write(pictures, "image,mask,patient\nin/x.png,out/m_x1.png,7\nin/y.png,out/m_y1.png,7\n")

    dataset = read_dataset(path, DataOptions(group="patient"))

    assert [s.group for s in dataset] == ["7", "7"]


def test_what_else_a_manifest_says_is_kept_as_it_is_written(pictures):
    path = write(pictures, "image,mask,group,part,parent,Age,site\nin/x.png,out/m_x1.png,a,train,, 40 ,north\n"
                           "in/y.png,out/m_y1.png,b,test,,,north\n")  # fmt: skip

    columns = read_dataset(path).columns

    assert columns.extra == {"age": ("40", ""), "site": ("north", "north")}
    assert columns.extra["site"][0] is columns.extra["site"][1]  # equal cells are one text: millions of rows fit


def test_what_else_a_manifest_says_goes_with_its_picture(pictures):
    path = write(pictures, "image,mask,age\nin/x.png,out/m_x1.png,1\nin/y.png,out/m_y1.png,2\n"
                           "in/z.png,out/m_z1.png,3\n")  # fmt: skip

    chosen = read_dataset(path).select([2, 0])

    assert chosen.columns.ids == ("z", "x") and chosen.columns.extra == {"age": ("3", "1")}


def test_a_picture_without_a_mask_takes_its_cells_along(pictures):
    path = write(pictures, "image,mask,age\nin/x.png,,1\nin/y.png,out/m_y1.png,2\n")

    assert read_dataset(path).columns.extra == {"age": ("2",)}
    assert read_dataset(path, require_masks=False).columns.extra == {"age": ("1", "2")}


def test_a_column_without_a_name_and_one_of_classes_are_no_further_columns(pictures):
    path = write(pictures, ",image,mask,class\n0,in/x.png,out/m_x1.png,cat\n1,in/y.png,out/m_y1.png,dog\n")

    assert read_dataset(path).columns.extra == {}


def test_what_else_a_manifest_says_does_not_change_the_fingerprint(pictures):
    rows = ("in/x.png,out/m_x1.png", "in/y.png,out/m_y1.png")
    plain = write(pictures, "image,mask\n" + "\n".join(rows), "plain.csv")
    more = write(pictures, "image,mask,age\n" + "\n".join(f"{row},{n}" for n, row in enumerate(rows)), "more.csv")

    plain, more = read_dataset(plain), read_dataset(more)

    assert not plain.columns.extra and more.columns.extra
    assert plain.fingerprint() == more.fingerprint()
    assert hash(plain.columns) == hash(more.columns)


def test_a_csv_file_in_the_folder_is_found_by_itself(pictures):
    write(pictures, "image,mask\nin/x.png,out/m_z1.png\n")

    dataset = read_dataset(pictures)

    assert len(dataset) == 1
    assert "pairs from pairs.csv: 1 rows" in dataset.notes


def test_a_table_of_something_else_is_no_list_of_pairs(tmp_path):
    make_set(tmp_path)
    write(tmp_path, "image,age\np0.jpg,40\n", "patients.csv")
    write(tmp_path, "image,mask\ngone.jpg,gone.png\n", "old.csv")

    assert len(read_dataset(tmp_path)) == 4


def test_rows_of_one_picture_are_its_objects(pictures):
    path = write(pictures, "image,mask\nin/x.png,out/m_x1.png\nin/x.png,out/m_y1.png\nin/y.png,out/m_z1.png\n")

    dataset = read_dataset(path)

    assert dataset.encoding.kind == "objects"
    assert [len(s.masks) for s in dataset] == [2, 1]


def test_a_column_class_makes_one_file_a_class(pictures):
    rows = "".join(f"in/{n}.png,out/m_{m}1.png,{c}\n" for n in "xy" for m, c in (("x", "cat"), ("y", "dog")))

    dataset = read_dataset(write(pictures, "image,mask,class\n" + rows))

    assert dataset.encoding.kind == "per-class"
    assert set(dataset.classes.names) - {"background"} == {"cat", "dog"}


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("", "holds no rows", ""),
        ("image,truth\na,b\n", "no column mask; it has: image, truth", ""),
        ("image,mask\nin/x.png,out/none.png\n", "is not there, such as out/none.png", "row 2"),
        ("image,mask\nin/x.png,out/m_x1.png\n,out/m_y1.png\n", "names no picture", "row 3"),
        ("image,mask\nin/x.png,out/m_x1.png\nin/y.png\n", "another number of columns", "row 3"),
        ("image,mask\nin/x.png,out/m_x1.png\nin/x.png,out/m_x1.png\n", "names a pair twice", ""),
        ("image,mask,part\nin/x.png,out/m_x1.png,evaluation\n", "'part' holds evaluation", ""),
        ("image,mask,group\nin/x.png,out/m_x1.png,a\nin/x.png,out/m_y1.png,b\n", "differ in 'group': a, b", "row 3"),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_said_with_its_row(pictures, text, what, where):
    path = write(pictures, text)

    with pytest.raises(DataError) as caught:
        read_dataset(path)

    assert what in caught.value.what
    assert where in caught.value.where
    assert caught.value.fix


def test_a_csv_file_that_is_no_text_is_an_error(pictures):
    (pictures / "pairs.csv").write_bytes(b"image,mask\n\xff\xfe\x00")

    with pytest.raises(DataError, match="cannot be read"):
        read_dataset(pictures / "pairs.csv")


def test_a_csv_file_found_in_a_folder_must_not_lead_out_of_it(pictures):
    (pictures / "data").mkdir()
    save(pictures / "data" / "x.png", photo())
    write(pictures / "data", "image,mask\nx.png,x.png\n../in/x.png,../out/m_x1.png\n")

    with pytest.raises(DataError, match="leads out of the folder"):
        read_dataset(pictures / "data")


def test_pairs_stated_in_the_folder_must_not_lead_out_of_it(pictures):
    (pictures / "data").mkdir()
    write(pictures, "image,mask\nin/x.png,out/m_x1.png\n")
    (pictures / "data" / "dataset.yaml").write_text("pairs: ../pairs.csv\n")

    with pytest.raises(DataError, match="'pairs' leads out of the folder"):
        read_dataset(pictures / "data")


def test_a_table_of_words_about_the_pictures_is_no_list_of_pairs(tmp_path):
    make_set(tmp_path)
    write(tmp_path, "image,label\nimages/p0.jpg,cat\nimages/p1.jpg,dog\n", "animals.csv")

    assert len(read_dataset(tmp_path)) == 4


def test_what_is_stated_beside_a_csv_file_is_taken_but_for_the_files(pictures):
    path = write(pictures, "image,mask\nin/x.png,out/m_x1.png\nin/y.png,out/m_y1.png\n")
    (pictures / "dataset.yaml").write_text("classes: [sky, bird]\nmasks: gone\n")

    assert read_dataset(path).classes.names == ("sky", "bird")


def test_rows_of_pairs_stated_in_the_folder_must_not_lead_out_of_it(pictures):
    (pictures / "data" / "lists").mkdir(parents=True)
    save(pictures / "data" / "x.png", photo())
    save(pictures / "data" / "m.png", disc())
    (pictures / "data" / "dataset.yaml").write_text("pairs: lists/pairs.csv\n")
    write(pictures / "data" / "lists", "image,mask\n../x.png,../m.png\n")

    assert len(read_dataset(pictures / "data")) == 1

    write(pictures / "data" / "lists", "image,mask\n../x.png,../m.png\n../../in/x.png,../../out/m_x1.png\n")
    with pytest.raises(DataError, match="leads out of the folder"):
        read_dataset(pictures / "data")
