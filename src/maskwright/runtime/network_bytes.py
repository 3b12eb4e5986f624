"""The network of a model file alone, as an ONNX model of its own: what lies between `network_input` and `logits`.

Done on the file's bytes, without any ONNX library: what stands before and after is left out by its name, and the two
tensors, which the graph already describes, become input and output. Knows nothing of runtimes.
Source: onnx.proto3, ModelProto, GraphProto, NodeProto, TensorProto, ValueInfoProto.
"""

import io
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from maskwright.runtime.metadata import Damaged, protobuf_fields

NETWORK_INPUT, LOGITS = b"network_input", b"logits"
_GRAPH, _METADATA = 7, 14  # ModelProto
_NODE, _CONSTANT, _INPUT, _OUTPUT, _VALUE = 1, 5, 11, 12, 13  # GraphProto
_NAMES = {_NODE: 3, _CONSTANT: 8, _VALUE: 1}  # which field of each holds its name
_AROUND = (b"before/", b"after/")  # how the nodes and constants around the network are named
_BYTES = 2  # the kind of a field that states its length

Piece = bytes | memoryview


def network_of(model: bytes) -> bytes:
    """Return the ONNX model `network_input` -> `logits` of a model file's bytes, without its description.

    Raises ValueError where the bytes are no ONNX model, or have no such tensors.
    """
    file, view = io.BytesIO(model), memoryview(model)
    parts: list[Piece] = []
    found = False
    try:
        for field in _fields(file, 0, len(model)):
            if field.number == _GRAPH:
                found = True
                graph = _network_graph(file, view, field)
                parts += (_head(_GRAPH, sum(map(len, graph))), *graph)
            elif field.number != _METADATA:
                parts.append(view[field.begin : field.end])
    except Damaged as error:
        raise ValueError(str(error)) from None
    if not found:
        raise ValueError("there is no graph in it")
    return b"".join(parts)


class _Field(NamedTuple):
    """A field's number, and where it begins, its content begins, and both end."""

    number: int
    begin: int
    content: int
    end: int


def _network_graph(file: BinaryIO, view: memoryview, graph: _Field) -> list[Piece]:
    kept: list[Piece] = []
    ends: dict[bytes, Piece] = {}
    for field in _fields(file, graph.content, graph.end):
        name = _name(file, view, field, _NAMES[field.number]) if field.number in _NAMES else b""
        if field.number == _VALUE and name in (NETWORK_INPUT, LOGITS):
            ends[name] = view[field.content : field.end]
        elif field.number not in (_INPUT, _OUTPUT) and not name.startswith(_AROUND):
            kept.append(view[field.begin : field.end])
    if len(ends) != 2:
        raise ValueError("the graph has no tensors 'network_input' and 'logits'")
    for number, name in ((_INPUT, NETWORK_INPUT), (_OUTPUT, LOGITS)):
        kept += (_head(number, len(ends[name])), ends[name])
    return kept


def _fields(file: BinaryIO, begin: int, end: int) -> Iterator[_Field]:
    """Yield the fields of the message that lies from `begin` to `end`."""
    file.seek(begin)
    for number, _, length in protobuf_fields(file, end):
        content = file.tell()
        yield _Field(number, begin, content, content + length)
        begin = content + length
        file.seek(begin)


def _name(file: BinaryIO, view: memoryview, message: _Field, wanted: int) -> bytes:
    """Return the text of the message's field `wanted`, b"" where there is none."""
    for field in _fields(file, message.content, message.end):
        if field.number == wanted:
            return bytes(view[field.content : field.end])
    return b""


def _head(number: int, length: int) -> bytes:
    """Return what stands before the content of a field."""
    return _varint(number << 3 | _BYTES) + _varint(length)


def _varint(value: int) -> bytes:
    digits = bytearray()
    while value > 0x7F:
        digits.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*digits, value))
