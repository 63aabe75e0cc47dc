"""The Kokoro network, opened where prosody can be read and written.

The ONNX file takes symbols, a style vector and a speed and gives sound. Cut open at four tensors
(``onnx_edit.py``) it runs in three steps, and between them durations and pitch are plain arrays:

1. :meth:`Network.durations`: frames of 25 ms for each symbol, before rounding;
2. :meth:`Network.contours`: with durations of the caller's choice, the F0 curve in Hz, the energy
   curve (both every 12.5 ms) and the symbols' features stretched to frames;
3. :meth:`Network.decode`: with contours of the caller's choice, the samples at 24 kHz.

Each step runs only the nodes it needs (``only_execute_path_to_fetches``). With nothing changed in
between, the samples equal those of the uncut file exactly. Nothing in it is random, and the number
of threads does not change a sample (decision record 0003).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import numpy as np

from spatialdrama.errors import AssetError, DeviceError, ValidationError

from .onnx_edit import Cut, cut

RATE = 24_000
FRAME = 600  # samples: 25 ms, the grid of durations
CURVE_HOP = 300  # samples: 12.5 ms, the grid of the F0 and energy curves
MOST_SYMBOLS = 510

DURATIONS = "/encoder/predictor/ReduceSum_output_0"
ROUNDED = "/encoder/Clip_output_0"
F0 = "/encoder/F0_proj/Conv_output_0"
ENERGY = "/encoder/N_proj/Conv_output_0"
ALIGNED = "/encoder/MatMul_1_output_0"
CUTS = (
    Cut(tensor=DURATIONS, shape=(1, "symbols")),
    Cut(tensor=ROUNDED, output=False, feed="durations", shape=(1, "symbols")),
    Cut(tensor=F0, feed="f0", shape=(1, 1, "half_frames")),
    Cut(tensor=ENERGY, feed="energy", shape=(1, 1, "half_frames")),
    Cut(tensor=ALIGNED, feed="aligned", shape=(1, 512, "frames")),
)


@attrs.frozen(kw_only=True, eq=False)
class Contours:
    """What the decoder sings from.

    Parameters
    ----------
    f0 : (2 t,) float32, Hz
        Every 12.5 ms; below 10 Hz is unvoiced.
    energy : (2 t,) float32
        The network's own measure of loudness.
    aligned : (512, t) float32
        Features of the symbols, stretched to frames of 25 ms.
    """

    f0: np.ndarray
    energy: np.ndarray
    aligned: np.ndarray


class Network:
    """A session on the network's file, opened on first use.

    Parameters
    ----------
    path
        The ONNX file.
    threads
        Threads of the runtime; 0 lets it choose (one for each core).
    device
        "cpu", "auto" (means the CPU: the file is quantized for it) or "cuda".

    Raises
    ------
    DeviceError
        If "cuda" is asked for and the installed onnxruntime has no CUDA provider.
    """

    def __init__(self, path: Path, *, threads: int = 0, device: str = "cpu") -> None:
        self.path = Path(path)
        self.threads = threads
        self.providers = providers(device)
        self._session: Any = None

    @property
    def session(self) -> Any:
        if self._session is None:
            self._session = self._open()
        return self._session

    def _open(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = cut(self.path.read_bytes(), CUTS)
        try:
            return onnxruntime.InferenceSession(model, options, providers=self.providers)
        except Exception as error:  # onnxruntime raises its own, undocumented classes
            raise AssetError(
                f"onnxruntime {onnxruntime.__version__} cannot open {self.path}: {error}; "
                "type: spatialdrama assets verify kokoro-82m-int8"
            ) from error

    def durations(self, tokens: np.ndarray, style: np.ndarray) -> np.ndarray:
        """Durations in frames of 25 ms, not rounded.

        Parameters
        ----------
        tokens : (k,) int
            Symbols between two zeros.
        style : (256,) float32

        Returns
        -------
        (k,) float32
        """
        (durations,) = self._run([DURATIONS], tokens, style)
        return durations[0]

    def contours(self, tokens: np.ndarray, style: np.ndarray, durations: np.ndarray) -> Contours:
        """F0, energy and stretched features for these whole-numbered durations."""
        fed = np.asarray(durations, np.float32)[None]
        f0, energy, aligned = self._run([F0, ENERGY, ALIGNED], tokens, style, durations=fed)
        return Contours(f0=f0[0, 0], energy=energy[0, 0], aligned=aligned[0])

    def decode(self, style: np.ndarray, contours: Contours) -> np.ndarray:
        """Samples at 24 kHz, 600 for each frame, float32."""
        (audio,) = self._run(
            ["audio"],
            np.zeros(2, np.int64),
            style,
            f0=contours.f0[None, None],
            energy=contours.energy[None, None],
            aligned=contours.aligned[None],
        )
        return audio

    def _run(self, outputs: list[str], tokens: np.ndarray, style: np.ndarray, **fed: Any) -> list:
        import onnxruntime

        if len(tokens) > MOST_SYMBOLS + 2:
            raise ValidationError(
                f"the network reads {MOST_SYMBOLS} symbols at once; got {len(tokens) - 2}; "
                "split the line"
            )
        feeds = {
            # Inputs that a step does not use must still be there; one frame is enough.
            "durations": np.ones((1, len(tokens)), np.float32),
            "f0": np.zeros((1, 1, 2), np.float32),
            "energy": np.zeros((1, 1, 2), np.float32),
            "aligned": np.zeros((1, 512, 1), np.float32),
            "tokens": np.asarray(tokens, np.int64)[None],
            "style": np.asarray(style, np.float32)[None],
            "speed": np.ones(1, np.float32),
            **{name: np.asarray(value, np.float32) for name, value in fed.items()},
        }
        options = onnxruntime.RunOptions()
        options.only_execute_path_to_fetches = True
        return self.session.run(outputs, feeds, options)


def providers(device: str) -> list[str]:
    """Execution providers of onnxruntime for a device; DeviceError rather than a silent CPU."""
    if device in ("cpu", "auto"):
        return ["CPUExecutionProvider"]
    if device.split(":")[0] != "cuda":
        raise ValidationError(f"device must be 'auto', 'cpu' or 'cuda'; got {device!r}")
    import onnxruntime

    available = onnxruntime.get_available_providers()
    if "CUDAExecutionProvider" not in available:
        raise DeviceError(
            f"device {device!r} is not available to onnxruntime {onnxruntime.__version__} "
            f"(it has {', '.join(available)}); use device='cpu' or install onnxruntime-gpu"
        )
    return ["CUDAExecutionProvider", "CPUExecutionProvider"]


def whole_frames(durations: np.ndarray, rate: float = 1.0) -> np.ndarray:
    """Round durations to frames, sped up by ``rate``.

    At rate 1 each symbol is rounded by itself, as the network was trained. At other rates the
    *ends* of the symbols are rounded, so that rounding errors do not add up and the total is the
    total at rate 1 divided by ``rate``, to half a frame; every symbol keeps at least one frame.

    Parameters
    ----------
    durations : (k,) float
        In frames of 25 ms.
    rate
        2 is twice as fast.

    Returns
    -------
    (k,) int64

    Example
    -------
    >>> whole_frames(np.array([4.2, 1.0, 5.4]), rate=2.0)
    array([2, 1, 2])
    """
    plain = np.maximum(np.rint(durations), 1).astype(np.int64)
    if rate == 1.0:
        return plain
    wanted = np.rint(np.cumsum(plain) / rate).astype(np.int64)
    frames, end = np.empty_like(plain), 0
    for i, target in enumerate(wanted):
        frames[i] = max(1, target - end)
        end += frames[i]
    total = max(int(wanted[-1]), len(frames))
    while frames.sum() > total:  # short symbols at the end took more than their share
        frames[np.argmax(frames)] -= 1
    return frames
