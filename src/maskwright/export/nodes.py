"""Writing ONNX nodes by hand: a list that grows, and antialiased resizing as two matrix products.

Knows onnx; knows nothing of torch or of model descriptions.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper


@dataclass
class Nodes:
    """Nodes and constants of one stretch of a graph. prefix: keeps its names apart from those of others."""

    prefix: str
    nodes: list[NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def add(self, operation: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        """Append a node and return the name of its output."""
        name = f"{self.prefix}/{operation}_{len(self.nodes)}"
        output = output or name
        self.nodes.append(helper.make_node(operation, list(inputs), [output], name=name, **attributes))
        return output

    def constant(self, value: NDArray[Any]) -> str:
        """Add a constant and return its name; equal constants are kept once."""
        tensor = numpy_helper.from_array(np.array(value, order="C"))
        for known in self.constants:
            if (known.data_type, known.dims, known.raw_data) == (tensor.data_type, tensor.dims, tensor.raw_data):
                return known.name
        tensor.name = f"{self.prefix}/constant_{len(self.constants)}"
        self.constants.append(tensor)
        return tensor.name

    def float(self, *values: float) -> str:
        """Add float32 numbers as a constant: a scalar for one, else a line."""
        return self.constant(np.asarray(values[0] if len(values) == 1 else values, np.float32))

    def integers(self, *values: int) -> str:
        """Add int64 numbers as a constant line."""
        return self.constant(np.asarray(values, np.int64))

    def side(self, tensor: str, axis: int) -> str:
        """Return the length of one axis of a tensor, as an int64 scalar."""
        shape = self.add("Shape", tensor)
        return self.add("Gather", shape, self.constant(np.asarray(axis, np.int64)), axis=0)

    def resize_weights(self, n_in: str, n_out: str, *, transposed: bool) -> str:
        """Return antialias weights (n_out, n_in), or (n_in, n_out) if transposed, for two int64 scalars.

        The same arithmetic as `images.resize.resize_matrix`, which equals torch's: float32 in the same order.
        """
        one, half = self.float(1.0), self.float(0.5)
        scale = self._quotient(n_in, n_out)
        support = self.add("Max", scale, one)
        center = self.add("Mul", scale, self.add("Add", self._count(n_out), half))
        pixel = self._count(n_in)
        new_axis = self.integers(1)
        if transposed:
            pixel = self.add("Unsqueeze", pixel, new_axis)
        else:
            center = self.add("Unsqueeze", center, new_axis)
        distance = self.add("Add", self.add("Sub", pixel, center), half)
        distance = self.add("Mul", distance, self.add("Div", one, support))
        weights = self.add("Relu", self.add("Sub", one, self.add("Abs", distance)))
        total = self.add("ReduceSum", weights, self.integers(0 if transposed else 1), keepdims=1)
        return self.add("Div", weights, total)

    def _quotient(self, number: str, divisor: str) -> str:
        """Return the float32 nearest to the quotient of two int64 scalars, by long division, 10 bits at a time.

        OpenVINO computes a / b as a * (1 / b), which rounds a quarter of all quotients to the neighbour, and that
        shifts every weight of a resize by up to 2e-5. Its division of integers is exact up to 2 ** 24. Exact for
        sides up to 16384 and quotients from 1/64 to 16384; beyond, the last bit may differ.
        """
        base, one = self.constant(np.asarray(1024, np.int64)), self.constant(np.asarray(1, np.int64))
        digits = [self._as_float(self.add("Div", number, divisor))]
        for _ in range(3):
            number = self.add("Mul", self.add("Mod", number, divisor), base)
            digits.append(self._as_float(self.add("Div", number, divisor)))
        rest = self._as_float(self.add("Min", self.add("Mod", number, divisor), one))
        # Both parts are exact, so their sum is rounded once; of the rest it only matters whether there is one.
        upper = self.add("Add", digits[0], self.add("Mul", digits[1], self.float(2.0**-10)))
        lower = self.add("Add", self.add("Mul", digits[2], self.float(2.0**10)), digits[3])
        lower = self.add("Add", lower, self.add("Mul", rest, self.float(0.5)))
        return self.add("Add", upper, self.add("Mul", lower, self.float(2.0**-30)))

    def _as_float(self, name: str) -> str:
        return self.add("Cast", name, to=TensorProto.FLOAT)

    def _count(self, n: str) -> str:
        """Return 0, 1, ... n - 1 as float32."""
        zero, one = self.constant(np.asarray(0, np.int64)), self.constant(np.asarray(1, np.int64))
        return self._as_float(self.add("Range", zero, n, one))
