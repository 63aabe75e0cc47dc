"""The wire-format editor against the ``onnx`` package and the runtime."""

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from spatialdrama_speech.onnx_edit import Cut, cut

from spatialdrama.errors import AssetError


@pytest.fixture
def model():
    """sum = relu(x * 3) + relu(x * 3): the tensor "middle" has two consumers."""
    nodes = [
        helper.make_node("Mul", ["x", "three"], ["scaled"], name="first"),
        helper.make_node("Relu", ["scaled"], ["middle"], name="second"),
        helper.make_node("Add", ["middle", "middle"], ["sum"], name="third"),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, "k"])],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, [1, "k"])],
        [helper.make_tensor("three", TensorProto.FLOAT, [1], [3.0])],
    )
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


def run(model, outputs, feeds):
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    arrays = {name: np.array(value, np.float32) for name, value in feeds.items()}
    return session.run(outputs, arrays)


def test_an_opened_tensor_is_read_and_written(model):
    opened = cut(model, [Cut(tensor="middle", feed="instead", shape=(1, "k"))])
    onnx.checker.check_model(onnx.load_from_string(opened), full_check=True)
    middle, total = run(opened, ["middle", "sum"], {"x": [[1, -1]], "instead": [[10, 20]]})
    np.testing.assert_array_equal(middle, [[3, 0]])
    np.testing.assert_array_equal(total, [[20, 40]])


def test_an_output_alone_leaves_the_graph_as_it_was(model):
    opened = cut(model, [Cut(tensor="scaled", shape=(1, "k"))])
    scaled, total = run(opened, ["scaled", "sum"], {"x": [[1, -1]]})
    np.testing.assert_array_equal(scaled, [[3, -3]])
    np.testing.assert_array_equal(total, [[6, 0]])


def test_no_cut_gives_the_same_model(model):
    assert onnx.load_from_string(cut(model, [])) == onnx.load_from_string(model)


def test_declared_shapes_are_what_onnx_reads(model):
    opened = onnx.load_from_string(
        cut(model, [Cut(tensor="middle", feed="instead", shape=(1, "k"))])
    )
    (value,) = (v for v in opened.graph.input if v.name == "instead")
    assert value.type.tensor_type.elem_type == TensorProto.FLOAT
    dimensions = value.type.tensor_type.shape.dim
    assert [d.dim_value or d.dim_param for d in dimensions] == [1, "k"]


def test_a_tensor_that_is_not_there_is_named(model):
    with pytest.raises(AssetError, match="no tensor elsewhere"):
        cut(model, [Cut(tensor="elsewhere")])


@pytest.mark.parametrize("damage", [lambda m: m[:-7], lambda m: b"", lambda m: b"\x07" + m])
def test_damaged_files_are_refused(model, damage):
    with pytest.raises(AssetError):
        cut(damage(model), [Cut(tensor="middle")])
