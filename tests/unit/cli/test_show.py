"""Progress is a moving line on a terminal, a few plain lines elsewhere, and nothing when it is not wanted."""

import io

import pytest

from maskwright.cli import show
from maskwright.progress import Step


class Clock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    turned = Clock()
    monkeypatch.setattr(show.time, "monotonic", turned)
    return turned


def test_a_pipe_gets_few_lines_with_values_and_time_left(clock: Clock) -> None:
    stream = io.StringIO()
    draw = show.Plain(stream)
    for done in range(101):
        draw(Step("train", done, 100, {"loss": 0.25}))
        clock.now += 0.3
    lines = stream.getvalue().splitlines()
    assert lines[0] == "train 34/100  loss 0.25   0:20 left"
    assert lines[-1] == "train 100/100  loss 0.25"
    assert len(lines) == 3


def test_an_epoch_is_told_with_their_number() -> None:
    step = Step("train", 23, 140, {"epoch": 3, "epochs": 14, "loss": 0.7621, "seconds_left": 60.0})
    assert show._plain_line(step, 1.0) == "train 23/140  epoch 3/14  loss 0.762   1:00 left"


def test_a_short_stage_writes_no_line(clock: Clock) -> None:
    stream = io.StringIO()
    draw = show.Plain(stream)
    for done in range(5):
        draw(Step("read", done, 4))
    assert stream.getvalue() == ""


def test_a_remark_is_always_written() -> None:
    stream = io.StringIO()
    show.Plain(stream)(Step("plan", text="192x192 whole picture"))
    assert stream.getvalue() == "192x192 whole picture\n"


def test_names_do_not_command_the_terminal() -> None:
    stream = io.StringIO()
    show.Plain(stream)(Step("read", text="plot\x1b[2J\x9b31m\r.png\nnext"))
    assert stream.getvalue() == "plot\\x1b[2J\\x9b31m\\r.png\nnext\n"


def test_nor_does_a_remark_above_the_moving_line(capsys: pytest.CaptureFixture[str]) -> None:
    with show.Terminal() as draw:
        draw(Step("read", text="plot\x1b]0;title\x07.png"))
    written = capsys.readouterr().err
    assert "\x1b]0;" not in written
    assert "plot\\x1b]0;title\\x07.png" in written


def test_the_time_left_that_the_work_knows_is_taken() -> None:
    assert show._seconds_left(Step("train", 1, 2, {"seconds_left": 7.0}), 1000.0) == 7.0


@pytest.mark.parametrize("step", [Step("train", 0, 10), Step("train", 10, 10), Step("train", 3, 0)])
def test_no_time_left_is_told_where_none_is_known(step: Step) -> None:
    assert show._seconds_left(step, 5.0) is None


def test_a_reader_who_has_gone_does_not_stop_the_work() -> None:
    class Gone(io.StringIO):
        def write(self, text: str) -> int:
            raise BrokenPipeError

    draw = show.Plain(Gone())
    draw(Step("plan", text="first"))
    draw(Step("plan", text="second"))
    assert draw._write("third", 0.0) is None


def test_quiet_shows_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with show.show_progress(quiet=True) as draw:
        draw(Step("plan", text="never seen"))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_a_bar_and_keeps_the_remarks(capsys: pytest.CaptureFixture[str]) -> None:
    with show.Terminal() as draw:
        draw(Step("plan", text="[0.894, 0.927] is no markup"))
        draw(Step("train", 1, 4, {"loss": 0.5}))
        draw(Step("score", 1, 2))
    error = capsys.readouterr().err
    assert "[0.894, 0.927] is no markup" in error


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3600, "1:00:00"), (-3, "0:00")])
def test_clock(seconds: float, text: str) -> None:
    assert show.clock(seconds) == text
