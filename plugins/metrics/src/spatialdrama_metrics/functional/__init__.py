"""Pure functions on arrays: what the metric classes compute, for use without any object.

Each ``*_error`` returns everything a score needs; each ``*_mae`` just the number.
"""

from spatialdrama_metrics.functional.coherence import coherence_error, coherence_mae
from spatialdrama_metrics.functional.edits import Edits, character_errors
from spatialdrama_metrics.functional.ild import ild_error, ild_mae
from spatialdrama_metrics.functional.ipd import ipd_error, ipd_mae
from spatialdrama_metrics.functional.itd import itd_error, itd_mae
from spatialdrama_metrics.functional.pairs import SpatialError, aligned_pair

__all__ = [
    "Edits",
    "SpatialError",
    "aligned_pair",
    "character_errors",
    "coherence_error",
    "coherence_mae",
    "ild_error",
    "ild_mae",
    "ipd_error",
    "ipd_mae",
    "itd_error",
    "itd_mae",
]
