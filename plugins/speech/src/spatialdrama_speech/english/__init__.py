"""English text to phonemes: dictionary, word endings, numbers, and letters when all else fails.

What lives here: everything between a stretch of English text and the symbols Kokoro was trained on.
What does not: other scripts (``mandarin.py``), the joining of languages (``g2p.py``).
"""
