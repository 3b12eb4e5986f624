"""CVAT for images 1.1: one XML file for all pictures. A region with holes is a mask of run lengths, others polygons."""

from typing import TextIO

from maskwright.data.annotations.written.runs import run_lengths
from maskwright.data.annotations.written.shapes import Drawn, Shape, class_numbers, hex_code, markup
from maskwright.images.classes import Classes


class CvatFile:
    """Writes cvat.xml into an open file, a picture at a time. pictures: how many will come."""

    def __init__(self, file: TextIO, classes: Classes, pictures: int) -> None:
        self._file, self._classes, self._pictures = file, classes, 0
        file.write(_head(classes, pictures))

    def part(self, drawn: Drawn) -> tuple[str, str]:
        """Return what is to be written of a picture, behind and after its running number."""
        height, width = drawn.size
        attributes = f' name="{markup(drawn.name)}" width="{width}" height="{height}">\n'
        return attributes, "".join(_shape(shape, self._classes.names[shape.kind]) for shape in drawn.shapes)

    def put(self, part: tuple[str, str]) -> None:
        """Write a picture."""
        self._file.write(f'  <image id="{self._pictures}"{part[0]}{part[1]}  </image>\n')
        self._pictures += 1

    def end(self) -> None:
        """Write the rest."""
        self._file.write("</annotations>\n")


def _head(classes: Classes, pictures: int) -> str:
    labels = "".join(
        f"        <label>\n          <name>{markup(classes.names[kind])}</name>\n"
        f"          <color>{hex_code(classes.colours[kind])}</color>\n          <type>any</type>\n"
        "          <attributes></attributes>\n        </label>\n"
        for kind in class_numbers(classes)
    )
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations>\n  <version>1.1</version>\n  <meta>\n    <task>\n'
        f"      <name>maskwright</name>\n      <size>{pictures}</size>\n      <mode>annotation</mode>\n"
        f"      <labels>\n{labels}      </labels>\n    </task>\n  </meta>\n"
    )


def _shape(shape: Shape, label: str) -> str:
    common = f'label="{markup(label)}" source="auto" occluded="0"'
    if not shape.outline.holes:
        points = ";".join(f"{x},{y}" for x, y in shape.outline.exterior.tolist())
        return f'    <polygon {common} points="{points}" z_order="0"></polygon>\n'
    left, top, width, height = shape.box
    counts = ", ".join(map(str, run_lengths(shape.inside)))
    place = f'left="{left}" top="{top}" width="{width}" height="{height}"'
    return f'    <mask {common} rle="{counts}" {place} z_order="0"></mask>\n'
