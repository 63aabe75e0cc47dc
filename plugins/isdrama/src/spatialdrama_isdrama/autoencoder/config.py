"""What a mel is, and what the autoencoder is made of: plain values, the paper's by default."""

from __future__ import annotations

import math
from typing import Any

import attrs

from spatialdrama.errors import ValidationError

#: Mel frames behind one latent frame (paper C.1: (b, 2, 80, T) becomes (b, 40, T/4)).
FRAMES_PER_LATENT = 4
#: Layers that halve the rate, two to get to a quarter.
HALVINGS = 2
STEREO = ("equivariant", "joint")
RECONSTRUCTION = ("l2", "l1")


def _whole(least: int, *, odd: bool = False) -> Any:
    """Return a check that a field is a whole number from `least` on, odd if asked."""

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= least
        if not good or (odd and value % 2 == 0):
            kind = "an odd whole number" if odd else "a whole number"
            raise ValidationError(
                f"{type(instance).__name__}.{field.name} must be {kind} from {least} on; "
                f"got {value!r}."
            )

    return check


def _number(least: float, *, above: bool = False) -> Any:
    """Return a check that a field is a finite number from `least` on, or above it."""

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (good and math.isfinite(value) and (value > least if above else value >= least)):
            raise ValidationError(
                f"{type(instance).__name__}.{field.name} must be a number "
                f"{'above' if above else 'of at least'} {least:g}; got {value!r}."
            )

    return check


def _one_of(names: tuple[str, ...]) -> Any:
    """Return a check that a field is one of some names."""

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        if value not in names:
            raise ValidationError(
                f"{type(instance).__name__}.{field.name} must be one of "
                f"{', '.join(map(repr, names))}; got {value!r}."
            )

    return check


def _level(instance: Any, field: attrs.Attribute, value: Any) -> None:
    """Check that a field is a finite number of any sign."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not math.isfinite(value):
        raise ValidationError(
            f"{type(instance).__name__}.{field.name} must be a number; got {value!r}."
        )


def _truth(instance: Any, field: attrs.Attribute, value: Any) -> None:
    """Check that a field is True or False."""
    if not isinstance(value, bool):
        raise ValidationError(
            f"{type(instance).__name__}.{field.name} must be True or False; got {value!r}."
        )


def _windows(instance: Any, field: attrs.Attribute, value: Any) -> None:
    """Check that a field is a tuple of window lengths."""
    good = isinstance(value, tuple) and value and all(isinstance(w, int) for w in value)
    if not good or min(value) < 8:
        raise ValidationError(
            "AutoencoderConfig.windows must be a tuple of whole numbers of frames from 8 on, "
            f"such as (32, 64, 128); got {value!r}."
        )


@attrs.frozen(kw_only=True)
class MelConfig:
    """Log-mel spectrogram of each ear (paper C.1; E5 for what the paper leaves open).

    Parameters
    ----------
    rate : int, Hz
    window, hop : int, samples
        Length of the Hann window, which is the transform's, and step between frames.
    bands : int
    low, high : float, Hz
        Outer feet of the first and last triangle.
    floor : float
        Magnitudes below are raised to it before the logarithm; log10 of it is silence.

    Raises
    ------
    ValidationError
        Values out of range, edges out of order, or a window shorter than two hops.

    Examples
    --------
    >>> MelConfig().frames_per_second, MelConfig().silence
    (187.5, -5.0)
    """

    rate: int = attrs.field(default=48_000, validator=_whole(1))
    window: int = attrs.field(default=1024, validator=_whole(4))
    hop: int = attrs.field(default=256, validator=_whole(1))
    bands: int = attrs.field(default=80, validator=_whole(1))
    low: float = attrs.field(default=20.0, validator=_number(0.0))
    high: float = attrs.field(default=24_000.0, validator=_number(0.0, above=True))
    floor: float = attrs.field(default=1e-5, validator=_number(0.0, above=True))

    def __attrs_post_init__(self) -> None:
        if not self.low < self.high <= self.rate / 2:
            raise ValidationError(
                f"MelConfig needs low < high <= rate / 2 = {self.rate / 2:g} Hz; "
                f"got low {self.low:g} and high {self.high:g}."
            )
        if self.hop > self.window // 2 or self.window % 2:
            raise ValidationError(
                f"MelConfig.window must be even and at least two hops long, so that no sample goes "
                f"unseen; got window {self.window} and hop {self.hop}."
            )

    @property
    def frames_per_second(self) -> float:
        """Frames in a second."""
        return self.rate / self.hop

    @property
    def silence(self) -> float:
        """What a mel holds where there is no sound: log10 of the floor."""
        return math.log10(self.floor)


@attrs.frozen(kw_only=True)
class AutoencoderConfig:
    """Spatial audio encoder and decoder, their critic and their training (paper C.1, C.5; E4).

    Parameters
    ----------
    bands : int
        Mel bands of an ear.
    layers : int
        Layers of the encoder and of the decoder; the first two of the encoder halve the rate.
    width : int
        Channels between layers, both ears together.
    kernel : int
        Frames that a convolution looks at, odd.
    latent : int
        Channels of the latent, both ears together.
    stereo : "equivariant" or "joint"
        "equivariant": the ears share one set of weights, so that swapping them swaps what comes
        out; half the channels are an ear's. "joint": the paper's words, 2 x 80 bands in, 40
        channels out, no symmetry.
    midside : bool
        Give the networks the mean of the ears and their difference, the latter enlarged by
        ``side_gain`` (E4), and read the same from the decoder.
    side_gain : float
    centre, spread : float, log10 magnitude
        The networks see ``(mel - centre) / spread``: the same numbers for both ears and all
        bands, as anything else would lose the level between the ears.
    silence : float, log10 magnitude
        What a mel holds outside its mask: ``MelConfig.silence``.
    reconstruction : "l2" or "l1"
        The paper's is L2.
    kl : float
        Weight of the divergence from a standard normal. The paper names none; without any, the
        latent could grow without bound.
    adversarial : float
        Weight of the critic's loss; 0 trains without a critic.
    adversarial_start : int, steps
        From which step on the critic takes part.
    windows : tuple of int, frames
        Lengths of the windows that the critic looks at.
    critic_width : int
        Channels of the critic.
    learning_rate, beta1, beta2 : float
        Of Adam.
    warm_up : int, steps
        Over which the learning rate rises linearly from 0.
    crop : int, frames
        Length of a training item.

    Raises
    ------
    ValidationError
        Values out of range, or an odd number of channels for two ears that share weights.

    Examples
    --------
    >>> config = AutoencoderConfig()
    >>> config.streams, config.latent // config.streams
    (2, 20)
    >>> AutoencoderConfig(stereo="joint").streams
    1
    """

    bands: int = attrs.field(default=80, validator=_whole(1))
    layers: int = attrs.field(default=3, validator=_whole(HALVINGS))
    width: int = attrs.field(default=384, validator=_whole(2))
    kernel: int = attrs.field(default=5, validator=_whole(3, odd=True))
    latent: int = attrs.field(default=40, validator=_whole(2))
    stereo: str = attrs.field(default="equivariant", validator=_one_of(STEREO))
    midside: bool = attrs.field(default=False, validator=_truth)
    side_gain: float = attrs.field(default=3.0, validator=_number(0.0, above=True))
    centre: float = attrs.field(default=-3.0, validator=_level)
    spread: float = attrs.field(default=1.5, validator=_number(0.0, above=True))
    silence: float = attrs.field(default=-5.0, validator=_level)
    reconstruction: str = attrs.field(default="l2", validator=_one_of(RECONSTRUCTION))
    kl: float = attrs.field(default=1e-6, validator=_number(0.0))
    adversarial: float = attrs.field(default=0.5, validator=_number(0.0))
    adversarial_start: int = attrs.field(default=80_000, validator=_whole(0))
    windows: tuple[int, ...] = attrs.field(
        default=(32, 64, 128),
        converter=lambda value: tuple(value) if isinstance(value, list) else value,
        validator=_windows,
    )
    critic_width: int = attrs.field(default=128, validator=_whole(1))
    learning_rate: float = attrs.field(default=1e-4, validator=_number(0.0, above=True))
    beta1: float = attrs.field(default=0.9, validator=_number(0.0))
    beta2: float = attrs.field(default=0.999, validator=_number(0.0))
    warm_up: int = attrs.field(default=10_000, validator=_whole(0))
    crop: int = attrs.field(default=3000, validator=_whole(FRAMES_PER_LATENT))

    def __attrs_post_init__(self) -> None:
        odd = [name for name in ("width", "latent") if getattr(self, name) % self.streams]
        if odd:
            raise ValidationError(
                f"AutoencoderConfig.{odd[0]} must be even, as each ear has half of it; "
                f"got {getattr(self, odd[0])}."
            )
        if self.crop % FRAMES_PER_LATENT:
            raise ValidationError(
                f"AutoencoderConfig.crop must be a multiple of {FRAMES_PER_LATENT} frames; "
                f"got {self.crop}."
            )

    @property
    def streams(self) -> int:
        """Ears that the networks keep apart: 2 when equivariant, 1 when joint."""
        return 2 if self.stereo == "equivariant" else 1
