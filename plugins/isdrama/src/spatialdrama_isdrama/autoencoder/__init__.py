"""Two mels and forty latent channels at a quarter of their rate, and back (paper C.1, C.5)."""
