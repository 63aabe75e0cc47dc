"""Where it is said: the Multimodal Pose Encoder (paper 4.2, C.4).

From geometry, words or silent video to z_p.
"""
