"""Kaggle's token, from where Kaggle's own program keeps it, and what its refusals mean.

Source: https://github.com/Kaggle/kaggle-api, "API credentials".
"""

import base64
import json
import os
from pathlib import Path

from maskwright.errors import ConfigError, MaskwrightError


def authorization() -> str | None:
    """Return the value of the header, None where no token is given. Raises ConfigError for a file that holds none."""
    token = os.environ.get("KAGGLE_API_TOKEN", "").strip()
    if token:
        return f"Bearer {_one_line(token, 'KAGGLE_API_TOKEN')}"
    user, key = os.environ.get("KAGGLE_USERNAME", ""), os.environ.get("KAGGLE_KEY", "")
    if user and key:
        return _basic(user, key, "KAGGLE_USERNAME and KAGGLE_KEY")
    return next((_from_file(path) for path in _places() if path.is_file()), None)


def _places() -> list[Path]:
    stated = os.environ.get("KAGGLE_CONFIG_DIR")
    folders = [Path(stated)] if stated else [Path.home() / ".kaggle", Path.home() / ".config" / "kaggle"]
    return [folder / "kaggle.json" for folder in folders]


def _from_file(path: Path) -> str:
    try:
        content = json.loads(path.read_text("utf-8"))
        user, key = content["username"], content["key"]
        if not isinstance(user, str) or not isinstance(key, str):
            raise TypeError("a token is two texts")
        return _basic(user, key, str(path))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            "The file holds no Kaggle token.", where=str(path),
            fix="get a new one at https://www.kaggle.com/settings (Create New Token)") from error  # fmt: skip


def _basic(user: str, key: str, where: str) -> str:
    pair = f"{_one_line(user, where)}:{_one_line(key, where)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def _one_line(text: str, where: str) -> str:
    if not text or not text.isprintable():
        raise ConfigError("This is no Kaggle token.", where=where, fix="copy it again, without line breaks")
    return text


def missing(title: str, rules: str, by_hand: str) -> MaskwrightError:
    """Return the error for a set that needs a token, with every step to get one. by_hand: how to do without."""
    return MaskwrightError(
        f"{title} lies on Kaggle, which gives it to its members only, and no token was found.",
        where=rules,
        fix=f"1. sign in at kaggle.com and accept the rules at {rules}\n"
        "         2. at https://www.kaggle.com/settings choose Create New Token; put kaggle.json into "
        f"{Path('~') / '.kaggle'}, or set KAGGLE_USERNAME and KAGGLE_KEY\n"
        f"         3. run the same command again\n         or without a token: {by_hand}",
    )


def refusal(code: int, rules: str) -> MaskwrightError | None:
    """Return what Kaggle means by an answer, None where it is nothing special."""
    if code == 401:
        return MaskwrightError(
            "Kaggle does not accept the token.", where="kaggle.json, or KAGGLE_USERNAME and KAGGLE_KEY",
            fix="get a new one at https://www.kaggle.com/settings (Create New Token)")  # fmt: skip
    if code in (403, 404):
        return MaskwrightError(
            "Kaggle refuses the file: the competition's rules are not accepted yet.", where=rules,
            fix="open that page while signed in, accept the rules, and run the same command again")  # fmt: skip
    return None
