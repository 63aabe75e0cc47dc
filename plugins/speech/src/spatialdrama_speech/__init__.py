"""Voices: from the text of a line to mono speech with phones, durations and pitch.

What lives here: the voice ``kokoro``, its front ends for English and Mandarin, its identities and
line styles. What may not: anything spatial (see ``spatialdrama_render``), anything that trains.
"""
