"""The program's entry: reads the arguments, runs one command, turns its errors into text and an exit code.

Loads nothing heavy; a command imports what it needs when it runs.
"""

import sys
from collections.abc import Sequence

import typer

from maskwright.cli import output
from maskwright.cli.app import app
from maskwright.errors import MaskwrightError

# ClickException: of the copy of click that typer carries, or, in older versions, of click itself.
_Misuse: type[Exception] = typer.BadParameter.__mro__[2]


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 well, 1 an error to put right, 2 wrong usage, 3 `check` found errors, 130 stopped."""
    output.prepare_streams()
    sys.exit(run_command(list(sys.argv[1:] if arguments is None else arguments)))


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code. Exceptions that are not the user's to put right pass through."""
    group = typer.main.get_command(app)
    try:
        with group.make_context("maskwright", list(arguments)) as context:
            group.invoke(context)
    except typer.Exit as ending:
        return ending.exit_code
    except _Misuse as error:
        return _ended(_misuse(error, arguments), arguments, output.MISUSED)
    except MaskwrightError as error:
        return _ended(error, arguments, output.FAILED)
    except KeyboardInterrupt:
        stopped = MaskwrightError(
            "Stopped by you.", fix="a training or download goes on from there when told the same again"
        )
        return _ended(stopped, arguments, output.STOPPED)
    return output.WELL


def _ended(error: MaskwrightError, arguments: list[str], code: int) -> int:
    """Tell the error as asked for, on stderr or as the one document on stdout."""
    if "--json" not in arguments:
        output.say(f"error: {error}")
        return code
    try:
        output.put_document(_command(arguments), {}, error=error)
    except typer.Exit as ending:
        return ending.exit_code
    except MaskwrightError as unwritten:
        output.say(f"error: {unwritten}")
    return code


def _misuse(error: Exception, arguments: list[str]) -> MaskwrightError:
    what: str = error.format_message() if hasattr(error, "format_message") else str(error)
    return MaskwrightError(what, fix=f"see `{' '.join(['maskwright', _command(arguments)]).strip()} --help`")


def _command(arguments: list[str]) -> str:
    """The verb that was asked for, empty if there is none of that name."""
    known = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    return next((argument for argument in arguments if argument in known), "")
