"""Two mels and forty latent channels at a quarter of their rate, and back (paper C.1, C.5).

Sound becomes mels (``mel``), mels become a latent and mels again (``encoder``, ``model``), a critic
and its losses teach it (``discriminator``, ``losses``, ``training``). What a latent means is not
known here, nor how a mel becomes sound; ``griffin_lim`` is for listening in tests.
"""
