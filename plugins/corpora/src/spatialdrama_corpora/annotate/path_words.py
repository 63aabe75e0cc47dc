"""Words about a path, several ways to say the same, in English and Mandarin.

The first phrasing is MRSDrama's ("[DYNAMIC] Moves from front-right to front-left, passing through
front, then pauses"); the others are how people direct actors. Every word is a fact of the pose:
sectors, near and far, height, speed, pauses, posture, and when it starts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.runtime.seeding import rng
from spatialdrama.types import Pose, TextPrompt
from spatialdrama.types.validate import unknown_name
from spatialdrama_corpora.annotate.motion import EAR_HEIGHT, Motion, Place, motion_of

LANGUAGES: Final = ("en", "zh")
#: m; less is not worth "coming nearer".
_NEARING = 0.5
_ZH_SECTOR: Final = {
    **{"front": "正前方", "front-left": "左前方", "left": "左侧", "back-left": "左后方"},
    **{"back": "正后方", "back-right": "右后方", "right": "右侧", "front-right": "右前方"},
}
_EN_PACE: Final = {"slow": "slowly", "steady": "at a steady pace", "fast": "quickly"}
_ZH_PACE: Final = {"slow": "慢慢地", "steady": "以平稳的步伐", "fast": "快步"}


def text_prompts(
    pose: Pose,
    language: str = "en",
    seed: int = 0,
    count: int = 3,
    *,
    listener: Pose | None = None,
    start: float | None = None,
    end: float | None = None,
    ear_height: float = EAR_HEIGHT,
) -> tuple[TextPrompt, ...]:
    """Return phrasings of what a pose does, all different.

    Parameters
    ----------
    pose : Pose
    language : "en" or "zh"
    seed : int
        Which phrasings are taken after the first, and their order. The same seed gives the same.
    count : int
        At least 1. There are five of each kind of pose; more give all of them.
    listener : Pose, optional
        Whose directions are said, where it is not at rest in the origin.
    start, end : float, s
        The part of the pose that is described; default all of it.
    ear_height : float, m
        Of the listener's ears above the floor; tells standing from sitting.

    Raises
    ------
    UnknownNameError
        For another language.

    Examples
    --------
    >>> walk = Pose.walk([(1, -1, 0.3), (1, 1, 0.3)], speed=0.4, start=1.5)
    >>> text_prompts(walk, count=1)[0].text
    '[DYNAMIC] Moves from front-right to front-left, passing through front'
    >>> text_prompts(Pose.fixed((0.5, 0, 0)), "zh", count=1)[0].text
    '[静止] 声源位于近处的正前方'
    """
    if language not in LANGUAGES:
        raise unknown_name("prompt language", language, LANGUAGES)
    if isinstance(count, bool) or int(count) != count or count < 1:
        raise ValidationError(f"count must be a whole number from 1; got {count!r}.")
    if start is None and listener is not None:
        # The listener's own times may be longer; the speaker's are what is described.
        start, end = float(pose.time[0]), float(pose.time[-1]) if end is None else end
    motion = motion_of(pose.relative_to(listener), start=start, end=end, ear_height=ear_height)
    first, *others = phrasings(motion, language)
    order = rng(seed, "text prompt", language).permutation(len(others))
    texts = list(dict.fromkeys([first, *(others[i] for i in order)]))[:count]
    return tuple(TextPrompt(text, language=language) for text in texts)


def phrasings(motion: Motion, language: str) -> tuple[str, ...]:
    """Return every way to say a motion, MRSDrama's first.

    Examples
    --------
    >>> from spatialdrama_corpora.annotate.motion import motion_of
    >>> phrasings(motion_of(Pose.fixed((2, 2, 0))), "en")[1]
    'sits at far front-left'
    """
    table = _TABLE[language, motion.moves]
    return tuple(sentence(motion) for sentence in table)


# -- English -------------------------------------------------------------------------------------


def _en_at(place: Place) -> str:
    reach = f"{place.reach} " if place.reach else ""
    return f"{reach}{place.sector}{f', {place.height}' if place.height else ''}"


def _en_clear(place: Place) -> str:
    reach = {"near": ", close by", "far": ", far away", "": ""}[place.reach]
    height = {"up": ", above ear level", "down": ", below ear level", "": ""}[place.height]
    return f"{place.sector}{reach}{height}"


def _en_seconds(value: float) -> str:
    return f"{np.round(value, 1):g} s"


def _en_route(m: Motion, word: str = "passing through") -> str:
    return f", {word} {' and '.join(m.through)}" if m.through else ""


def _en_tail(m: Motion) -> str:
    """What happens at the end: a change of posture, then rest."""
    tail = f", then {m.change}" if m.change else ""
    return f"{tail}, then pauses" if m.rests >= 0.5 else tail


def _en_pauses(m: Motion) -> str:
    return ", with intermittent pauses" if m.stays else ""


def _en_reach(m: Motion) -> str:
    if abs(m.nearing) < _NEARING:
        return ""
    return ", coming nearer" if m.nearing > 0 else ", going farther away"


def _en_dynamic_table(m: Motion) -> str:
    a, b = m.start.sector, m.end.sector
    path = f"Moves within {a}" if a == b and not m.through else f"Moves from {a} to {b}"
    return f"[DYNAMIC] {path}{_en_route(m)}{_en_pauses(m)}{_en_tail(m)}"


def _en_dynamic_short(m: Motion) -> str:
    verb = f"walks {_EN_PACE[m.pace]}"
    return f"{verb} from {_en_at(m.start)} to {_en_at(m.end)}{_en_pauses(m)}"


def _en_dynamic_timed(m: Motion) -> str:
    wait = (
        f"{m.start.posture} at {m.start.sector} for {_en_seconds(m.begins)}, then "
        if (m.begins >= 0.5)
        else f"from {m.start.sector} "
    )
    return f"{wait}walks {_EN_PACE[m.pace]} to {m.end.sector}{_en_reach(m)}{_en_tail(m)}"


def _en_dynamic_full(m: Motion) -> str:
    begin = (
        f"After {_en_seconds(m.begins)} the speaker sets off" if m.begins >= 0.5
        else "The speaker sets off at once"
    )  # fmt: skip
    return (
        f"{begin} from {_en_clear(m.start)}, and walks {_EN_PACE[m.pace]}"
        f"{_en_route(m, 'by way of')}{_en_pauses(m)}, to end at {_en_clear(m.end)}."
    )


def _en_dynamic_heard(m: Motion) -> str:
    return (
        f"A voice that travels {_EN_PACE[m.pace]} from the {m.start.sector} of the listener to the "
        f"{m.end.sector}{_en_reach(m)}{_en_pauses(m)}"
    )


def _en_static_table(m: Motion) -> str:
    return f"[STATIC] Source locates at {_en_at(m.start)}"


def _en_static_short(m: Motion) -> str:
    return f"{m.start.posture} at {_en_at(m.start)}"


def _en_static_full(m: Motion) -> str:
    doing = {"stands": "standing", "sits": "sitting"}[m.start.posture]
    return f"The speaker stays {doing} at the listener's {_en_clear(m.start)}, without moving."


def _en_static_metres(m: Motion) -> str:
    return f"{m.start.posture} still, {m.start.distance:.1f} m away at {m.start.sector}"


def _en_static_heard(m: Motion) -> str:
    return f"A voice from the {_en_clear(m.start)} that does not move"


# -- Mandarin ------------------------------------------------------------------------------------


def _zh_at(place: Place) -> str:
    reach = {"near": "近处的", "far": "远处的", "": ""}[place.reach]
    height = {"up": "偏上", "down": "偏下", "": ""}[place.height]
    return f"{reach}{_ZH_SECTOR[place.sector]}{height}"


def _zh_posture(place: Place) -> str:
    return {"stands": "站", "sits": "坐"}[place.posture]


def _zh_seconds(value: float) -> str:
    return f"{np.round(value, 1):g}秒"


def _zh_route(m: Motion) -> str:
    return f"，经过{'和'.join(_ZH_SECTOR[s] for s in m.through)}" if m.through else ""


def _zh_tail(m: Motion) -> str:
    change = {"sits down": "，然后坐下", "stands up": "，然后站起来", "": ""}[m.change]
    return f"{change}，然后停下" if m.rests >= 0.5 else change


def _zh_pauses(m: Motion) -> str:
    return "，中途停顿" if m.stays else ""


def _zh_reach(m: Motion) -> str:
    if abs(m.nearing) < _NEARING:
        return ""
    return "，越走越近" if m.nearing > 0 else "，越走越远"


def _zh_dynamic_table(m: Motion) -> str:
    a, b = _ZH_SECTOR[m.start.sector], _ZH_SECTOR[m.end.sector]
    path = f"在{a}移动" if a == b and not m.through else f"从{a}移动到{b}"
    return f"[移动] {path}{_zh_route(m)}{_zh_pauses(m)}{_zh_tail(m)}"


def _zh_dynamic_short(m: Motion) -> str:
    return f"{_ZH_PACE[m.pace]}从{_zh_at(m.start)}走到{_zh_at(m.end)}{_zh_pauses(m)}"


def _zh_dynamic_timed(m: Motion) -> str:
    a, b = _ZH_SECTOR[m.start.sector], _ZH_SECTOR[m.end.sector]
    wait = (
        f"先在{a}{_zh_posture(m.start)}{_zh_seconds(m.begins)}，再" if m.begins >= 0.5
        else f"从{a}"
    )  # fmt: skip
    return f"{wait}{_ZH_PACE[m.pace]}走到{b}{_zh_reach(m)}{_zh_tail(m)}"


def _zh_dynamic_full(m: Motion) -> str:
    begin = f"{_zh_seconds(m.begins)}后，说话人" if m.begins >= 0.5 else "说话人立刻"
    return (
        f"{begin}从{_zh_at(m.start)}出发{_zh_route(m)}，{_ZH_PACE[m.pace]}走到"
        f"{_zh_at(m.end)}{_zh_pauses(m)}。"
    )


def _zh_dynamic_heard(m: Motion) -> str:
    a, b = _ZH_SECTOR[m.start.sector], _ZH_SECTOR[m.end.sector]
    return f"声音{_ZH_PACE[m.pace]}从听者的{a}移到{b}{_zh_reach(m)}{_zh_pauses(m)}"


def _zh_static_table(m: Motion) -> str:
    return f"[静止] 声源位于{_zh_at(m.start)}"


def _zh_static_short(m: Motion) -> str:
    return f"{_zh_posture(m.start)}在{_zh_at(m.start)}"


def _zh_static_full(m: Motion) -> str:
    return f"说话人一直{_zh_posture(m.start)}在听者{_zh_at(m.start)}，没有移动。"


def _zh_static_metres(m: Motion) -> str:
    sector = _ZH_SECTOR[m.start.sector]
    return f"{_zh_posture(m.start)}着不动，在{sector}{m.start.distance:.1f}米远"


def _zh_static_heard(m: Motion) -> str:
    return f"声音来自{_zh_at(m.start)}，位置不变"


_Sentence = Callable[[Motion], str]
_TABLE: Final[dict[tuple[str, bool], Sequence[_Sentence]]] = {
    ("en", True): (
        _en_dynamic_table, _en_dynamic_short, _en_dynamic_timed, _en_dynamic_full, _en_dynamic_heard
    ),
    ("en", False): (
        _en_static_table, _en_static_short, _en_static_full, _en_static_metres, _en_static_heard
    ),
    ("zh", True): (
        _zh_dynamic_table, _zh_dynamic_short, _zh_dynamic_timed, _zh_dynamic_full, _zh_dynamic_heard
    ),
    ("zh", False): (
        _zh_static_table, _zh_static_short, _zh_static_full, _zh_static_metres, _zh_static_heard
    ),
}  # fmt: skip
