"""Pictures of scenes, scripts and sound, and the page that gathers them, with matplotlib alone.

Here live figures (:func:`scene`, :func:`trajectory`, :func:`analysis`, :func:`scorecard`), the
panels they are made of (each takes ``ax=`` and returns its artists), the small PNGs of notebook
output and the self-contained HTML report. Figures never touch pyplot, so nothing leaks between
cells or threads. Plots import types, io and dsp; they compute no sound, load no plugin and score
nothing. One mapping everywhere: a speaker is a colour *and* a letter, left is up and red.
"""

from spatialdrama.plot.analysis import analysis, save_analysis
from spatialdrama.plot.facts import LineFacts, line_facts
from spatialdrama.plot.interaural import f0, ild, ipd, itd, mel
from spatialdrama.plot.lanes import lanes
from spatialdrama.plot.report import report
from spatialdrama.plot.scene import save_scene, scene, side_view, top_view
from spatialdrama.plot.scorecard import scorecard
from spatialdrama.plot.style import Picture, Speaker, Theme, cast, theme
from spatialdrama.plot.thumbnails import png
from spatialdrama.plot.trajectory import trajectory

__all__ = [
    "LineFacts",
    "Picture",
    "Speaker",
    "Theme",
    "analysis",
    "cast",
    "f0",
    "ild",
    "ipd",
    "itd",
    "lanes",
    "line_facts",
    "mel",
    "png",
    "report",
    "save_analysis",
    "save_scene",
    "scene",
    "scorecard",
    "side_view",
    "theme",
    "top_view",
    "trajectory",
]
