"""The selective scan in plain torch, exact, by chunks of time.

Memory is what makes a long scan hard: the states h (b, t, n, d) are n times the input (1500 frames,
1536 channels and 16 states are 147 MB an item, and autograd would keep several of their size for
each layer). So the forward pass keeps only the state in front of each chunk, and the backward pass
walks the chunks from last to first and computes the states of each once more.

Nothing is divided: the products of exp(delta A) only shrink, so a step that forgets everything
gives a zero and not 0/0, as it would if states were scaled by the exponent of a running sum.
"""

from __future__ import annotations

import itertools
import math

import torch

from spatialdrama.errors import ValidationError

# Numbers in one buffer of a chunk (of which the backward pass has six).
CPU_NUMBERS = 2**19
CUDA_NUMBERS = 2**23
SHORTEST, LONGEST = 8, 256


def chunk_length(numbers: int, device: torch.device) -> int:
    """Return how many steps a chunk has whose states have b * n * d = `numbers` numbers a step.

    On a CPU a chunk's buffers should stay in the cache; on CUDA a chunk should be long enough that
    starting its kernels costs less than they do.

    Example
    -------
    >>> chunk_length(1536 * 16, torch.device("cpu"))
    21
    """
    room = CPU_NUMBERS if device.type == "cpu" else CUDA_NUMBERS
    return min(max(room // max(numbers, 1), SHORTEST), LONGEST)


# A compiler would unroll thousands of steps; it goes around this and compiles the rest.
@torch.compiler.disable
def scan_chunked(
    u: torch.Tensor,
    delta: torch.Tensor,
    A: torch.Tensor,
    B: torch.Tensor,
    C: torch.Tensor,
    *,
    chunk: int | None = None,
    lanes: int | None = None,
) -> torch.Tensor:
    """Return what :func:`~.loop.scan_loop` returns, faster and in bounded memory.

    Parameters
    ----------
    u, delta
        (b, d, t), float32, float64, bfloat16 or float16.
    A
        (d, n).
    B, C
        (b, n, t).
    chunk
        Steps in a chunk; None: :func:`chunk_length`.
    lanes
        Pieces of a chunk that are scanned side by side and then joined: fewer steps one after the
        other, half as much work again. None: 1 on a CPU, about the root of the chunk on CUDA.

    Returns
    -------
    y
        (b, d, t), float32 (float64 if u is), as the states are.

    Raises
    ------
    ValidationError
        In the backward pass, if it is to be differentiated again.

    Example
    -------
    >>> one = torch.ones(1, 1, 3)
    >>> scan_chunked(one, one, torch.zeros(1, 1), one, one, chunk=2).flatten()
    tensor([1., 2., 3.])
    """
    if u.shape[2] == 0 or u.shape[0] == 0:
        return u * 0.0
    if chunk is None:
        chunk = chunk_length(u.shape[0] * A.numel(), u.device)
    chunk = min(chunk, u.shape[2])
    if lanes is None:
        lanes = 1 if u.device.type == "cpu" else math.isqrt(chunk)
    return _Scan.apply(u, delta, A, B, C, chunk, lanes)


def _scan_rows(decay, drive, start, lanes: int, reverse: bool = False) -> None:
    """Put h_i = decay_i h_(i-1) + drive_i into `drive`; rows first, `start` before the first row.

    With `reverse` the row before is the row after, and `start` follows the last.
    """
    rows = len(drive)
    whole = rows // lanes * lanes if lanes > 1 and rows > lanes else 0
    if not reverse and whole:
        _scan_lanes(decay[:whole], drive[:whole], start, lanes, reverse)
        start = drive[whole - 1]
    order = range(rows - 1, whole - 1, -1) if reverse else range(whole, rows)
    decays, drives = decay.unbind(0), drive.unbind(0)
    state = start
    for i in order:
        state = drives[i].addcmul_(decays[i], state)
    if reverse and whole:
        _scan_lanes(decay[:whole], drive[:whole], state, lanes, reverse)


def _scan_lanes(decay, drive, start, lanes: int, reverse: bool) -> None:
    """Scan `lanes` pieces of the rows side by side from nothing, then add what each began with."""
    steps = len(drive) // lanes
    drives = drive.unflatten(0, (lanes, steps)).unbind(1)
    # The decay from the beginning of a piece up to each of its rows.
    since = decay.clone().unflatten(0, (lanes, steps))
    sinces = since.unbind(1)
    order = list(range(steps - 1, -1, -1) if reverse else range(steps))
    for before, i in itertools.pairwise(order):
        drives[i].addcmul_(sinces[i], drives[before])
        sinces[i].mul_(sinces[before])
    last = order[-1]
    begins = [start] * lanes
    state = start
    for lane in range(lanes - 1, -1, -1) if reverse else range(lanes):
        begins[lane] = state
        state = torch.addcmul(drives[last][lane], sinces[last][lane], state)
    drive.unflatten(0, (lanes, steps)).addcmul_(since, torch.stack(begins)[:, None])


def _rows(x: torch.Tensor, begin: int, end: int, dtype: torch.dtype) -> torch.Tensor:
    """Return the steps `begin` to `end` of x (b, c, t) with time first, (rows, b, c)."""
    return x[:, :, begin:end].permute(2, 0, 1).to(dtype).contiguous()


class _Chunk:
    """The numbers of one chunk: time first, then b, n and d, so that the longest axis is last."""

    def __init__(self, saved, begin: int, end: int, decay: torch.Tensor, states: torch.Tensor):
        u, delta, self.A, B, C = saved
        dtype = states.dtype
        self.u, self.delta = _rows(u, begin, end, dtype), _rows(delta, begin, end, dtype)
        self.B, self.C = _rows(B, begin, end, dtype), _rows(C, begin, end, dtype)
        self.decay, self.states = decay[: end - begin], states[: end - begin]

    def scan(self, start: torch.Tensor, lanes: int) -> None:
        """Fill `decay` and `states` (rows, b, n, d)."""
        torch.mul(self.delta[:, :, None], self.A, out=self.decay).exp_()
        torch.mul((self.delta * self.u)[:, :, None], self.B[..., None], out=self.states)
        _scan_rows(self.decay, self.states, start, lanes)


class _Scan(torch.autograd.Function):
    """The chunks forward, and backward with the states of each computed once more."""

    @staticmethod
    def forward(ctx, u, delta, A, B, C, chunk: int, lanes: int):
        dtype = torch.float64 if u.dtype == torch.float64 else torch.float32
        saved = (u, delta, A.detach().to(dtype).t().contiguous(), B, C)
        (batch, width, length), states_width = u.shape, A.shape[1]
        shape = (chunk, batch, states_width, width)
        decay, states = u.new_empty(shape, dtype=dtype), u.new_empty(shape, dtype=dtype)
        y = u.new_empty((length, batch, width), dtype=dtype)
        state = u.new_zeros(shape[1:], dtype=dtype)
        keep = any(ctx.needs_input_grad)
        starts = []
        with torch.autocast(u.device.type, enabled=False):
            for begin in range(0, length, chunk):
                end = min(begin + chunk, length)
                if keep:
                    starts.append(state)
                part = _Chunk(saved, begin, end, decay, states)
                part.scan(state, lanes)
                y[begin:end] = (part.C[:, :, None] @ part.states)[:, :, 0]
                # Its own copy: the buffer is written again by the next chunk.
                state = part.states[-1].clone()
        if keep:
            ctx.save_for_backward(*saved, torch.stack(starts))
        ctx.chunk, ctx.lanes, ctx.dtypes = chunk, lanes, [x.dtype for x in (u, delta, A, B, C)]
        return y.permute(1, 2, 0)

    @staticmethod
    def backward(ctx, dy):
        # Autograd would take the gradients for constants and give a wrong second derivative.
        if torch.is_grad_enabled():
            raise ValidationError(
                "the chunked scan has no second derivative, and create_graph=True asks for one; "
                "use scan.loop.scan_loop"
            )
        *saved, starts = ctx.saved_tensors
        with torch.autocast(dy.device.type, enabled=False):
            grads = _backward(saved, starts, dy, ctx.chunk, ctx.lanes)
        return *(g.to(dtype) for g, dtype in zip(grads, ctx.dtypes, strict=True)), None, None


def _backward(saved, starts, dy, chunk: int, lanes: int) -> tuple[torch.Tensor, ...]:
    """Return the gradients of u, delta, A, B, C.

    With g_t the gradient of h_t, g_t = C_t dy_t + exp(delta_(t+1) A) g_(t+1): a scan from the end,
    whose decays are those of the states, one step on.
    """
    u, A = saved[0], saved[2]
    (batch, width, length), n, dtype = u.shape, A.shape[0], starts.dtype
    shape = (chunk, batch, n, width)
    decay = u.new_empty((chunk + 1, *shape[1:]), dtype=dtype)
    states = u.new_empty((chunk + 1, *shape[1:]), dtype=dtype)
    adjoint, spare = u.new_empty(shape, dtype=dtype), u.new_empty(shape, dtype=dtype)
    du, ddelta = (u.new_empty((length, batch, width), dtype=dtype) for _ in range(2))
    dB, dC = (u.new_empty((length, batch, n), dtype=dtype) for _ in range(2))
    dA = torch.zeros_like(A)
    later = u.new_zeros(shape[1:], dtype=dtype)  # g of the step after the chunk
    later_decay = torch.zeros_like(later)
    for k in range(len(starts) - 1, -1, -1):
        begin, end = k * chunk, min((k + 1) * chunk, length)
        rows, here = end - begin, slice(begin, end)
        states[0], decay[rows] = starts[k], later_decay
        part = _Chunk(saved, begin, end, decay, states[1:])
        part.scan(starts[k], lanes)
        out = _rows(dy, begin, end, dtype)
        g = torch.mul(part.C[..., None], out[:, :, None], out=adjoint[:rows])
        _scan_rows(decay[1 : rows + 1], g, later, lanes, reverse=True)
        # A row times a matrix: as a matrix times a column these take nine times as long on a CPU.
        dC[here] = (out[:, :, None] @ part.states.mT)[:, :, 0]
        dB[here] = ((part.delta * part.u)[:, :, None] @ g.mT)[:, :, 0]
        through = (part.B[:, :, None] @ g)[:, :, 0]  # gradient of delta * u
        du[here] = through * part.delta
        # Gradient of delta A: g_t h_(t-1) exp(delta_t A).
        q = torch.mul(g, states[:rows], out=spare[:rows]).mul_(part.decay)
        later, later_decay = g[0].clone(), decay[0].clone()
        weighted = torch.mul(q, A, out=g)
        ddelta[here] = weighted.sum(2).addcmul_(through, part.u)
        dA += q.mul_(part.delta[:, :, None]).sum((0, 1))
    du, ddelta, dB, dC = (x.permute(1, 2, 0) for x in (du, ddelta, dB, dC))
    return du, ddelta, dA.t(), dB, dC
