"""One file format of published corpora each, and the project's own; all give the same items.

A reader is a class with ``open(path, **options) -> Corpus`` and ``knows(path) -> bool``, named in
the plugin's ``plugin.py``. Opening reads annotation and headers; sound, poses and videos wait
until an item is asked for them. What is broken is left out and kept as a problem: readers raise
only when there is nothing to open.
"""
