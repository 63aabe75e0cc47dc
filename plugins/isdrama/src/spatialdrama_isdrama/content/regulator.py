"""The length regulator: each phone's state as often as it has frames (FastSpeech; paper 4.2)."""

from __future__ import annotations

import torch

from spatialdrama.errors import ValidationError
from spatialdrama_isdrama.layers import masked


def phone_of_frame(
    frames: torch.Tensor, total: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return which phone sounds in each frame, and the mask of frames that are there.

    Parameters
    ----------
    frames
        (b, k) whole numbers from 0 on; 0 where the padding is.
    total
        t; the longest item without it.

    Returns
    -------
    phone
        (b, t) int64, from 0 to k - 1; k - 1 in the padding.
    mask
        (b, t) bool.

    Raises
    ------
    ValidationError
        If frames are no whole numbers, below 0, or more than `total`.

    Example
    -------
    >>> phone_of_frame(torch.tensor([[2, 0, 1]]))
    (tensor([[0, 0, 2]]), tensor([[True, True, True]]))
    """
    if frames.ndim != 2 or frames.is_floating_point() or not frames.shape[1]:
        raise ValidationError(
            f"frames must be whole numbers (b, k) of at least one phone; got "
            f"{tuple(frames.shape)} {frames.dtype}"
        )
    if frames.numel() and int(frames.min()) < 0:
        raise ValidationError(f"a phone cannot have {int(frames.min())} frames")
    ends = frames.long().cumsum(1)
    lengths = ends[:, -1]
    longest = int(lengths.max()) if lengths.numel() else 0
    total = longest if total is None else total
    if longest > total:
        raise ValidationError(
            f"the phones have {longest} frames together, more than the {total} asked for; "
            "fit the durations first"
        )
    time = torch.arange(total, device=frames.device).expand(len(frames), total)
    # A phone sounds in frame i if it is the first that ends behind i.
    phone = torch.searchsorted(ends, time.contiguous(), right=True)
    return phone.clamp(max=frames.shape[1] - 1), time < lengths[:, None]


def regulate(
    states: torch.Tensor, frames: torch.Tensor, total: int | None = None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the states on frames, and the mask of frames that are there.

    Parameters
    ----------
    states
        (b, k, d).
    frames
        (b, k) whole numbers; 0 where the padding is.
    total
        t; the longest item without it. Frames are padded to a multiple of 4 with it.

    Returns
    -------
    z_c
        (b, t, d), zero behind an item's last frame; each value is a state's, bit for bit.
    mask
        (b, t) bool.

    Raises
    ------
    ValidationError
        As :func:`phone_of_frame`.

    Example
    -------
    >>> states = torch.tensor([[[1.0], [2.0]]])
    >>> regulate(states, torch.tensor([[1, 2]]), total=4)[0].flatten()
    tensor([1., 2., 2., 0.])
    """
    if states.shape[:2] != frames.shape:
        raise ValidationError(
            f"each of the {tuple(states.shape[:2])} phones has a number of frames; got "
            f"{tuple(frames.shape)}"
        )
    phone, mask = phone_of_frame(frames, total)
    index = phone[..., None].expand(-1, -1, states.shape[-1])
    return masked(torch.gather(states, 1, index), mask), mask


def in_phone(
    frames: torch.Tensor, total: int | None = None, dtype: torch.dtype = torch.float32
) -> torch.Tensor:
    """Return where in its phone each frame lies: three features that the states do not tell.

    Parameters
    ----------
    frames, total
        As :func:`regulate`.
    dtype
        Of the result; it is computed in float64, so that devices agree.

    Returns
    -------
    (b, t, 3)
        (i + 1/2) / n of frame i of n; sin of pi times that, greatest in the middle; log(1 + n).
        Zero in the padding.

    Example
    -------
    >>> in_phone(torch.tensor([[2]]))[0, :, 0]
    tensor([0.2500, 0.7500])
    """
    phone, mask = phone_of_frame(frames, total)
    starts = frames.long().cumsum(1) - frames
    length = torch.gather(frames.long(), 1, phone).double()
    time = torch.arange(phone.shape[1], device=frames.device)
    place = (time - torch.gather(starts, 1, phone) + 0.5) / length.clamp(min=1)
    features = torch.stack([place, (torch.pi * place).sin(), length.log1p()], dim=-1)
    return masked(features.to(dtype), mask)
