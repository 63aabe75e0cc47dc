"""Where it is said: the Multimodal Pose Encoder, from geometry, words or video to z_p (4.2, C.4)."""
