"""Turns the documents of the commands into what a person reads: what was seen, what it is worth, what to do next.

Takes the same JSON values that --json prints, so that text and documents cannot drift apart. Prints nothing.
"""

from collections.abc import Mapping
from typing import Any

from maskwright.cli.check_text import count
from maskwright.cli.evaluate_text import score_lines
from maskwright.cli.show import clock
from maskwright.errors import MaskwrightError

Content = Mapping[str, Any]


def train_text(content: Content) -> str:
    """Tell the scores of a training, its file, and what to type next."""
    run = content["run"]
    return "\n".join(
        [
            *score_lines(content["scores"], label="test"),
            f"file   {content['model']}",
            *_ensemble_lines(content.get("ensemble")),
            f"time   {clock(content['seconds'])}",
            *(_tracked_line(one) for one in content.get("tracked", ())),
            f"next:  maskwright predict {run} PICTURES -o masks      maskwright evaluate {run}",
        ]
    )


def _ensemble_lines(ensemble: str | None) -> list[str]:
    return [f"       {ensemble}   the folds' models as one file, slower by their number"] if ensemble else []


def _tracked_line(tracked: Content) -> str:
    if tracked["complete"]:
        return f"track  {tracked['where']}"
    error, again = tracked["error"], f"--track {tracked['tracker']}"
    return f"track  {tracked['tracker']} is incomplete: {error} The same command with {again} sends the rest"


def predict_text(content: Content) -> str:
    """Tell each picture's mask file, and the files of all pictures together."""
    lines = [f"{one['input']}  ->  {one['mask']}   {_how_long(one)}" for one in content["outputs"]]
    return "\n".join([*lines, *(f"{kind:<12}  {path}" for kind, path in content["files"].items())])


def _how_long(output: Content) -> str:
    return "was there already (--overwrite makes it anew)" if output.get("skipped") else f"{output['seconds']:.2f} s"


def predict_error(content: Content) -> MaskwrightError | None:
    """Return what to say of pictures that failed; None where none did. One picture's own error is told as it is."""
    failures = content["failures"]
    if not failures:
        return None
    first = failures[0]["error"]
    if len(failures) == 1:
        return MaskwrightError(first["what"], where=first["where"] or failures[0]["input"], fix=first["fix"])
    names = ", ".join(failure["input"] for failure in failures[:5]) + (", ..." if len(failures) > 5 else "")
    total = len(failures) + len(content["outputs"])
    return MaskwrightError(
        f"{len(failures)} of {total} pictures failed, as failures.csv tells; the first: {first['what']}",
        where=names, fix=first["fix"],
    )  # fmt: skip


def demo_text(content: Content) -> str:
    """Tell where the demo put everything, its scores, and the next command."""
    lines = score_lines(content["scores"], label="test")
    lines += [f"sheet  {content['sheet']}", f"masks  {content['predictions']}"]
    lines += [f"file   {content['model']}", f"time   {clock(content['seconds'])}"]
    return "\n".join([*lines, f"next:  maskwright info {content['run']}      maskwright check YOUR-FOLDER"])


def recipes_text(content: Content) -> str:
    """Tell one line for each recipe, or one for each key."""
    if "fields" in content:
        return "\n".join(_field_line(field) for field in content["fields"])
    return "\n".join(line for recipe in content["recipes"] for line in _recipe_lines(recipe))


def _recipe_lines(recipe: Content) -> tuple[str, str, str]:
    trained = "" if recipe["trainable"] == recipe["parameters"] else f", {recipe['trainable']:,} of them trained"
    counted = ", moving averages included" if recipe["count"] == "keras" else ""
    return (
        f"{recipe['name']}   {recipe['task']}",
        f"    {recipe['network']}: {recipe['parameters']:,} parameters{counted}{trained}",
        f"    source: {recipe['source']}",
    )


def _field_line(field: Content) -> str:
    default = "null" if field["default"] is None else str(field["default"])
    return f"{field['key']} = {default}   ({field['type']})   {field['description']}".rstrip()


def info_text(content: Content) -> str:
    """Tell a model file's card."""
    names = ", ".join(content["classes"]["names"])
    height, width = content["size"]
    looks = "resizes the whole picture to" if content["mode"] == "whole" else "cuts tiles of"
    lines = [
        f"classes    {names}",
        f"network    {content['network']}   {_origin(content)}",
        f"pictures   {count(content['bands'], 'band')} of {content.get('dtype', 'uint8')}; {looks} {height}x{width}",
    ]
    if content.get("precision", "fp32") != "fp32":
        lines.append(f"precision  {content['precision']}")
    if content["threshold"] is not None:
        lines.append(f"threshold  {content['threshold']:.2f}")
    if content.get("temperature", 1) != 1:
        lines.append(f"temper.    {content['temperature']:.3g}: what logits are divided by")
    for key, title in (("licence", "licence"), ("maskwright", "made by"), ("fingerprint", "data")):
        if content.get(key):
            lines.append(f"{title:<10} {content[key]}")
    for way, found in content.get("reduced", {}).items():
        lines.append(f"reduced    {way}: {_reduced(found)}")
    for key in ("trained", "scores"):
        if content.get(key):
            lines.append(f"{key:<10} " + "   ".join(f"{name} {_fact(value)}" for name, value in content[key].items()))
    return "\n".join(lines)


def _reduced(found: Any) -> str:
    """Tell what was measured in a reduced precision."""
    if not isinstance(found, Mapping):
        return _fact(found)
    shown = {key: found[key] for key in ("dice_network", "dice_file", "pictures") if key in found}
    return f"{'within' if found.get('passed') is True else 'beyond'} the limits, {_fact(shown)}"


def _origin(content: Content) -> str:
    return f"encoder {content.get('encoder') or 'none'}   weights {content.get('weights') or 'none'}"


def _fact(value: Any) -> str:
    if isinstance(value, Mapping):
        if "value" in value:
            return "not defined" if value["value"] is None else f"{value['value']:.3f}"
        return ", ".join(f"{key} {_fact(item)}" for key, item in value.items())
    return f"{value:.3g}" if isinstance(value, float) else str(value)
