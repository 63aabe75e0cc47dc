"""Scores: interaural errors against a reference recording, and what a recogniser understands.

`functional/` holds pure functions on arrays, `spatial.py` and `cer.py` the thin classes that the
registry names, `text/` what makes two transcripts comparable, `recognise/` the recogniser. Signal
analysis itself lives in :mod:`spatialdrama.dsp`; pictures and tables do not live here.
"""
