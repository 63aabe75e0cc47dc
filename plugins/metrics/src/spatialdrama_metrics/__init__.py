"""Scores of a drama: what lies between the ears, where a voice is heard, what is understood, whose
voice it is, how it sounds.

`spatial.py`, `places.py`, `cer.py`, `ffe.py`, `speakers/sim.py` and `quality/` hold the thin
classes that the registry names through `entries/`; `functional/` pure functions, `localise/` the
network that hears places, `published/` the paper's own evaluation, `pitch/`, `recognise/`,
`speakers/` and `text/` what the others stand on; `named.py` chooses exchangeable parts by name,
`training.py` wraps metrics as torchmetrics. Signal analysis itself lives in
:mod:`spatialdrama.dsp`; pictures and tables do not live here.
"""
