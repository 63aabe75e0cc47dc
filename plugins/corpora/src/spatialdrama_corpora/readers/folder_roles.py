"""Which file of a plain folder is the sound, the dry voice, the pose, the words of which item."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from .segments import VIDEOS
from .sounds import SOUNDS

#: Words that say what a file is: alone as its name, after the item's name, or as its folder.
ROLES = {
    "audio": ("binaural", "audio", "wav", "wavs"),
    "mono": ("mono", "dry"),
    "pose": ("pose", "poses", "tx_positions", "tx_pos", "positions", "geometric_pose", "tx"),
    "listener": ("listener", "rx_positions", "rx_pos", "rx", "head"),
    "script": ("script", "scripts", "text", "texts", "transcript", "transcripts", "textgrid",
               "textgrids"),
    "video": ("video", "videos"),
    "prompt": ("prompt", "prompts", "text_prompt", "text_prompts", "spatial_prompt"),
    "scene": ("scene", "scenes", "scene_prompt", "scene_prompts", "room"),
}  # fmt: skip

#: Suffixes that a file of a role may have.
SUFFIXES = {
    "audio": SOUNDS, "mono": SOUNDS, "video": VIDEOS,
    "pose": (".nc", ".zarr", ".npy", ".txt"), "listener": (".nc", ".zarr", ".npy", ".txt"),
    "script": (".textgrid", ".json", ".txt"), "prompt": (".txt",), "scene": (".txt", ".json"),
}  # fmt: skip
#: What a file is by its suffix alone.
_DEFAULT = {
    **dict.fromkeys(SOUNDS, "sound"), **dict.fromkeys(VIDEOS, "video"),
    ".nc": "pose", ".zarr": "pose", ".npy": "pose", ".textgrid": "script", ".json": "script",
    ".txt": "script",
}  # fmt: skip
_ROLE_OF = {word: role for role, words in ROLES.items() for word in words}
_TAIL = re.compile(
    r"^(?P<stem>.+?)[._-](?P<word>" + "|".join(sorted(_ROLE_OF, key=len, reverse=True)) + r")$",
    re.IGNORECASE,
)


def gathered(root: Path, paths: Iterable[Path]) -> dict[str, dict[str, Path]]:
    """Return {item: {role: path}}; a sound whose channels must decide has the role "sound".

    Examples
    --------
    >>> from pathlib import Path
    >>> from spatialdrama_corpora.readers.folder_roles import gathered
    >>> files = ["play/a.wav", "play/a_mono.wav", "play/a.TextGrid", "take/binaural.flac",
    ...          "take/tx_positions.txt", "take/SOURCE.txt"]
    >>> found = gathered(Path("c"), [Path("c", f) for f in files])
    >>> {name: sorted(roles) for name, roles in found.items()}
    {'play/a': ['mono', 'script', 'sound'], 'take': ['audio', 'pose']}
    """
    paths = sorted(paths)
    # A folder with a sound that is called by its role alone is one item.
    whole = {
        p.parent for p in paths
        if p.parent != root and p.suffix.lower() in SOUNDS
        and _ROLE_OF.get(p.stem.lower()) in ("audio", "mono")
    }  # fmt: skip
    found: dict[str, dict[str, Path]] = defaultdict(dict)
    for path in paths:
        if path.parent in whole:
            name, role = path.parent.relative_to(root).as_posix(), _ROLE_OF.get(path.stem.lower())
        else:
            name, role = _key(root, path)
        if role is None or (role != "sound" and path.suffix.lower() not in SUFFIXES[role]):
            continue
        kept = found[name].get(role)
        if kept is None or _rank(role, path) < _rank(role, kept):
            found[name][role] = path
    return {name: roles for name, roles in found.items() if roles}


def _rank(role: str, path: Path) -> int:
    suffixes = SUFFIXES["audio" if role == "sound" else role]
    return suffixes.index(path.suffix.lower())


def _key(root: Path, path: Path) -> tuple[str, str | None]:
    """Return (the item's name, role) of a file that carries the item's name."""
    suffix = path.suffix.lower()
    role = _DEFAULT.get(suffix)
    folders = list(path.relative_to(root).parent.parts)
    for place in range(len(folders) - 1, -1, -1):
        word = _ROLE_OF.get(folders[place].lower())
        if word is not None and suffix in SUFFIXES[word]:
            role = word
            del folders[place]
            break
    stem = path.stem
    if (tail := _TAIL.match(stem)) and suffix in SUFFIXES[_ROLE_OF[tail["word"].lower()]]:
        stem, role = tail["stem"], _ROLE_OF[tail["word"].lower()]
    return "/".join([*folders, stem]), role
