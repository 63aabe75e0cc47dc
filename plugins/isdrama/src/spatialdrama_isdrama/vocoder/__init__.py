"""From two mels to two ears: neural source filters with interaural phase (paper C.5, E24)."""
