"""The published reading of the spatial metrics: what the authors' evaluation code computes.

For comparison with printed tables only; the headline metrics live beside this room and nothing
here may serve them. Written from the definitions: no code of the authors is in here. What needs
torch imports it when it is called.
"""
