"""The conformance kit that ships for authors of plugins.

What lives here: one check per kind (:func:`check_metric` ...), tiny inputs with known answers
(:mod:`~spatialdrama.testing.cases`), and hypothesis strategies
(:mod:`~spatialdrama.testing.strategies`). What may not: anything a user of a drama needs.
Each failure names the clause that was broken, as docs/reference/conformance.md words it.

Example
-------
A plugin's whole test file::

    from spatialdrama.testing import check_metric

    def test_conformance():
        check_metric("loudness_range")
"""

from .clauses import CLAUSES, ConformanceError
from .encoders import check_encoder
from .generators import check_generator
from .metrics import check_metric
from .renderers import check_renderer
from .voices import check_voice

__all__ = [
    "CLAUSES",
    "ConformanceError",
    "check_encoder",
    "check_generator",
    "check_metric",
    "check_renderer",
    "check_voice",
]
