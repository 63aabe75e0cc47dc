"""Pitch: trackers that can be exchanged, errors between two tracks, and the alignment of two lines.

A track is an array of Hz with 0 where nothing is voiced, one value every ``hop_s`` seconds from 0
on. ``table.py`` knows the trackers by name, ``errors.py`` counts, ``align.py`` stretches time. What
is here knows mono samples and arrays; two ears, references and scores are ``ffe.py``'s.
"""

from spatialdrama_metrics.pitch.align import warping_path
from spatialdrama_metrics.pitch.errors import PitchErrors, pitch_errors
from spatialdrama_metrics.pitch.table import tracker

__all__ = ["PitchErrors", "pitch_errors", "tracker", "warping_path"]
