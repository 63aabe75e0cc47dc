"""From a name that a person typed to one description, or to an error that helps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from spatialdrama.errors import UnknownNameError

#: Names listed in full in an error; beyond this the message says how many more there are.
SHOWN = 12


def resolve(kind: str, name: str, entries: Sequence[Any], failures: Iterable[Any]) -> Any:
    """The entry that ``name`` means.

    ``provider/name`` always works and is tried first. A bare name works while one provider claims
    it; when two do, neither wins silently.

    Raises
    ------
    UnknownNameError
        Nothing, or more than one thing, has that name.
    """
    if not isinstance(name, str):
        raise UnknownNameError(f"{kind} names are text, like 'provider/name'; got {name!r}.")
    exact = [entry for entry in entries if entry.full_name == name]
    if len(exact) == 1:
        return exact[0]
    bare = [entry for entry in entries if entry.name == name]
    if len(bare) == 1:
        return bare[0]
    if bare and kind == "asset" and all(entry.spec == bare[0].spec for entry in bare):
        return bare[0]  # two plugins that describe the same file do not contradict each other
    if bare:
        choices = " or ".join(repr(entry.full_name) for entry in bare)
        origins = ", ".join(
            f"{entry.provider} ({entry.distribution} {entry.distribution_version}".rstrip() + ")"
            for entry in bare
        )
        raise UnknownNameError(
            f"{len(bare)} plugins provide a {kind} named {name!r}: {origins}. Say {choices}."
        )
    raise UnknownNameError(unknown(kind, name, spellings(entries), failures))


def spellings(entries: Sequence[Any]) -> list[str]:
    """The shortest name that means each entry: bare when unique, ``provider/name`` otherwise."""
    count: dict[str, int] = {}
    for entry in entries:
        count[entry.name] = count.get(entry.name, 0) + 1
    full = {entry.full_name for entry in entries}
    return [
        entry.full_name if count[entry.name] > 1 or entry.name in full else entry.name
        for entry in entries
    ]


def unknown(kind: str, name: str, known: Sequence[str], failures: Iterable[Any] = ()) -> str:
    """The message for a name nobody provides: nearest ones, known ones, plugins that failed."""
    text = f"no {kind} named {name!r}."
    near = nearest(name, known)
    if near:
        text += f" Did you mean {' or '.join(map(repr, near))}?"
    ordered = sorted(known)
    more = len(ordered) - SHOWN
    listed = ", ".join(ordered[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    text += f" Known: {listed or 'none; no plugin provides one'}."
    for record in failures:
        origin = f" ({record.origin})" if record.origin else ""
        text += f" Plugin {record.name!r}{origin} did not load: {record.error}"
    return text


def nearest(name: str, known: Sequence[str], *, count: int = 2) -> list[str]:
    """Up to ``count`` known names that look like ``name``, whatever their case or provider.

    More than one only where the others are as near as the first: in letters, and in how many of
    them agree from the start, where typing errors are rarer.
    """
    import difflib  # only errors need it
    from itertools import takewhile

    by_key: dict[str, str] = {}
    for full in known:
        by_key.setdefault(full.lower(), full)
        by_key.setdefault(full.lower().rsplit("/", 1)[-1], full)
    wanted = name.lower()
    found = difflib.get_close_matches(wanted, list(by_key), n=4 * count, cutoff=0.6)

    def rank(key: str) -> tuple[float, int]:
        ratio = difflib.SequenceMatcher(None, wanted, key).ratio()
        agree = takewhile(lambda pair: pair[0] == pair[1], zip(wanted, key, strict=False))
        return round(ratio, 2), len(list(agree))

    best = max(map(rank, found), default=None)
    return list(dict.fromkeys(by_key[key] for key in found if rank(key) == best))[:count]
