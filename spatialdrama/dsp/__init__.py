"""Signal analysis on plain arrays, shared by metrics, plots and reports.

Here live short-time spectra, auditory scales, levels, activity gates, interaural differences, a
light F0 tracker and the time difference that a position implies. Only numpy and scipy; no types
of :mod:`spatialdrama.types`, no files, no pictures, and nothing that scores anything: scores are
plugins. Two-ear arrays have shape ``(2, n)``, left first; positive interaural values mean left.
"""

from spatialdrama.dsp.active import active_frames, frame_levels_db, gate
from spatialdrama.dsp.erb import cams_to_hz, erb_bandwidth, erb_centres, erb_matrix, hz_to_cams
from spatialdrama.dsp.interaural import (
    CrossTrack,
    IldTrack,
    ItdTrack,
    broadband_ild_db,
    coherence_track,
    cross_track,
    ild_track,
    ipd,
    itd_track,
)
from spatialdrama.dsp.level import db_to_gain, ear_levels_db, peak_db, power_to_db, rms_db
from spatialdrama.dsp.mel import hz_to_mel, mel_matrix, mel_to_hz
from spatialdrama.dsp.pitch import F0Track, f0_yin
from spatialdrama.dsp.pose_itd import pose_itd_us, sphere_transfer
from spatialdrama.dsp.stft import frame_times, frequencies, stft, stft_blocks

__all__ = [
    "CrossTrack",
    "F0Track",
    "IldTrack",
    "ItdTrack",
    "active_frames",
    "broadband_ild_db",
    "cams_to_hz",
    "coherence_track",
    "cross_track",
    "db_to_gain",
    "ear_levels_db",
    "erb_bandwidth",
    "erb_centres",
    "erb_matrix",
    "f0_yin",
    "frame_levels_db",
    "frame_times",
    "frequencies",
    "gate",
    "hz_to_cams",
    "hz_to_mel",
    "ild_track",
    "ipd",
    "itd_track",
    "mel_matrix",
    "mel_to_hz",
    "peak_db",
    "pose_itd_us",
    "power_to_db",
    "rms_db",
    "sphere_transfer",
    "stft",
    "stft_blocks",
]
