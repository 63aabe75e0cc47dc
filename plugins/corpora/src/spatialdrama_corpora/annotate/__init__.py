"""Steps that turn a recording into items: level, noise, turns, phones, times, poses, prompts.

Each is a function that can be used alone; none treats the two ears differently. :func:`annotate`
does them one after the other on files or items.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

#: Name -> the module here that has it; imported when somebody asks.
_WHERE = {
    **{"annotate": "run", "Annotated": "run", "STEPS": "segments", "Settings": "segments"},
    **{"Segment": "segments", "to_lufs": "loudness", "integrated": "loudness"},
    **{"denoise": "denoising", "denoising_mask": "denoising", "apply_mask": "mask"},
    **{"turns": "turn_taking", "Turn": "turn_taking", "phones_of": "phones", "Reading": "phones"},
    **{"align": "aligning", "Aligned": "aligned", "from_voice": "voiced"},
    **{"TextGrid": "textgrid", "Interval": "textgrid", "read_textgrid": "textgrid"},
    **{"write_textgrid": "textgrid", "pose_from_tracks": "tracks", "motion_of": "motion"},
    **{"text_prompts": "path_words", "scene_prompt": "room_words"},
}
__all__ = sorted(_WHERE)


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
