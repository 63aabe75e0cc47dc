"""Where a voice comes from, as two ears hear it: a small network of our own, its shipped weights.

`features.py` turns two ears into bands, `network.py` runs the trained network on numpy arrays (no
torch), `decode.py` reads directions and distances out of it, `localiser.py` puts them together.
`training/` makes the weights and is the one part that needs torch and a renderer.
"""
