"""Layers that several networks share: norms, positions, attention, modulation, FAN, masks.

No layer in here knows what its numbers mean.
"""
