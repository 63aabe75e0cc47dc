"""Scoring: what a metric gets to hear, over how many items, at what chance, and who was better.

What lives here: the cuts of a drama, the references and prompts it is compared with, chance levels,
running over one item or thousands, and tables that compare systems. What may not: sound that is
made, a metric's arithmetic (plugins have it), and numbers about listeners (``stats`` has those).
"""
