"""`maskwright fetch`: the list, one set, and its errors, as text and as a document."""

import dataclasses
import io
import zipfile

import pytest

from maskwright.cli.main import main
from maskwright.data.public import fetch as module
from maskwright.data.public.catalogue import find_set
from maskwright.download import Expected
from support import public_sets
from support.file_server import serving, sha256
from support.program import check_document


@pytest.fixture
def run(capsys, monkeypatch):
    """Run the program in this process; return (exit code, stdout, stderr)."""
    monkeypatch.setenv("MASKWRIGHT_NO_TUNING", "1")

    def call(*arguments):
        with pytest.raises(SystemExit) as ending:
            main([str(argument) for argument in arguments])
        written = capsys.readouterr()
        return int(ending.value.code or 0), written.out, written.err

    return call


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A server that holds DUTS-TR, and a catalogue that knows it."""
    made = public_sets.duts(tmp_path / "made")
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for path in sorted(made.rglob("*.*")):
            file.write(path, path.relative_to(made))
    body = content.getvalue()
    with serving() as running:
        entry = find_set("duts-tr")
        address = running.put("/DUTS-TR.zip", body)
        expected = Expected(len(body), sha256(body), entry.archives[0].expected.starts)
        archive = dataclasses.replace(entry.archives[0], addresses=(address,), expected=expected)
        monkeypatch.setattr(module, "find_set", lambda name: dataclasses.replace(entry, archives=(archive,)))
        yield running


def test_alone_it_lists_every_set_with_size_licence_and_purpose(run):
    code, out, _ = run("fetch")

    assert code == 0
    assert out.splitlines()[0].split() == ["set", "pictures", "download", "what", "licence"]
    assert "oxford-iiit-pet 7,390 811 MB cats and dogs" in " ".join(out.split())
    assert "carvana" in out and "needs a Kaggle token" in out
    assert out.splitlines()[-1] == "next: maskwright fetch NAME -o FOLDER"


def test_the_list_is_a_document_too(run):
    code, out, _ = run("fetch", "--json")
    document = check_document(out, "fetch")

    assert code == 0
    assert {entry["name"] for entry in document["sets"]} >= {"duts-tr", "camvid", "isic-2018"}
    assert [entry["account"] for entry in document["sets"] if entry["name"] == "carvana"] == ["kaggle"]


def test_a_set_is_fetched_and_the_next_command_is_told(run, server, tmp_path):
    code, out, err = run("fetch", "duts-tr", "-o", tmp_path / "set")

    assert code == 0
    assert out.splitlines()[0] == f"{tmp_path / 'set'}   DUTS-TR: 10,553 pictures"
    assert "DUTS-TR.zip" in out and "equal to the published checksum" in out
    assert out.splitlines()[-1] == f"next: maskwright check {tmp_path / 'set'}"
    assert "licence   none stated" in err and "cite      Wang et al." in err


def test_fetching_again_says_that_all_is_there(run, server, tmp_path):
    run("fetch", "duts-tr", "-o", tmp_path / "set")
    code, out, _ = run("fetch", "duts-tr", "-o", tmp_path / "set", "--quiet")

    assert (code, "everything is there already" in out) == (0, True)


def test_a_fetched_set_is_one_document(run, server, tmp_path):
    code, out, _ = run("fetch", "duts-tr", "-o", tmp_path / "set", "--json", "--quiet")
    document = check_document(out, "fetch")

    assert code == 0
    assert document["fetched"]["folder"] == str(tmp_path / "set")
    archive = document["fetched"]["archives"][0]
    assert (archive["compared"], archive["checksum"][:7], archive["there"]) == (True, "sha256:", False)


def test_what_was_fetched_can_be_checked(run, server, tmp_path):
    run("fetch", "duts-tr", "-o", tmp_path / "set", "-q")
    code, out, _ = run("check", tmp_path / "set", "-q")

    assert (code, "this is DUTS" in out) == (0, True)


@pytest.mark.parametrize("arguments", [("fetch", "camvit"), ("fetch", "camvit", "--json")])
def test_a_misspelt_name_is_exit_code_1_with_the_nearest(run, arguments):
    code, out, err = run(*arguments)

    assert code == 1
    assert "did you mean camvid" in out + err


def test_ctrl_c_says_that_it_goes_on(run, server, tmp_path, monkeypatch):
    def stop(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "download", stop)
    code, _, err = run("fetch", "duts-tr", "-o", tmp_path / "set", "-q")
    assert (code, "a training or download goes on from there" in err) == (130, True)
