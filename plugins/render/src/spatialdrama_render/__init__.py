"""From mono to two ears: the renderers ``physical`` and ``geometric``.

Here live heads (:mod:`.hrtf`), paths through air and rooms (:mod:`.propagation`, :mod:`.images`),
kernels that turn them into samples (:mod:`.delay`, :mod:`.direct`, :mod:`.buses`, :mod:`.tail`)
and the two renderers that put them together. Voices, scripts and metrics do not belong here.
"""
