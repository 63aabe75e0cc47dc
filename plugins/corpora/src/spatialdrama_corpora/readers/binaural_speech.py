"""The Binaural Speech benchmark of Richard et al. (2021), which WarpNet and BinauralGrad used."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.types import Pose

from ..corpus import Corpus, Problem
from ..items import Item
from .files import corpus_folder
from .poses import SLACK, read_rows
from .sounds import header, load_binaural, load_mono

LICENCE = "CC-BY-NC-4.0"
FORMAT = "binaural-speech-120hz"
RATE = 48_000
#: Rows of the positions a second: one per 400 samples.
POSE_RATE = 120.0

_SPLITS = {"trainset": "train", "testset": "test"}
_VALIDATION = "validation_sequence"


class BinauralSpeech:
    """Reads ``trainset/subject1..8``, ``testset/subject1..8`` and ``validation_sequence``.

    Each folder holds ``mono.wav``, ``binaural.wav``, ``tx_positions.txt`` (the speaker's mouth,
    x forward, y right, z up, metres; quaternion x y z w; 120 Hz) and ``rx_positions.txt`` (the
    head). The official split is kept: there are no dramas and no words, so ``item.line`` is None
    and each recording is its own drama. Recordings last minutes; their sound stays in the file
    until it is cut (:meth:`spatialdrama.BinauralAudio.cut`).

    Notes
    -----
    A. Richard et al., "Neural synthesis of binaural speech from mono audio", ICLR 2021. The
    layout is the one that its repository documents (facts C1).

    Examples
    --------
    >>> import spatialdrama as sd
    >>> corpus = sd.corpora["binaural-speech"].open("binaural_dataset")     # doctest: +SKIP
    >>> len(corpus.split("train"))                                          # doctest: +SKIP
    8
    """

    name = "binaural-speech"

    def knows(self, path: Any) -> bool:
        """Return whether there is a trainset or a testset with positions."""
        root = Path(path)
        return any(
            any((root / folder).glob("*/tx_positions.txt")) for folder in ("trainset", "testset")
        )

    def open(self, path: Any, *, rate: int | None = RATE) -> Corpus:
        """Return the recordings under `path`.

        Parameters
        ----------
        path : path
            The folder with ``trainset`` and ``testset``.
        rate : int, Hz, optional
            Files at another rate are problems; None takes each at its own.

        Raises
        ------
        ValidationError
            When neither of the two folders is there.
        """
        root = corpus_folder(path)
        problems: list[Problem] = []
        items = []
        for folder in _recordings(root):
            try:
                items.append(_item(folder, root, rate))
            except ValidationError as error:
                name = folder.relative_to(root).as_posix()
                problems.append(
                    Problem(name, str(folder), str(error), "Restore it; the item is left out.")
                )
        if not items:
            raise ValidationError(
                f"{root} holds no recording of Binaural Speech"
                + (f" ({problems[0]})" if problems else "")
                + "; give the folder with trainset and testset."
            )
        for name in (*_SPLITS, _VALIDATION):
            if not any(name in item.name for item in items):
                problems.append(
                    Problem("", str(root / name), "this part of the benchmark is not there.",
                            "Unpack the whole archive.", "note")
                )  # fmt: skip
        return Corpus(items, name=self.name, licence=LICENCE, path=root, problems=problems)


def _recordings(root: Path) -> list[Path]:
    found = [p for name in _SPLITS for p in sorted((root / name).glob("*")) if p.is_dir()]
    # Releases put the validation sequence beside the two sets or into the test set.
    return found + [p for p in [root / _VALIDATION] if p.is_dir()]


def _item(folder: Path, root: Path, rate: int | None) -> Item:
    name = folder.relative_to(root).as_posix()
    split = "validation" if folder.name == _VALIDATION else _SPLITS[folder.parent.name]
    files = {
        "audio": folder / "binaural.wav", "mono": folder / "mono.wav",
        "pose": folder / "tx_positions.txt", "listener": folder / "rx_positions.txt",
    }  # fmt: skip
    seen = header(files["audio"] if files["audio"].exists() else files["mono"])
    speaker = folder.name if folder.name != _VALIDATION else "validation"
    load = {
        "audio": partial(load_binaural, files["audio"], rate, stored=True),
        "mono": partial(load_mono, files["mono"], rate, identity=speaker, stored=True),
        "pose": partial(read_positions, files["pose"], seen.duration),
    }
    if files["listener"].exists():
        load["listener"] = partial(_head, files["listener"], seen.duration)
    else:
        files.pop("listener")
    return Item(
        name, corpus=BinauralSpeech.name, drama=name, split=split, speaker=speaker,
        duration=seen.duration, rate=rate or seen.rate, load=load, files=files,
    )  # fmt: skip


def read_positions(path: Path, duration: float) -> Pose:
    """Return 120 Hz positions in the house frame.

    Raises
    ------
    ValidationError
        For rows that end before or after the sound of `duration` (s), or hold NaN.
    """
    rows = read_rows(path)  # says which row is broken
    lasts = len(rows) / POSE_RATE
    if abs(lasts - duration) > SLACK:
        kind = "shorter" if lasts < duration else "longer"
        raise ValidationError(
            f"pose file {path} is {kind} than the sound: its {len(rows)} rows last {lasts:.2f} s "
            f"at {POSE_RATE:g} Hz and the sound {duration:.2f} s. Restore the file."
        )
    return Pose.read(path, FORMAT, unit="m")


def _head(path: Path, duration: float) -> Pose | None:
    """Return the receiver's pose; None at the origin, where the benchmark keeps it."""
    rows = read_rows(path)
    if np.allclose(rows[:, :3], 0.0) and np.allclose(np.abs(rows[:, 6]), 1.0, atol=1e-3):
        return None
    return read_positions(path, duration)
