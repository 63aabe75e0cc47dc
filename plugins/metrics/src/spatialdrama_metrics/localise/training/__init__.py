"""How the localiser's weights are made: heads and rooms by chance, a renderer, torch.

`heads.py` and `scenes.py` draw what is rendered, `data.py` renders it, `signals.py` is the
features in torch and what is done to a clip before it is learned from, `model.py` the network,
`train.py` the command.
"""
