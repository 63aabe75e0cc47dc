"""Recognisers: mono in, text out; or the texts that somebody already has.

``whisper.py`` is the embedded one: Whisper through CTranslate2, nothing else around it.
faster-whisper is the usual wrapper; it depends on PyAV, whose wheels carry GPL builds of x264 and
x265, and it decodes files, which we do not need. It (``faster.py``) and FunASR (``paraformer.py``)
are optional extras, imported on first use; ``table.py`` knows all of them by name.
"""
