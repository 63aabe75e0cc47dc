"""Names under which annotations say the same thing, and how to find it whatever it is called.

MRSDrama's makers document no key of their JSON. The first name of each row is what their own
processing scripts write (facts A2); the others are what other corpora and earlier forms of those
scripts call it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from spatialdrama.errors import ValidationError

ALIASES: Mapping[str, tuple[str, ...]] = {
    "name": ("item_name", "name", "id", "utt_id", "key", "segment_id"),
    "speaker": ("speaker", "spk", "speaker_id", "role", "character", "actor", "singer"),
    "text": ("raw_txt", "text", "txt", "raw_text", "transcript", "sentence", "content",
             "textgrid_txt"),
    "language": ("language", "lang"),
    "drama": ("drama", "play", "script_name", "session", "title"),
    "split": ("split", "subset"),
    "start": ("start_time", "start", "begin", "onset", "xmin"),
    "end": ("end_time", "end", "stop", "stop_time", "offset", "xmax"),
    "duration": ("duration", "dur", "seconds"),
    "phones": ("ph", "phs", "phone", "phones", "phoneme", "phonemes"),
    "phone_durations": ("ph_dur", "ph_durs", "phone_dur", "phone_durs", "phone_durations",
                        "phoneme_dur", "phoneme_durations"),
    "words": ("word", "words"),
    "word_durations": ("word_dur", "word_durs", "word_durations"),
    "audio": ("wav_fn", "wav", "wav_path", "wav_file", "audio", "audio_fn", "audio_path",
              "binaural", "binaural_fn"),
    "mono": ("mono_fn", "mono", "mono_wav", "mono_path"),
    "pose": ("pos_fn", "pose_fn", "pose", "pos", "pose_path", "pos_path", "position_fn",
             "geometric_pose", "npy_fn"),
    "video": ("video", "video_fn", "video_path", "vid_fn", "mp4", "mp4_fn"),
    "text_prompts": ("spatial_prompt", "spatial_prompts", "text_prompt", "text_prompts",
                     "pose_prompt", "textual_prompt"),
    "scene": ("scene", "scene_id"),
    "scene_prompt": ("scene_prompt", "scene_desc", "scene_description", "scene_text"),
    "camera_position": ("camera_position", "cam_position", "cam_pos"),
    "camera_orientation": ("camera_orientation", "cam_orientation", "cam_quat"),
}  # fmt: skip

_FIELD = {alias: field for field, aliases in ALIASES.items() for alias in aliases}


def normal(key: Any) -> str:
    """Return a key as the table writes it.

    Examples
    --------
    >>> from spatialdrama_corpora.readers.aliases import normal
    >>> normal("Item-Name")
    'item_name'
    """
    return str(key).strip().lower().replace("-", "_").replace(" ", "_")


def sorted_out(entry: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return (fields by our names, the rest as it stands); the table's earlier alias wins.

    Examples
    --------
    >>> from spatialdrama_corpora.readers.aliases import sorted_out
    >>> sorted_out({"Item_Name": "a", "txt": "b", "raw_txt": "c", "note": [60]})
    ({'name': 'a', 'text': 'c'}, {'txt': 'b', 'note': [60]})
    """
    rank: dict[str, int] = {}
    fields: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    sources: dict[str, Any] = {}
    for key, value in entry.items():
        field = _FIELD.get(normal(key))
        if field is None or value is None:
            rest[str(key)] = value
            continue
        place = ALIASES[field].index(normal(key))
        if field in rank and rank[field] <= place:
            rest[str(key)] = value
            continue
        if field in rank:
            rest[sources[field]] = fields[field]
        fields[field], rank[field], sources[field] = value, place, str(key)
    return fields, rest


def number(value: Any, what: str) -> float | None:
    """Return a number that may be written as text; None stays None."""
    if value is None or value == "":
        return None
    try:
        found = float(value)
    except (TypeError, ValueError):
        found = math.nan
    if not math.isfinite(found) or isinstance(value, bool):
        raise ValidationError(f"{what} must be a number of seconds; got {value!r}.")
    return found


def listed(value: Any) -> list[Any]:
    """Return a list that may be written as text with spaces.

    Examples
    --------
    >>> from spatialdrama_corpora.readers.aliases import listed
    >>> listed("n i h ao"), listed([1, 2]), listed(None)
    (['n', 'i', 'h', 'ao'], [1, 2], [])
    """
    if value is None:
        return []
    return value.split() if isinstance(value, str) else list(value)
