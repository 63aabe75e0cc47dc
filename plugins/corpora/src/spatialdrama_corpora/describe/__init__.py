"""What a corpus holds: hours, speakers, phones, places and speeds, in numbers and as a picture.

Counting reads poses and annotation, never sound; drawing reads what was counted. Only
``picture.py`` knows matplotlib, and it is imported when somebody asks for a picture.
"""

from .description import Description
from .statistics import describe

__all__ = ["Description", "describe"]
