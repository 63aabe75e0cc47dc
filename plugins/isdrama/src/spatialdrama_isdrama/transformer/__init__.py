"""The Immersive Drama Transformer, its experts and its flow (paper 4.3, A.2, C.6, C.7)."""
