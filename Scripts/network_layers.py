"""Counts what a network's operations cost, layer by layer, without weights or a framework.

A shape is a tuple without the batch dimension: (channels, height, width), (tokens, width) or
(width,). Every method appends the operations that an engine would run and gives the shape that
comes out. Sources/ServingDomain/Cost/KernelCost.swift says what the numbers mean.
"""

from math import prod

FLOAT = 4


class Layers:
    """One network under construction."""

    def __init__(self, name, shape, item_bytes=None):
        self.name = name
        self.shape = shape
        self.input_bytes = item_bytes or FLOAT * prod(shape)
        self.rows = []
        self.parameters = 0
        self.stored = 0

    @property
    def output_bytes(self):
        return self.rows[-1][5]

    @property
    def macs(self):
        return sum(row[2] for row in self.rows) // 2

    def op(self, kind, reads, out, macs=0, weights=0, shifted=False):
        """One operation: values read and written by one item, steps, values of weights."""
        self.rows.append(
            (kind, shifted, 2 * macs, FLOAT * weights, FLOAT * reads, FLOAT * prod(out))
        )
        return tuple(out)

    def holds(self, parameters, stored=None):
        """Trainable values as publications count them, and values in the file."""
        self.parameters += parameters
        self.stored += parameters if stored is None else stored

    # Layers over (channels, height, width).

    def conv(self, x, filters, kernel=1, stride=1, padding=None, groups=1, norm="batch", act=True):
        """A convolution; norm is 'batch' (folded), 'bias' or None; padding None keeps the size."""
        rows, columns = kernel if isinstance(kernel, tuple) else (kernel, kernel)
        pads = (rows // 2, columns // 2) if padding is None else (padding, padding)
        out = (
            filters,
            (x[1] + 2 * pads[0] - rows) // stride + 1,
            (x[2] + 2 * pads[1] - columns) // stride + 1,
        )
        fan_in = x[0] // groups * rows * columns
        shift = filters if norm else 0
        self.holds(filters * fan_in + shift * (2 if norm == "batch" else 1), filters * fan_in + shift)
        if groups > 1:
            kind = "depthwise"
        elif (rows, columns, stride) == (3, 3, 1):
            kind = "conv3x3"
        else:
            kind = "conv"
        self.op(
            kind,
            prod(x),
            out,
            macs=prod(out) * fan_in,
            weights=filters * fan_in + shift,
            shifted=norm is not None,
        )
        return self.act(out) if act else out

    def depthwise(self, x, kernel, stride=1, norm="batch", act=True):
        return self.conv(x, x[0], kernel, stride, groups=x[0], norm=norm, act=act)

    def norm_act(self, x):
        """Batch normalisation that can't be folded, and its activation."""
        self.holds(2 * x[0], 4 * x[0])
        return self.act(self.op("normalise", prod(x), x, weights=4 * x[0]))

    def pool(self, x, kernel, stride, padding=0, rounds_up=False):
        def size(length):
            room = length + 2 * padding - kernel
            if not rounds_up:
                return room // stride + 1
            steps = -(-room // stride) + 1
            return steps - 1 if (steps - 1) * stride >= length + padding else steps

        return self.op("pool", prod(x), (x[0], size(x[1]), size(x[2])))

    def mean(self, x):
        self.op("pool", prod(x), (x[0], 1, 1))
        return (x[0],)

    def concat(self, parts):
        out = (sum(part[0] for part in parts), *parts[0][1:])
        return self.op("copy", prod(out), out)

    # Layers over any shape.

    def act(self, x):
        return self.op("elementwise", prod(x), x)

    def add(self, x, act=False):
        self.op("elementwise", 2 * prod(x), x)
        return self.act(x) if act else x

    def copy(self, x, out=None):
        return self.op("copy", prod(out or x), out or x)

    def dense(self, x, outputs, act=False):
        """A matrix product over the last dimension, with a bias."""
        weights = x[-1] * outputs + outputs
        self.holds(weights)
        out = (*x[:-1], outputs)
        self.op("matmul", prod(x), out, macs=prod(x) * outputs, weights=weights)
        return self.act(out) if act else out

    # Layers over (tokens, width).

    def layer_norm(self, x):
        self.holds(2 * x[-1])
        return self.op("normalise", prod(x), x, weights=2 * x[-1])

    def look_up(self, rows, out):
        self.holds(rows * out[-1])
        return self.copy(out)

    def product(self, one, other):
        out = (*one[:-1], other[-1])
        return self.op("attend", prod(one) + prod(other), out, macs=prod(one) * other[-1])

    def attention(self, x, heads, joint=False):
        """Self-attention with its output projection; `joint` makes all three inputs at once."""
        tokens, width = x
        depth = width // heads
        if joint:
            self.dense(x, 3 * width)
        else:
            for _ in range(3):
                self.dense(x, width)
        queries = self.copy(x, (heads, tokens, depth))
        keys = self.copy(x, (heads, depth, tokens))
        values = self.copy(x, (heads, tokens, depth))
        scores = self.product(queries, keys)
        self.act(scores)
        self.op("normalise", prod(scores), scores)
        mixed = self.product(scores, values)
        self.copy(mixed, (tokens, heads, depth))
        return self.dense(x, width)
