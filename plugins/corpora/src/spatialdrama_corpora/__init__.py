"""Corpora of binaural drama: read recorded ones, annotate your own, simulate the rest.

All of them give the same items, each part loaded when somebody asks for it.
"""
