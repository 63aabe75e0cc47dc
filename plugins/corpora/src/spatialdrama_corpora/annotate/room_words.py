"""A room in words: how large it is, how long it sounds, what it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import attrs
import numpy as np

from spatialdrama.errors import ValidationError
from spatialdrama.runtime.seeding import rng
from spatialdrama.types import Room
from spatialdrama.types.materials import MATERIALS, UPRIGHT, WALLS
from spatialdrama.types.validate import unknown_name

LANGUAGES: Final = ("en", "zh")
#: Upper bound in m3 of each size, in English and Mandarin; a living room has 50, a school's gym
#: 2000.
SIZES: Final = (
    (30.0, "small", "狭小"),
    (120.0, "medium-sized", "中等大小"),
    (1000.0, "large", "宽敞"),
    (float("inf"), "very large", "巨大"),
)
#: Upper bound in s of the RT60 at 500 Hz and 1 kHz. A studio is at .2, a furnished room at .5, a
#: bare one at 1, a church above 2.
DECAYS: Final = (
    (0.25, "very dry", "非常干"),
    (0.5, "dry", "较干"),
    (0.9, "lively", "活跃"),
    (1.6, "reverberant", "混响明显"),
    (float("inf"), "very reverberant", "混响很长"),
)
#: Materials in Mandarin; English takes their names.
MATERIALS_ZH: Final = {
    **{"acoustic-ceiling": "吸音吊顶", "acoustic-plaster": "吸音灰泥", "audience": "观众"},
    **{"brick": "砖", "carpet": "地毯", "carpet-thin": "薄地毯", "concrete": "混凝土"},
    **{"curtains": "帘幕", "curtains-velvet": "丝绒帘幕", "glass": "玻璃", "linoleum": "油毡"},
    **{"marble": "大理石", "mineral-wool": "矿棉", "open": "敞开", "plaster": "灰泥"},
    **{"plasterboard": "石膏板", "seats": "软座椅", "stage-floor": "舞台木地板"},
    **{"tiles": "瓷砖", "wood-lining": "木护壁", "wooden-door": "木门"},
}
_WALLS_ZH: Final = {
    **{"front": "前墙", "back": "后墙", "left": "左墙", "right": "右墙"},
    **{"floor": "地面", "ceiling": "天花板", UPRIGHT: "墙面"},
}


@attrs.frozen(kw_only=True)
class RoomFacts:
    """What a prompt says of a room: number of its size class, of its decay class, surfaces."""

    size: int | None = None
    decay: int | None = None
    rt60: float | None = None
    surfaces: Mapping[str, str] = attrs.field(factory=dict)


def facts_of(room: Room) -> RoomFacts:
    """Return the classes of a room; none of them for the free field.

    Examples
    --------
    >>> facts = facts_of(Room((6, 5, 3), rt60=0.35))
    >>> SIZES[facts.size][1], DECAYS[facts.decay][1]
    ('medium-sized', 'dry')
    """
    if not room.is_shoebox:
        return RoomFacts()
    rt60 = float(np.mean(room.rt60_bands[2:4]))
    return RoomFacts(
        size=next(i for i, (most, *_) in enumerate(SIZES) if room.volume <= most),
        decay=next(i for i, (most, *_) in enumerate(DECAYS) if rt60 <= most),
        rt60=rt60,
        surfaces=_surfaces(room),
    )


def scene_prompt(room: Room, language: str = "en", seed: int = 0) -> str:
    """Return one sentence about a room.

    Parameters
    ----------
    room : Room
        A shoebox, a measured room, or the free field.
    language : "en" or "zh"
    seed : int
        Which of the phrasings.

    Raises
    ------
    UnknownNameError
        For another language.

    Examples
    --------
    >>> scene_prompt(Room((6, 5, 3), rt60=0.35))
    'Indoors, in a medium-sized room that sounds dry.'
    >>> len(scene_phrasings(Room.free_field(), "zh"))
    3
    """
    options = scene_phrasings(room, language)
    return options[int(rng(seed, "scene prompt", language).integers(len(options)))]


def scene_phrasings(room: Room, language: str) -> tuple[str, ...]:
    """Return every way to say a room."""
    if language not in LANGUAGES:
        raise unknown_name("prompt language", language, LANGUAGES)
    if not isinstance(room, Room):
        raise ValidationError(f"a scene prompt is made of a Room; got {type(room).__name__}.")
    facts = facts_of(room)
    if facts.size is None:
        return _NO_SHOEBOX[language, room.is_measured]
    sentence = _english if language == "en" else _mandarin
    return sentence(room, facts)


_NO_SHOEBOX: Final = {
    ("en", False): (
        "Outdoors in the open, without reflections.",
        "A free field: no walls, no echo.",
        "An anechoic place, completely dry.",
    ),
    ("zh", False): (
        "露天的空旷处，没有反射声。",
        "自由场：没有墙壁，也没有回声。",
        "消声的环境，完全没有混响。",
    ),
    ("en", True): (
        "A real room, as it was measured.",
        "A measured room with its own reverberation.",
    ),
    ("zh", True): ("一个实测的真实房间。", "实测的房间，带有它自己的混响。"),
}


def _english(room: Room, facts: RoomFacts) -> tuple[str, ...]:
    size, decay = SIZES[facts.size][1], DECAYS[facts.decay][1]
    length, width, height = (f"{s:.3g}" for s in room.size)
    made = _joined_en(facts.surfaces)
    return (
        f"A {size}, {decay} room, {length} by {width} m and {height} m high, "
        f"RT60 {facts.rt60:.2g} s{made}.",
        f"Indoors, in a {size} room that sounds {decay}{made}.",
        f"The scene is a {size} room of about {_about(room.volume)} cubic metres; its acoustics "
        f"are {decay}, the sound decays in {facts.rt60:.2g} s{made}.",
    )


def _mandarin(room: Room, facts: RoomFacts) -> tuple[str, ...]:
    size, decay = SIZES[facts.size][2], DECAYS[facts.decay][2]
    length, width, height = (f"{s:.3g}" for s in room.size)
    made = "".join(f"，{_WALLS_ZH[w]}为{MATERIALS_ZH[m]}" for w, m in facts.surfaces.items())
    return (
        f"一个{size}的房间，声音{decay}，长{length}米、宽{width}米、高{height}米，"
        f"混响时间{facts.rt60:.2g}秒{made}。",
        f"室内，{size}的房间，声音{decay}{made}。",
        f"场景是一个约{_about(room.volume)}立方米的{size}房间，声音{decay}，"
        f"混响时间{facts.rt60:.2g}秒{made}。",
    )


def _about(value: float) -> str:
    """Two digits that count: 105 is about 100."""
    return f"{float(f'{value:.2g}'):,.0f}".replace(",", "")


def _joined_en(surfaces: Mapping[str, str]) -> str:
    if not surfaces:
        return ""
    parts = [f"{wall} of {name.replace('-', ' ')}" for wall, name in surfaces.items()]
    return ", with " + (parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}")


def _surfaces(room: Room) -> dict[str, str]:
    """Walls whose material has a name, the four upright ones together where they are alike."""
    absorption = room.absorption
    if isinstance(absorption, str):
        return {UPRIGHT: absorption}
    if not isinstance(absorption, Mapping):
        return {}
    named = {w: absorption[w] for w in WALLS if absorption[w] in MATERIALS}
    upright = [named.get(w) for w in WALLS[:4]]
    if upright[0] is not None and len(set(upright)) == 1:
        rest = {w: m for w, m in named.items() if w not in WALLS[:4]}
        return {UPRIGHT: upright[0], **rest}
    return named
