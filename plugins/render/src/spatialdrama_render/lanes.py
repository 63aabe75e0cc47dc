"""Eight numbers side by side: what the sample kernels count in.

A compiler that is left to find eight-wide loops by itself checks at run time, loop by loop, whether
arrays overlap, and keeps sums in memory; the same loops written with :func:`load`, :func:`spread`,
:func:`store` and ``+ - *`` run two to three times as fast. On a processor whose registers are
narrower than eight floats the compiler takes two for one.
"""

from __future__ import annotations

import operator
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic, models, overload, register_model

#: How many float32 one value holds.
WIDTH = 8
_VECTOR = ir.VectorType(ir.FloatType(), WIDTH)
_UNKNOWN = ir.Constant(_VECTOR, ir.Undefined)
_INDEX = ir.IntType(32)


class _Lanes(types.Type):
    def __init__(self) -> None:
        super().__init__(name="Lanes(8 x float32)")


_LANES = _Lanes()


@register_model(_Lanes)
class _Model(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _VECTOR)


def _place(context: Any, builder: Any, kinds: Any, args: Any) -> Any:
    """Return where in an array's memory the number at an index lies."""
    array = context.make_array(kinds[0])(context, builder, args[0])
    one = not isinstance(kinds[1], types.BaseTuple)
    places = [args[1]] if one else [
        builder.extract_value(args[1], a) for a in range(len(kinds[1]))
    ]  # fmt: skip
    of = [kinds[1]] if one else list(kinds[1])
    places = [context.cast(builder, p, t, types.intp) for p, t in zip(places, of, strict=True)]
    at = builder.bitcast(array.data, ir.IntType(8).as_pointer())
    for axis, place in enumerate(places[:-1]):
        step = builder.extract_value(array.strides, axis)
        at = builder.gep(at, [builder.mul(place, step)])
    at = builder.bitcast(at, ir.FloatType().as_pointer())
    return builder.gep(at, [places[-1]])


@intrinsic
def load(typingctx, array, index):
    """Return eight float32 of an array, from an index on; the last axis is contiguous.

    Nothing is checked: all eight must be there.
    """

    def code(context, builder, sig, args):
        place = _place(context, builder, sig.args, args)
        return builder.load(builder.bitcast(place, _VECTOR.as_pointer()), align=4)

    return _LANES(array, index), code


@intrinsic
def store(typingctx, array, index, value):
    """Write eight numbers into a float32 array, from an index on; see :func:`load`."""

    def code(context, builder, sig, args):
        place = _place(context, builder, sig.args, args)
        builder.store(args[2], builder.bitcast(place, _VECTOR.as_pointer()), align=4)
        return context.get_dummy_value()

    return types.void(array, index, _LANES), code


@intrinsic
def splat(typingctx, value):
    """Return one number eight times."""

    def code(context, builder, sig, args):
        return _spread(builder, context.cast(builder, args[0], sig.args[0], types.float32))

    return _LANES(value), code


@intrinsic
def spread(typingctx, array, index):
    """Return the float32 at an index of an array eight times; nothing is checked."""

    def code(context, builder, sig, args):
        return _spread(builder, builder.load(_place(context, builder, sig.args, args)))

    return _LANES(array, index), code


def _spread(builder: Any, number: Any) -> Any:
    first = builder.insert_element(_UNKNOWN, number, ir.Constant(_INDEX, 0))
    zeros = ir.Constant(ir.VectorType(_INDEX, WIDTH), [0] * WIDTH)
    return builder.shuffle_vector(first, _UNKNOWN, zeros)


@intrinsic
def total(typingctx, value):
    """Return the sum of the eight, pair by pair."""

    def code(context, builder, sig, args):
        (v,) = args
        for half in (4, 2, 1):
            order = [(k + half) % WIDTH for k in range(WIDTH)]
            other = ir.Constant(ir.VectorType(_INDEX, WIDTH), order)
            v = builder.fadd(v, builder.shuffle_vector(v, _UNKNOWN, other))
        return builder.extract_element(v, ir.Constant(_INDEX, 0))

    return types.float32(_LANES), code


def _binary(operators: tuple[Any, ...], instruction: str) -> None:
    @intrinsic
    def both(typingctx, a, b):
        def code(context, builder, sig, args):
            return getattr(builder, instruction)(*args)

        return _LANES(_LANES, _LANES), code

    def chosen(a, b):
        if isinstance(a, _Lanes) and isinstance(b, _Lanes):
            return lambda a, b: both(a, b)
        return None

    for each in operators:
        overload(each)(chosen)


_binary((operator.add, operator.iadd), "fadd")
_binary((operator.sub, operator.isub), "fsub")
_binary((operator.mul, operator.imul), "fmul")
