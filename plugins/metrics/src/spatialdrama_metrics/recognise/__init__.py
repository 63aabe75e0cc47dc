"""The recogniser: 16 kHz mono in, text out. Whisper through CTranslate2, nothing else around it.

faster-whisper is the usual wrapper; it depends on PyAV, whose wheels carry GPL builds of x264 and
x265, and it decodes files, which we do not need. What lives here replaces the part that is needed
and is tested against it.
"""
