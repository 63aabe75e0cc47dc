"""Where it is said: the Multimodal Pose Encoder (paper 4.2, C.4).

From geometry, words or silent video to z_p (b, e, t, d): one embedding for each ear and mel frame.
Numbers about poses (:mod:`.geometry`, :mod:`.camera`, :mod:`.batches`) are numpy; networks are
torch. Nothing in here knows what is said: z_c comes in from the content room.
"""
