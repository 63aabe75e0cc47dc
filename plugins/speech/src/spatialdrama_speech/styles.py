"""Line styles: what "[whispering]" after a speaker's name does to a line.

A style is a documented change of rate, pitch, pitch range and level, and for whispering another
excitation. Several styles may stand together ("whispering, slowly"). A style that is not in the
table changes nothing; the line's provenance says so.
"""

from __future__ import annotations

import re

import attrs


@attrs.frozen(kw_only=True)
class Style:
    """Changes of a line.

    Parameters
    ----------
    rate
        Factor of speed.
    pitch
        Semitones.
    span
        Factor of the pitch range around the line's median.
    gain_db
        Decibels of level.
    whisper
        Whether the voice is replaced by breath.
    """

    rate: float = 1.0
    pitch: float = 0.0
    span: float = 1.0
    gain_db: float = 0.0
    whisper: bool = False

    def then(self, other: Style) -> Style:
        """Both styles together: factors multiply, semitones and decibels add."""
        return Style(
            rate=self.rate * other.rate,
            pitch=self.pitch + other.pitch,
            span=self.span * other.span,
            gain_db=self.gain_db + other.gain_db,
            whisper=self.whisper or other.whisper,
        )


# Levels follow Pearsons et al. 1977 (speech levels at 1 m: soft 52, normal 58, loud 74 dB SPL),
# brought closer together so that quiet lines stay audible in a drama.
STYLES = {
    "whispering": Style(rate=0.92, gain_db=-6.0, whisper=True),
    "softly": Style(rate=0.95, pitch=-0.5, span=0.85, gain_db=-6.0),
    "loudly": Style(gain_db=4.0, pitch=1.0, span=1.1),
    "shouting": Style(rate=0.95, pitch=4.0, span=1.2, gain_db=8.0),
    "calling": Style(rate=0.85, pitch=3.0, span=1.1, gain_db=6.0),
    "slowly": Style(rate=0.8),
    "quickly": Style(rate=1.25),
}
SYNONYMS = {
    **{"whisper": "whispering", "whispers": "whispering", "whispered": "whispering"},
    **{"in a whisper": "whispering", "aside": "softly", "soft": "softly", "quietly": "softly"},
    **{"low": "softly", "gently": "softly", "loud": "loudly", "aloud": "loudly"},
    **{"shout": "shouting", "shouts": "shouting", "crying out": "shouting", "yelling": "shouting"},
    **{"calls": "calling", "call": "calling", "calling out": "calling", "slow": "slowly"},
    **{"fast": "quickly", "quick": "quickly", "hastily": "quickly", "hurriedly": "quickly"},
    **{"低声": "whispering", "小声": "softly", "轻声": "softly", "大声": "loudly"},
    **{"喊": "shouting", "慢": "slowly", "快": "quickly", "耳语": "whispering"},
}


def parse(text: str) -> tuple[Style, str]:
    """Read a line's style.

    Parameters
    ----------
    text
        Styles joined by commas, semicolons, "+" or "and"; capitals do not matter; "" is none.

    Returns
    -------
    style, unused
        What to do, and the words that are in no table, joined by commas ("" when all are).

    Example
    -------
    >>> style, unused = parse("Whispering, slowly and grimly")
    >>> round(style.rate, 3), style.whisper, unused
    (0.736, True, 'grimly')
    """
    style, unused = Style(), []
    for word in re.split(r"[,;+，；、]|\band\b", text or ""):
        name = " ".join(word.lower().split())
        name = SYNONYMS.get(name, name)
        if name in STYLES:
            style = style.then(STYLES[name])
        elif name:
            unused.append(word.strip())
    return style, ", ".join(unused)
