import json
import os

import pytest

from maskwright.errors import OutputError
from maskwright.files import json_pieces, write_json, write_json_rows

HEAD = {"schema_version": 1, "name": 'Größe\n"x"', "nested": {"list": [1, [2]], "empty": []}}


@pytest.mark.parametrize("rows", [[], [{}], [{"id": "a\nb", "size": [1, 2]}, {"id": "ü", "score": None}], [[], [1]]])
def test_rows_written_one_at_a_time_are_the_same_bytes_as_the_whole(tmp_path, rows):
    write_json(tmp_path / "whole.json", {**HEAD, "rows": rows})
    write_json_rows(tmp_path / "rows.json", HEAD, "rows", iter(rows))
    assert (tmp_path / "rows.json").read_bytes() == (tmp_path / "whole.json").read_bytes()
    assert "".join(json_pieces(HEAD, "rows", iter(rows))) == json.dumps({**HEAD, "rows": rows}, indent=2)


def test_rows_that_break_off_leave_what_was_there(tmp_path):
    path = tmp_path / "rows.json"
    write_json(path, {"old": 1})

    def rows():
        yield {"a": 1}
        raise OSError(28, os.strerror(28))

    with pytest.raises(OutputError, match="No space left"):
        write_json_rows(path, HEAD, "rows", rows())
    assert json.loads(path.read_text()) == {"old": 1} and os.listdir(tmp_path) == ["rows.json"]


def test_a_number_that_json_does_not_know_is_refused(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json_rows(tmp_path / "rows.json", HEAD, "rows", [{"score": float("nan")}])
    assert os.listdir(tmp_path) == []
