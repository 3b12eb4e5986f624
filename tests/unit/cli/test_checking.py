"""`maskwright check`: options, text and document; what is found is made up."""

import shlex
from pathlib import Path

import pytest

import maskwright
from maskwright.cli.check_text import check_text
from support import documents
from support.documents import finding
from support.program import check_document
from support.workflows import Run, Workflow


@pytest.fixture(autouse=True)
def hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def text(*findings: dict[str, object], width: int = 100) -> str:
    return check_text(documents.check(*findings), width=width)


def test_what_is_there_is_told_first(run: Run, workflow: Workflow) -> None:
    check = workflow("check", documents.report(finding()))
    code, out, err = run("check", "lesions")
    assert (code, check.arguments[0]) == (0, Path("lesions"))
    assert out.splitlines()[:7] == [
        "data   lesions   750 pairs, 751 masks",
        "       images/*.jpg <-> masks/*_segmentation.png (guessed: same stem)",
        "masks  0/255",
        "       2 classes: background, lesion",
        "       lesion covers 3-61.2 % of a mask (median 18 %)",
        "parts  600 train, 150 test",
        "plan   192x192 whole picture (stated)",
    ]
    assert err == "a remark\n"


def test_a_clean_set_is_called_clean(run: Run, workflow: Workflow) -> None:
    workflow("check", documents.report())
    _, out, _ = run("check", "lesions")
    assert out.endswith("found  nothing to find fault with\nnext:  maskwright train lesions\n")


def test_what_the_user_stated_is_handed_over(run: Run, workflow: Workflow) -> None:
    check = workflow("check", documents.report())
    stated = ("--masks", "annotations", "--classes", "soil,crop,weed", "--group", "name", "--encoding", "colour")
    run("check", "d", *stated, "--recipe", "isic-unet", "--suspects")
    path, options = check.arguments
    assert path == Path("d")
    assert (options.masks, options.classes, options.group) == ("annotations", ("soil", "crop", "weed"), "name")
    assert (check.options["recipe"], check.options["suspects"]) == ("isic-unet", True)


def test_the_next_command_states_the_same(run: Run, workflow: Workflow) -> None:
    workflow("check", documents.report(finding()))
    stated = ("--masks", "a b", "--classes", "soil,crop", "--encoding", "colour", "--recipe", "demo")
    document = check_document(run("check", "my data", *stated, "--json")[1], "check")
    words = [shlex.split(command) for command in document["next"]]
    again = ["maskwright", "check", "my data", "--masks", "a b", "--encoding", "colour", "--classes", "soil,crop"]
    assert words[0] == [*again, "--recipe", "demo", "--html", "check.html"]
    train = ["maskwright", "train", "my data", "--masks", "a b", "--set", "data.encoding=colour"]
    assert words[-1] == [*train, "--set", "data.classes=[soil, crop]", "--recipe", "demo"]


def test_errors_end_with_3_and_the_training_is_told_in_spite_of_them(run: Run, workflow: Workflow) -> None:
    workflow("check", documents.report(finding("error", "truncated")))
    code, out, _ = run("check", "lesions")
    assert code == 3
    assert "       maskwright train lesions --accept truncated   # in spite of the errors\n" in out
    assert "       maskwright check lesions --fix -o lesions-clean\n" in out


def test_warnings_and_notes_end_well(run: Run, workflow: Workflow) -> None:
    workflow("check", documents.report(finding("warning"), finding("note", "mask-empty")))
    assert run("check", "lesions")[0] == 0


def test_the_document_is_one_and_progress_stays_on_stderr(run: Run, workflow: Workflow) -> None:
    workflow("check", documents.report(finding("error", "stray-file", None), finding()))
    code, out, err = run("check", "lesions", "--json")
    document = check_document(out, "check")
    assert (code, document["ok"], document["pairs"]) == (3, True, 750)
    assert document["findings"][0]["sample"] is None
    assert document["levels"] == {"error": 1, "warning": 1, "note": 0}
    assert [one["kinds"] for one in document["to_do"]] == [["stray-file", "duplicate"]]
    assert err == "a remark\n"


def test_errors_come_first_and_within_a_level_what_touches_most() -> None:
    many = {**finding("warning", "near-duplicate"), "evidence": {"samples": ["a", "b", "c"]}}
    told = text(finding("note", "mask-empty"), finding("warning"), many, finding("error", "truncated")).splitlines()
    kinds = [line.split()[:3] for line in told if line.startswith(("  error", "  warning", "  note"))]
    assert kinds == [
        ["error", "1", "truncated"],
        ["warning", "3", "near-duplicate"],
        ["warning", "1", "duplicate"],
        ["note", "1", "mask-empty"],
    ]


def test_many_findings_that_say_the_same_are_one_sentence() -> None:
    told = text(*[{**finding("warning", "mask-empty", f"s{i}"), "where": ""} for i in range(40)])
    assert "  warning    40  mask-empty  The same picture twice: s0, s1, s2 and 37 more\n" in told


def test_one_sentence_for_many_names_the_files_below_the_folder() -> None:
    same = [{**finding("note", "mask-empty", f"s{i}"), "where": f"/data/lesions/masks/s{i}.png"} for i in range(9)]
    told = check_text({**documents.check(*same), "root": "/data/lesions"})
    assert "The same picture twice: masks/s0.png, masks/s1.png and 7 more\n" in told


def test_masks_that_all_show_the_same_share_are_told_one_number() -> None:
    content = {**documents.check(), "shares": {"lesion": [0.147, 0.147, 0.147]}}
    assert "lesion covers 14.7 % of a mask\n" in check_text(content)


def test_of_many_findings_the_first_few_are_told() -> None:
    same = [{**finding("error", "mask-values", f"s{i}"), "what": f"The mask holds {i}."} for i in range(9)]
    told = text(*same)
    assert "The mask holds 2." in told
    assert "The mask holds 3." not in told
    assert "and 6 more (--json or --html list all)" in told


def test_a_place_is_told_below_the_folder() -> None:
    content = documents.check({**finding(), "where": "/data/lesions/masks/a.png"})
    assert "masks/a.png: The same picture twice." in check_text({**content, "root": "/data/lesions"})


def test_each_fix_is_told_once() -> None:
    told = text(finding("warning"), {**finding("note", "mask-empty"), "fix": "draw it"})
    assert told.count("remove one") == 1
    assert "to do  1. duplicate (1): remove one\n" in told
    assert "fix: draw it\n" in told


def test_a_kind_with_several_fixes_is_told_the_usual_one() -> None:
    rare = {**finding("warning"), "fix": "turn it"}
    assert "turn it" not in text(rare, finding("warning"), finding("warning"))


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    long = {**finding("error", "mask-without-image"), "what": "The mask has no picture, " * 9, "fix": "look at " * 30}
    assert max(map(len, text(long, finding(), width=width).splitlines())) <= width


def test_a_narrow_terminal_gets_the_text_below_the_heading() -> None:
    assert "  warning     1  duplicate\n          images/a.jpg, images/b.jpg:" in text(finding(), width=60)


def test_a_name_with_line_breaks_stays_on_its_line() -> None:
    told = text({**finding(), "what": "The mask\n  error  is bad.", "where": "a\nb"})
    assert "a b: The mask error is bad." in " ".join(told.split())
    assert "\n  error" not in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--fix"], "Say where the mended copy goes"),
        (["-o", "clean"], "--fix -o CLEAN"),
        (["--leave-out-duplicates"], "--fix -o CLEAN"),
        (["--no-pictures"], "--html FILE"),
        (["--suspects", "--with", "runs/a"], "leave one of the two out"),
    ],
)
def test_options_that_say_nothing_by_themselves_are_refused(
    run: Run, workflow: Workflow, options: list[str], said: str
) -> None:
    check = workflow("check", documents.report())
    code, out, err = run("check", "lesions", *options)
    assert (code, out, check.arguments) == (2, "", ())
    assert said in err


def test_a_place_where_no_copy_may_go_is_refused_before_the_work(run: Run, workflow: Workflow, tmp_path: Path) -> None:
    check = workflow("check", documents.report())
    (tmp_path / "clean").mkdir()
    (tmp_path / "clean" / "mine.txt").touch()
    code, _, err = run("check", str(tmp_path), "--fix", "-o", str(tmp_path / "clean"))
    assert (code, check.arguments) == (1, ())
    assert "The folder is not empty" in err


def test_a_mended_copy_and_a_page_are_told_and_the_next_command_takes_the_copy(run: Run, tmp_path: Path) -> None:
    maskwright.make_pebbles(tmp_path / "set", 6, size=(48, 64), seed=1)
    clean, page = tmp_path / "clean", tmp_path / "page.html"
    written = ("--html", str(page), "--no-pictures", "--fix", "-o", str(clean), "--leave-out-duplicates")
    code, out, _ = run("check", str(tmp_path / "set"), *written)
    assert code == 0
    assert f"wrote  {page}\nfixed  {clean}   6 pairs\n" in out
    assert out.endswith(f"next:  maskwright check {clean}\n       maskwright train {clean}\n")
    document = check_document(run("check", str(clean), "--json")[1], "check")
    assert (document["pairs"], document["encoding"]["kind"]) == (6, "index")
    assert page.stat().st_size > 1000


def test_what_was_mended_and_left_out_is_told() -> None:
    mended = {
        "folder": "clean", "changes": "clean/changes.csv", "pairs": 748, "left_out": 2, "actions": {"mended": 9},
        "kinds": {"exif-rotated": 9}, "remaining": {"note": 1}, "seconds": 3.0,
    }  # fmt: skip
    told = check_text({**documents.check(), "mended": mended})
    assert "fixed  clean   748 pairs; 2 pairs of the source left out\n" in told
    assert "put right: exif-rotated (9)\n" in told
    assert "the copy was checked in its turn: 1 note\n" in told
