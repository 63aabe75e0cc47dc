"""Making two transcripts comparable, and comparing them.

Nothing here knows audio. The rule for what is removed: a listener could not hear it.
``python -m spatialdrama_metrics.text SCRIPT HEARD`` scores two files line by line.
"""

from spatialdrama_metrics.text.compare import TextErrors, cer, compare
from spatialdrama_metrics.text.normalise import normalise

__all__ = ["TextErrors", "cer", "compare", "normalise"]
