"""Whose voice is it? Networks that turn speech into a point whose direction is the speaker.

What lives here: the metric (``sim.py``), the embedded network with its front end and the reader of
its weights (``resemblyzer.py``, ``voiced.py``, ``partials.py``, ``lstm.py``,
``torch_archive.py``), the optional one (``wavlm.py``), and the names of both (``table.py``). What
may not: anything that judges how the voice sounds; that is ``quality``.
"""
