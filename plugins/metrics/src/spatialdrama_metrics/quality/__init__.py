"""How good does it sound? Networks that learnt what listeners said of recordings.

What lives here: one module for each predictor (``dnsmos.py``, ``distillmos.py``), what stands
before it (``dnsmos_input.py``), its network where it is not a file (``distill_network.py``), and
what they share: two ears to signals that can be judged (``base.py``, ``clipping.py``). What may
not: anything that needs a reference.
"""
