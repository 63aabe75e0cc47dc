"""The arithmetic of subjective tests: opinion scores, comparisons, agreement, sample sizes.

What lives here: numbers from ratings, given as a tidy table (one row for each rating). What may
not: sound, pictures, pages for listeners, and any other room of the package. Every formula names
its source; a table that is odd is refused with the row that is.
"""

from spatialdrama.stats.agreement import icc, krippendorff_alpha
from spatialdrama.stats.opinion import Estimate, Estimates, cmos, mos
from spatialdrama.stats.paired import Difference, Differences, holm, paired, permutation_test
from spatialdrama.stats.ratings import Ratings, questions, tidy
from spatialdrama.stats.sample_size import SampleSize, for_difference, for_half_width

__all__ = [
    "Difference",
    "Differences",
    "Estimate",
    "Estimates",
    "Ratings",
    "SampleSize",
    "cmos",
    "for_difference",
    "for_half_width",
    "holm",
    "icc",
    "krippendorff_alpha",
    "mos",
    "paired",
    "permutation_test",
    "questions",
    "tidy",
]
