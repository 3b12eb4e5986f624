"""Writes docs/reference.md from the program itself: every command's help, every key of a recipe. `make schemas`."""

from pathlib import Path

import typer

from maskwright.cli.app import app
from maskwright.cli.fields import recipe_fields
from maskwright.files import write_text

PATH = Path(__file__).with_name("reference.md")
_WIDTH = 100


def make_reference() -> str:
    """Return the whole page."""
    parts = ["# Reference", "Made from the program by `make schemas`; do not edit.", "## Commands", _help([])]
    for name in _commands():
        parts += [f"### maskwright {name}", _help([name])]
    parts += [
        "## Exit codes",
        "0 well · 1 an error that you can put right · 2 wrong usage · 3 `check` found errors · 130 stopped by you",
        "## JSON",
        "With `--json` a command prints one object: `schema`, `command`, `ok`, then its own keys; a score is "
        "`{value, low, high}`. When it fails: `ok` is false and `error` is `{what, where, fix}`. The JSON Schemas are "
        "files of the package, `maskwright/schemas/*.json`.",
        "## Environment",
        "`MASKWRIGHT_CACHE`: where packs, unpacked archives and downloaded weights are kept (default: the user's cache "
        "folder). `MASKWRIGHT_NO_TUNING=1`: as `--no-tuning`. `MASKWRIGHT_MAX_PIXELS`: the largest picture that is "
        "opened.",
        "## Keys of a recipe",
        "In a YAML file, or one by one as `--set KEY=VALUE`; a list's item is named by its number, from 0.",
        "| key | default | type | what |\n|---|---|---|---|\n" + "\n".join(_row(field) for field in recipe_fields()),
    ]
    return "\n\n".join(parts) + "\n"


def _commands() -> list[str]:
    command = typer.main.get_command(app)
    return list(command.list_commands(typer.Context(command)))


def _help(path: list[str]) -> str:
    command = typer.main.get_command(app)
    context = typer.Context(command, info_name="maskwright", terminal_width=_WIDTH)
    for name in path:
        command = command.get_command(context, name)
        context = typer.Context(command, info_name=name, parent=context, terminal_width=_WIDTH)
    return f"```text\n{command.get_help(context).strip()}\n```"


def _row(field: dict[str, object]) -> str:
    default = "null" if field["default"] is None else str(field["default"])
    cells = (f"`{field['key']}`", f"`{default}`" if default else "", field["type"], field["description"])
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    write_text(PATH, make_reference())
