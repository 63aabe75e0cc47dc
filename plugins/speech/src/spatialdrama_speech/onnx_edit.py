"""Cut an ONNX graph open at named tensors, with the standard library only.

An ONNX file is a protocol-buffers message (``onnx.proto3`` of the ONNX project). To turn a tensor
inside the graph into an output *and* an input, three things change: the consumers of the tensor
read a new name, that new name is declared as a graph input, and the tensor itself is declared as a
graph output. All of it touches node headers only, so this module walks the wire format (tag,
length, bytes) and copies every weight untouched; the ``onnx`` package (and its dependencies) is
not needed at run time. ``tests/test_onnx_edit.py`` checks the result against that package.

Source: https://protobuf.dev/programming-guides/encoding and onnx/onnx.proto3 (field numbers).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import attrs

from spatialdrama.errors import AssetError

# Field numbers of onnx.proto3.
MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INPUT, GRAPH_OUTPUT = 1, 11, 12
NODE_INPUT, NODE_OUTPUT = 1, 2
VALUE_NAME, VALUE_TYPE = 1, 2
TYPE_TENSOR = 1
TENSOR_ELEMENT, TENSOR_SHAPE = 1, 2
SHAPE_DIMENSION = 1
DIMENSION_VALUE, DIMENSION_NAME = 1, 2
FLOAT = 1  # TensorProto.DataType.FLOAT

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@attrs.frozen(kw_only=True)
class Cut:
    """One tensor to open.

    Parameters
    ----------
    tensor
        Name of the tensor inside the graph.
    output
        Whether the tensor becomes a graph output, under its own name.
    feed
        Name of the new graph input that the tensor's consumers read instead; None leaves them.
    shape
        Dimensions of the tensor: an int, or a name for a free one.
    """

    tensor: str
    output: bool = True
    feed: str | None = None
    shape: Sequence[int | str] = ()


def cut(model: bytes, cuts: Sequence[Cut]) -> bytes:
    """Return the model with every tensor of ``cuts`` opened.

    Parameters
    ----------
    model
        A serialized ``ModelProto`` whose weights are inside the file.
    cuts
        What to open, all float32.

    Raises
    ------
    AssetError
        If the bytes are no ONNX model, or a tensor is produced by no node of it.

    Example
    -------
    >>> cut(b"", [])
    Traceback (most recent call last):
    ...
    spatialdrama.errors.AssetError: the ONNX model has no graph: 0 bytes read; fetch the file again
    """
    pieces, found = [], False
    for number, wire, value, raw in _fields(memoryview(model)):
        if number == MODEL_GRAPH and wire == BYTES:
            found = True
            pieces.extend(_record(MODEL_GRAPH, _cut_graph(value, cuts)))
        else:
            pieces.append(raw)
    if not found:
        raise AssetError(
            f"the ONNX model has no graph: {len(model)} bytes read; fetch the file again"
        )
    return b"".join(pieces)


def _cut_graph(graph: memoryview, cuts: Sequence[Cut]) -> list[bytes]:
    renames = {c.tensor.encode(): c.feed.encode() for c in cuts if c.feed}
    missing = {c.tensor.encode() for c in cuts}
    pieces: list[bytes] = []
    for number, wire, value, raw in _fields(graph):
        if number == GRAPH_NODE and wire == BYTES:
            node, outputs = _rename_inputs(value, renames)
            missing -= outputs
            pieces.extend(_record(GRAPH_NODE, [node]) if node is not None else [raw])
        else:
            pieces.append(raw)
    if missing:
        names = ", ".join(sorted(name.decode() for name in missing))
        raise AssetError(
            f"the ONNX model has no tensor {names}: it is another export than the one this voice "
            "was written for; fetch the asset that the voice names"
        )
    for c in cuts:
        if c.feed:
            pieces.extend(_record(GRAPH_INPUT, [_value_info(c.feed, c.shape)]))
        if c.output:
            pieces.extend(_record(GRAPH_OUTPUT, [_value_info(c.tensor, c.shape)]))
    return pieces


def _rename_inputs(
    node: memoryview, renames: Mapping[bytes, bytes]
) -> tuple[bytes | None, set[bytes]]:
    """Return the node with renamed inputs (None when nothing changed) and its output names."""
    pieces, outputs, changed = [], set(), False
    for number, wire, value, raw in _fields(node):
        if number == NODE_INPUT and wire == BYTES and bytes(value) in renames:
            pieces.extend(_record(NODE_INPUT, [renames[bytes(value)]]))
            changed = True
            continue
        if number == NODE_OUTPUT and wire == BYTES:
            outputs.add(bytes(value))
        pieces.append(raw)
    return (b"".join(pieces) if changed else None), outputs


def _value_info(name: str, shape: Sequence[int | str]) -> bytes:
    """A ``ValueInfoProto`` of a float32 tensor."""
    dimensions = []
    for size in shape:
        if isinstance(size, int):
            content = _varint(DIMENSION_VALUE << 3 | VARINT) + _varint(size)
        else:
            content = b"".join(_record(DIMENSION_NAME, [size.encode()]))
        dimensions.extend(_record(SHAPE_DIMENSION, [content]))
    tensor = [_varint(TENSOR_ELEMENT << 3 | VARINT) + _varint(FLOAT)]
    tensor.extend(_record(TENSOR_SHAPE, dimensions))
    kind = _record(TYPE_TENSOR, tensor)
    return b"".join([*_record(VALUE_NAME, [name.encode()]), *_record(VALUE_TYPE, kind)])


def _fields(message: memoryview) -> Iterator[tuple[int, int, memoryview, memoryview]]:
    """Walk one message: (field number, wire type, content, the field as it stands)."""
    position, end = 0, len(message)
    while position < end:
        start = position
        tag, position = _read_varint(message, position)
        number, wire = tag >> 3, tag & 7
        begin = position
        if wire == VARINT:
            _, position = _read_varint(message, position)
        elif wire == FIXED64:
            position += 8
        elif wire == FIXED32:
            position += 4
        elif wire == BYTES:
            length, begin = _read_varint(message, position)
            position = begin + length
        else:
            raise AssetError(
                f"not an ONNX file: wire type {wire} at byte {start}; fetch the asset again"
            )
        if position > end:
            raise AssetError(
                f"the ONNX file ends early: byte {position} wanted of {end}; fetch the asset again"
            )
        yield number, wire, message[begin:position], message[start:position]


def _read_varint(data: memoryview, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(data) or shift > 63:
            raise AssetError(
                f"the ONNX file is damaged at byte {position} of {len(data)}; fetch it again"
            )
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
        shift += 7


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _record(number: int, pieces: Sequence[bytes]) -> list[bytes]:
    """A length-delimited field, as pieces so that large contents are copied once only."""
    length = sum(len(piece) for piece in pieces)
    return [_varint(number << 3 | BYTES) + _varint(length), *pieces]
