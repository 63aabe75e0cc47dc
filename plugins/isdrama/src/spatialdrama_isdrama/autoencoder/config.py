"""What a mel is, and what the autoencoder is made of: plain values, the paper's by default."""

from __future__ import annotations

import math

import attrs

from spatialdrama.errors import ValidationError

from ..checks import from_list, number, one_of, option, truth, whole, wholes

#: Mel frames behind one latent frame (paper C.1: (b, 2, 80, T) becomes (b, 40, T/4)).
FRAMES_PER_LATENT = 4
#: Layers that halve the rate, two to get to a quarter.
HALVINGS = 2
STEREO = ("equivariant", "joint")
RECONSTRUCTION = ("l2", "l1")


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

    rate: int = option(48_000, whole(1))
    window: int = option(1024, whole(4))
    hop: int = option(256, whole(1))
    bands: int = option(80, whole(1))
    low: float = option(20.0, number(0.0))
    high: float = option(24_000.0, number(0.0, above=True))
    floor: float = option(1e-5, number(0.0, above=True))

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

    bands: int = option(80, whole(1))
    layers: int = option(3, whole(HALVINGS))
    width: int = option(384, whole(2))
    kernel: int = option(5, whole(3, odd=True))
    latent: int = option(40, whole(2))
    stereo: str = option("equivariant", one_of(*STEREO))
    midside: bool = option(False, truth)
    side_gain: float = option(3.0, number(0.0, above=True))
    centre: float = option(-3.0, number())
    spread: float = option(1.5, number(0.0, above=True))
    silence: float = option(-5.0, number())
    reconstruction: str = option("l2", one_of(*RECONSTRUCTION))
    kl: float = option(1e-6, number(0.0))
    adversarial: float = option(0.5, number(0.0))
    adversarial_start: int = option(80_000, whole(0))
    windows: tuple[int, ...] = option((32, 64, 128), wholes(8), converter=from_list)
    critic_width: int = option(128, whole(1))
    learning_rate: float = option(1e-4, number(0.0, above=True))
    beta1: float = option(0.9, number(0.0, 1.0, below=True))
    beta2: float = option(0.999, number(0.0, 1.0, below=True))
    warm_up: int = option(10_000, whole(0))
    crop: int = option(3000, whole(FRAMES_PER_LATENT, multiple=FRAMES_PER_LATENT))

    def __attrs_post_init__(self) -> None:
        odd = [name for name in ("width", "latent") if getattr(self, name) % self.streams]
        if odd:
            raise ValidationError(
                f"AutoencoderConfig.{odd[0]} must be even, as each ear has half of it; "
                f"got {getattr(self, odd[0])}."
            )

    @property
    def streams(self) -> int:
        """Ears that the networks keep apart: 2 when equivariant, 1 when joint."""
        return 2 if self.stereo == "equivariant" else 1
