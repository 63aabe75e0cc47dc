"""Log-mel spectrograms of both ears, in torch and differentiable (paper C.1, C.5; E5).

The numbers are librosa's: ``log10(max(melspectrogram(power=1), 1e-5))`` with a centred periodic
Hann window of 1024 samples every 256, reflected at the ends. Nothing is normalised: a level that
one ear lost against the other would be lost for good.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import functional as F

from spatialdrama.dsp.mel import mel_matrix
from spatialdrama.errors import ValidationError

from ..layers import widened
from .config import FRAMES_PER_LATENT, MelConfig


@lru_cache(maxsize=16)
def mel_weights(config: MelConfig, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return the mel matrix (f, window // 2 + 1) as a tensor, made once.

    Examples
    --------
    >>> mel_weights(MelConfig(), torch.float32, torch.device("cpu")).shape
    torch.Size([80, 513])
    """
    matrix = mel_matrix(
        rate=config.rate,
        n_fft=config.window,
        bands=config.bands,
        low=config.low,
        high=config.high,
    )
    # Made in inference mode it could never be trained through, and it is kept.
    with torch.inference_mode(False):
        return torch.tensor(matrix, dtype=dtype, device=device)


@lru_cache(maxsize=16)
def hann(length: int, dtype: torch.dtype, device: torch.device) -> torch.Tensor:
    """Return the periodic Hann window, made once.

    Examples
    --------
    >>> hann(4, torch.float32, torch.device("cpu")).tolist()
    [0.0, 0.5, 1.0, 0.5]
    """
    with torch.inference_mode(False):
        return torch.hann_window(length, periodic=True, dtype=torch.float64).to(device, dtype)


def frames_of(samples: int, config: MelConfig) -> int:
    """Return how many frames a sound has: samples / hop, rounded up.

    Examples
    --------
    >>> frames_of(48_000, MelConfig()), frames_of(48_128, MelConfig())
    (188, 188)
    """
    return -(-samples // config.hop)


def mel_of(
    samples: torch.Tensor, config: MelConfig, lengths: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the log-mel spectrogram of each ear.

    Frame t looks at the samples around ``t * hop``. The sound is lengthened with zeros to a whole
    number of hops, and of the centred frames of that the last, which lies on the very end, is left
    out: t frames stand for t * hop samples.

    Parameters
    ----------
    samples : tensor, shape (b, e, n)
        float32 or float64, at ``config.rate``; anything narrower is computed in float32.
    config : MelConfig
    lengths : tensor of int, shape (b,), optional
        Samples that each item really has. What lies behind is not looked at, the item ends with
        its own reflection, and its frames behind hold silence: the same as alone.

    Returns
    -------
    tensor, shape (b, e, f, t)
        log10 of the magnitude, at least ``config.silence``.

    Raises
    ------
    ValidationError
        Another shape, or a sound too short to be reflected.

    Examples
    --------
    >>> t = torch.arange(48_000) / 48_000
    >>> tone = torch.sin(2 * torch.pi * 1000 * t).expand(1, 2, -1)
    >>> mel = mel_of(tone, MelConfig())
    >>> mel.shape, int(mel[0, 0, :, 90].argmax())
    (torch.Size([1, 2, 80, 188]), 19)
    """
    samples = _checked(samples, config, lengths)
    ears, frames = samples.shape[1], frames_of(samples.shape[-1], config)
    reflected = _reflected(samples, config, lengths)
    window = hann(config.window, samples.dtype, samples.device)
    # Autocast would take the matrix product below to bfloat16, 3 digits for a range of 5 decades.
    with torch.autocast(samples.device.type, enabled=False):
        spectrum = torch.stft(
            reflected.flatten(0, 1),
            config.window,
            config.hop,
            window=window,
            center=False,
            return_complex=True,
        )
        magnitude = spectrum[..., :frames].abs()
        mel = mel_weights(config, samples.dtype, samples.device) @ magnitude
    mel = mel.clamp(min=config.floor).log10().unflatten(0, (-1, ears))
    if lengths is None:
        return mel
    there = torch.arange(frames, device=mel.device) * config.hop < lengths[:, None].to(mel.device)
    return torch.where(there[:, None, None], mel, mel.new_tensor(config.silence))


def two_ears(mono: torch.Tensor) -> torch.Tensor:
    """Return one sound at both ears, as loud at each: a voice prompt that stands nowhere.

    Parameters
    ----------
    mono : tensor, shape (n,), (b, n) or (b, 1, n)

    Returns
    -------
    tensor, shape (b, 2, n)

    Raises
    ------
    ValidationError
        Another shape; (b, 2, n) has two ears already.

    Examples
    --------
    >>> two_ears(torch.zeros(480)).shape
    torch.Size([1, 2, 480])
    """
    if mono.ndim == 3 and mono.shape[1] == 1:
        mono = mono[:, 0]
    if mono.ndim not in (1, 2):
        raise ValidationError(
            f"a mono sound has shape (n,), (b, n) or (b, 1, n), got {tuple(mono.shape)}; "
            "take one channel first"
        )
    return torch.atleast_2d(mono)[:, None].expand(-1, 2, -1)


def padded(
    mel: torch.Tensor, config: MelConfig, multiple: int = FRAMES_PER_LATENT
) -> tuple[torch.Tensor, torch.Tensor]:
    """Lengthen a mel with silence to a multiple of some frames.

    Parameters
    ----------
    mel : tensor, shape (b, e, f, t)
    config : MelConfig
    multiple : int, frames

    Returns
    -------
    mel : tensor, shape (b, e, f, t rounded up)
    mask : tensor of bool, shape (b, t rounded up)
        True where the mel was.

    Examples
    --------
    >>> mel, mask = padded(torch.zeros(1, 2, 80, 5), MelConfig())
    >>> mel.shape[-1], mask.tolist(), float(mel[0, 0, 0, 5])
    (8, [[True, True, True, True, True, False, False, False]], -5.0)
    """
    frames = mel.shape[-1]
    extra = -frames % multiple
    mask = torch.arange(frames + extra, device=mel.device) < frames
    return F.pad(mel, (0, extra), value=config.silence), mask.expand(len(mel), -1)


def stacked(
    mels: list[torch.Tensor], config: MelConfig, multiple: int = FRAMES_PER_LATENT
) -> tuple[torch.Tensor, torch.Tensor]:
    """Make one batch of mels of different lengths, silence and a mask behind the shorter ones.

    Parameters
    ----------
    mels : list of tensors, shape (e, f, t_i)
    config : MelConfig
    multiple : int, frames

    Returns
    -------
    mel : tensor, shape (b, e, f, t)
    mask : tensor of bool, shape (b, t)

    Examples
    --------
    >>> mel, mask = stacked([torch.zeros(2, 80, 5), torch.zeros(2, 80, 9)], MelConfig())
    >>> mel.shape, mask.sum(1).tolist()
    (torch.Size([2, 2, 80, 12]), [5, 9])
    """
    if not mels:
        raise ValidationError("a batch needs at least one mel, got none")
    longest = max(mel.shape[-1] for mel in mels)
    longest += -longest % multiple
    batch = [F.pad(m, (0, longest - m.shape[-1]), value=config.silence) for m in mels]
    lengths = torch.tensor([m.shape[-1] for m in mels], device=mels[0].device)
    mask = torch.arange(longest, device=lengths.device) < lengths[:, None]
    return torch.stack(batch), mask


def _checked(
    samples: torch.Tensor, config: MelConfig, lengths: torch.Tensor | None
) -> torch.Tensor:
    """Return the samples as float32 or float64, shapes and lengths checked."""
    if samples.ndim != 3:
        raise ValidationError(
            f"sound for a mel has shape (b, ears, samples), got {tuple(samples.shape)}; "
            "add the axes that are missing"
        )
    # The last hop may be partly zeros, so a whole hop less than the padded length is the least.
    shortest = int(lengths.min()) if lengths is not None else samples.shape[-1]
    least = config.window // 2 + 1
    if frames_of(shortest, config) * config.hop < least:
        raise ValidationError(
            f"sound for a mel must have at least {least} samples to be reflected at its ends, "
            f"got {shortest}; lengthen it with zeros"
        )
    if lengths is not None and (
        lengths.shape != samples.shape[:1] or int(lengths.max()) > samples.shape[-1]
    ):
        raise ValidationError(
            f"lengths must be ({len(samples)},) numbers of at most {samples.shape[-1]} samples, "
            f"got {lengths.tolist()}"
        )
    return widened(samples)


def _reflected(
    samples: torch.Tensor, config: MelConfig, lengths: torch.Tensor | None
) -> torch.Tensor:
    """Return the samples, whole hops of them, with half a window of reflection at either end."""
    half, n = config.window // 2, samples.shape[-1]
    whole = frames_of(n, config) * config.hop
    samples = F.pad(samples, (0, whole - n))
    if lengths is None:
        return F.pad(samples, (half, half), mode="reflect")
    lengths = lengths.to(samples.device)
    at = torch.arange(whole, device=samples.device)
    samples = torch.where((at < lengths[:, None])[:, None], samples, samples.new_zeros(()))
    # Where to read: around 0 as |i|, around the item's own end mirrored, once.
    last = (-(-lengths // config.hop) * config.hop - 1)[:, None]
    at = torch.arange(-half, whole + half, device=samples.device).abs().expand(len(samples), -1)
    at = torch.where(at > last, 2 * last - at, at).clamp(min=0)
    return samples.gather(-1, at[:, None].expand(-1, samples.shape[1], -1))
