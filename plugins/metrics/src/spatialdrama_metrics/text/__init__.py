"""Making two transcripts comparable: script, case, punctuation, numbers, spelling.

Nothing here knows audio. The rule for what is removed: a listener could not hear it.
"""

from spatialdrama_metrics.text.normalise import normalise

__all__ = ["normalise"]
