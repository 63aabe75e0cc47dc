"""What a vocoder is built from, as plain values."""

from __future__ import annotations

import math
from typing import Any

import attrs

from spatialdrama.errors import ValidationError

from ..autoencoder.config import MelConfig
from ..checks import from_list, number, one_of, option, truth, whole, wholes

#: Widths of the generator. ``paper`` is HiFi-GAN V1, ``small`` as wide as its V2 (Kong et al. 2020,
#: table 5) and with the source that learns faster; ``tiny`` is for tests.
SIZES: dict[str, dict[str, Any]] = {
    "paper": {"channels": 512},
    "small": {"channels": 128, "source": "shaped"},
    "tiny": {"channels": 32, "res_kernel": (3, 7), "res_dilation": (1, 3)},
}


@attrs.frozen(kw_only=True)
class VocoderConfig:
    """Everything that decides what a vocoder is.

    Parameters
    ----------
    kind : {"binaural", "per_ear"}
        One excitation for both ears (E24), or the paper's reading: a HiFi-GAN for each ear.
    rate, hop, window : int
        Samples per second, between mel frames, and per Hann window.
    mels, low, high, floor
        Mel bands, their outer feet in Hz, and the magnitude at which log10 is clipped (E5).
    source : {"sines", "shaped"}
        The paper's source, sines at multiples of F0 and noise, or pulses and noise that are given
        the mel's levels before the generator sees them: it then has less to learn.
    harmonics : int
        Sines of the first, at F0, 2 F0 and so on.
    source_level, source_noise : float
        Height of each sine, and deviation of the noise under it; where nothing is voiced the noise
        has a third of `source_level` (Wang et al. 2019, eq. 4 and 5).
    channels : int
        Width after the first convolution; halved at each upsampling.
    upsample, upsample_kernel : tuple of int
        Factors, whose product is `hop`, and kernels of the transposed convolutions.
    res_kernel, res_dilation : tuple of int
        Kernels of the parallel residual blocks and the dilations within each.
    mid : {"power", "mean", "louder"}
        The mel that the one excitation is made from: mean power of the ears, mean of their logs, or
        the larger in each bin. All are the same for exchanged ears.
    reference : {"predicted", "heard"}
        What an ear's gain is relative to: that mel, or the mel of the signal that was really made
        from it, so that the ears' mels come out as asked though the generator missed them.
    gain_low_db, gain_high_db : float
        Bounds of the ears' gains, dB.
    refine : int
        Steps that correct the gains for the overlap of the mel filters.
    common_delay : {"removed", "motion", "kept"}
        What becomes of the mean of the ears' delays: nothing of it (mels and F0 are on the
        listener's clock already), its change since the first frame (Doppler), or all of it.
    read_taps : int
        Length of the windowed sinc that reads between samples.
    coherence : {"none", "predicted", "given"}
        No decorrelation, decorrelation to what a head reads from the mels, or to what is passed in.
    coherence_bands, coherence_width : int
        ERB-spaced bands of the coherence; width of the head.
    strip_hz, sweep_s : float
        Over how many Hz (or one ERB, where that is more) and seconds the decorrelating phase takes
        each of its values once.
    shared_source : bool
        For "per_ear": the same sines and noise in both generators (E24 c). The paper does not say.

    Raises
    ------
    ValidationError
        For a value that no vocoder can have.

    Examples
    --------
    >>> VocoderConfig.sized("small").channels
    128
    """

    kind: str = option("binaural", one_of("binaural", "per_ear"))
    rate: int = option(48_000, whole(1))
    hop: int = option(256, whole(1))
    window: int = option(1024, whole(4))
    mels: int = option(80, whole(2))
    low: float = option(20.0, number(0.0))
    high: float = option(24_000.0, number(0.0, above=True))
    floor: float = option(1e-5, number(0.0, above=True))
    source: str = option("sines", one_of("sines", "shaped"))
    harmonics: int = option(8, whole(1))
    source_level: float = option(0.1, number(0.0, above=True))
    source_noise: float = option(0.003, number(0.0))
    channels: int = option(512, whole(1))
    upsample: tuple[int, ...] = option((8, 8, 2, 2), wholes(1), converter=from_list)
    upsample_kernel: tuple[int, ...] = option((16, 16, 4, 4), wholes(1), converter=from_list)
    res_kernel: tuple[int, ...] = option((3, 7, 11), wholes(1, odd=True), converter=from_list)
    res_dilation: tuple[int, ...] = option((1, 3, 5), wholes(1), converter=from_list)
    mid: str = option("power", one_of("power", "mean", "louder"))
    reference: str = option("predicted", one_of("predicted", "heard"))
    gain_low_db: float = option(-40.0, number(most=0.0, below=True))
    gain_high_db: float = option(12.0, number(0.0, above=True))
    refine: int = option(2, whole(0))
    common_delay: str = option("removed", one_of("removed", "motion", "kept"))
    read_taps: int = option(32, whole(2, multiple=2))  # as many on either side
    coherence: str = option("predicted", one_of("none", "predicted", "given"))
    coherence_bands: int = option(16, whole(2))
    coherence_width: int = option(64, whole(1))
    strip_hz: float = option(250.0, number(0.0, above=True))
    sweep_s: float = option(0.5, number(0.0, above=True))
    shared_source: bool = option(False, truth)

    def __attrs_post_init__(self) -> None:
        factor = math.prod(self.upsample)
        if factor != self.hop:
            raise ValidationError(
                f"VocoderConfig.upsample {self.upsample} multiplies to {factor}, but hop is "
                f"{self.hop}; choose factors whose product is hop"
            )
        if len(self.upsample) != len(self.upsample_kernel):
            raise ValidationError(
                f"VocoderConfig.upsample_kernel needs one kernel for each factor of "
                f"{self.upsample}, got {self.upsample_kernel}"
            )
        for factor, kernel in zip(self.upsample, self.upsample_kernel, strict=True):
            if kernel < factor or (kernel - factor) % 2:
                raise ValidationError(
                    f"an upsampling by {factor} needs a kernel of {factor}, {factor + 2}, ...; "
                    f"got {kernel}"
                )
        if self.channels % 2 ** len(self.upsample):
            raise ValidationError(
                f"VocoderConfig.channels is halved {len(self.upsample)} times, which "
                f"{self.channels} does not allow; take a multiple of {2 ** len(self.upsample)}"
            )
        if not self.low < self.high <= self.rate / 2:
            raise ValidationError(
                f"VocoderConfig needs low < high <= {self.rate / 2:g} Hz, got {self.low:g} and "
                f"{self.high:g}"
            )

    @property
    def mel(self) -> MelConfig:
        """The mel that this vocoder reads."""
        return MelConfig(
            rate=self.rate,
            window=self.window,
            hop=self.hop,
            bands=self.mels,
            low=self.low,
            high=self.high,
            floor=self.floor,
        )

    @classmethod
    def sized(cls, size: str, **changes: Any) -> VocoderConfig:
        """Return a config of one of :data:`SIZES`, with `changes`.

        Raises
        ------
        ValidationError
            If there is no such size.
        """
        if size not in SIZES:
            raise ValidationError(f"there is no vocoder size {size!r}; choose from {list(SIZES)}")
        return cls(**{**SIZES[size], **changes})
