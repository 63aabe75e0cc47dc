"""What a simulated corpus is asked to be: all that a build depends on, as one JSON file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.io.files import read_json, write_json
from spatialdrama.runtime.cache import key_of
from spatialdrama.types.validate import FrozenMapping, finite, unknown_name
from spatialdrama_corpora.scripts.castings import KOKORO
from spatialdrama_corpora.simulate.heads import HEADS
from spatialdrama_corpora.simulate.rooms import FAMILIES, FREE
from spatialdrama_corpora.simulate.stage import KINDS

SCHEMA = "spatialdrama.corpus-config/1"
#: Raised when the same configuration would give other items.
FORMAT = 1
SPLITS = ("train", "validation", "test")
LANGUAGES = ("en", "zh")


def _shares(known: Any, what: str) -> Any:
    """Return a converter for a mapping of known names to weights that are not all zero."""

    def convert(value: Any) -> FrozenMapping:
        if not isinstance(value, Mapping) or not value:
            raise ValidationError(f"{what} must be {{name: weight}}; got {value!r}.")
        for name, weight in value.items():
            if name not in known:
                raise unknown_name(what, name, known)
            if not finite(weight, f"the weight of {name!r} in {what}") >= 0:
                raise ValidationError(
                    f"the weight of {name!r} in {what} is negative: {weight!r}; use 0 to leave "
                    "it out."
                )
        if not sum(value.values()) > 0:
            raise ValidationError(f"{what} has only zero weights; give one above 0.")
        return FrozenMapping({k: float(v) for k, v in value.items()})

    return convert


def _span(low: float, high: float, what: str) -> Any:
    def convert(value: Any) -> tuple[float, float]:
        try:
            a, b = (float(v) for v in value)
        except (TypeError, ValueError):
            a, b = float("nan"), float("nan")
        if not low <= a <= b <= high:
            raise ValidationError(
                f"{what} must be two numbers, low and high, within {low:g} to {high:g}; "
                f"got {value!r}."
            )
        return a, b

    return convert


def _whole(low: int, what: str) -> Any:
    def convert(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < low:
            raise ValidationError(f"{what} must be a whole number from {low}; got {value!r}.")
        return value

    return convert


def _number(low: float, high: float, what: str) -> Any:
    def convert(value: Any) -> float:
        number = finite(value, what)
        if not low <= number <= high:
            raise ValidationError(f"{what} must be from {low:g} to {high:g}; got {value!r}.")
        return number

    return convert


def _identities(value: Any) -> FrozenMapping:
    if not isinstance(value, Mapping):
        raise ValidationError(f"identities must be {{language: [name, ...]}}; got {value!r}.")
    return FrozenMapping({str(k): tuple(map(str, v)) for k, v in value.items()})


@attrs.frozen(kw_only=True)
class SimulationConfig:
    """All that decides what a simulated corpus holds.

    Parameters
    ----------
    hours : float
        Of speech, from the plan's estimates; what is made differs by some per cent.
    seed : int
    languages : mapping of "en", "zh" to weight
        Shares of the hours.
    drama_minutes : (low, high)
        Length of a drama: scenes of one work, one after another.
    splits : mapping of "train", "validation", "test" to weight
        Shares of the dramas. No line of a text is in two splits.
    voice, voice_options
        A voice of the registry, and options to its constructor.
    identities : mapping of language to names
        Native ones of the voice.
    blends : int
        How many blends of two identities to add in each language.
    held_out : float
        Share of identities, and of rooms of each family, that train never has.
    rate, pitch : (low, high)
        Factors of speed and semitones of a character; lines move around that.
    styles : bool
        Whether lines are whispered, shouted and so on.
    movements : mapping of kind to weight
        See :data:`spatialdrama_corpora.simulate.stage.KINDS`.
    rooms : mapping of family to weight
        ``dry``, ``living``, ``hall`` and ``free``, the free field.
    rooms_each : int
        How many rooms each family has.
    heads : mapping of name to weight
        See :data:`spatialdrama_corpora.simulate.heads.HEADS`.
    test_head : str
        The head of the test split, which the others never have; "" takes those of `heads`.
    renderer, renderer_options
        A renderer of the registry.
    level_db : float, dBFS
        Active level of plain speech at 1 m; styles are louder or softer.
    video : bool
        A silent video of each segment.
    video_size : (width, height), pixels
    text_prompts : int
        Sentences about the movement of each segment, in English and as many in Mandarin; 0: none.
    scene_prompts : bool
    texts : path, optional
        A table that :mod:`spatialdrama_corpora.scripts.clean` wrote, instead of the package's own.

    Raises
    ------
    ValidationError, UnknownNameError
        Names the field, the value and what it may be.

    Examples
    --------
    >>> config = SimulationConfig(hours=0.1, seed=7, languages={"en": 1})
    >>> SimulationConfig.from_dict(config.to_dict()) == config
    True
    """

    hours: float = attrs.field(default=2.0, converter=_number(1e-4, 1e5, "hours"))
    seed: int = attrs.field(default=0, converter=_whole(0, "seed"))
    languages: Mapping[str, float] = attrs.field(
        default={"en": 0.5, "zh": 0.5}, converter=_shares(LANGUAGES, "languages")
    )
    drama_minutes: tuple[float, float] = attrs.field(
        default=(2.0, 6.0), converter=_span(0.05, 60.0, "drama_minutes")
    )
    splits: Mapping[str, float] = attrs.field(
        default={"train": 0.8, "validation": 0.1, "test": 0.1},
        converter=_shares(SPLITS, "splits"),
    )
    voice: str = "kokoro"
    voice_options: Mapping[str, Any] = attrs.field(factory=dict, converter=FrozenMapping)
    identities: Mapping[str, tuple[str, ...]] = attrs.field(default=KOKORO, converter=_identities)
    blends: int = attrs.field(default=24, converter=_whole(0, "blends"))
    held_out: float = attrs.field(default=0.2, converter=_number(0.0, 0.5, "held_out"))
    rate: tuple[float, float] = attrs.field(default=(0.88, 1.15), converter=_span(0.6, 1.6, "rate"))
    pitch: tuple[float, float] = attrs.field(
        default=(-2.0, 2.0), converter=_span(-8.0, 8.0, "pitch")
    )
    styles: bool = True
    movements: Mapping[str, float] = attrs.field(
        default=KINDS, converter=_shares(KINDS, "movements")
    )
    rooms: Mapping[str, float] = attrs.field(
        default={"dry": 0.28, "living": 0.34, "hall": 0.26, "free": 0.12},
        converter=_shares((*FAMILIES, FREE), "rooms"),
    )
    rooms_each: int = attrs.field(default=12, converter=_whole(2, "rooms_each"))
    heads: Mapping[str, float] = attrs.field(
        default={
            "kemar": 0.5, "kemar-unequalised": 0.06, "kemar-measured-phase": 0.08,
            "kemar-sphere-itd": 0.08, "spaced-pinnae": 0.12, "sphere-82mm": 0.08,
            "sphere-94mm": 0.08,
        },
        converter=_shares(HEADS, "heads"),
    )  # fmt: skip
    test_head: str = "sphere-87mm"
    renderer: str = "physical"
    renderer_options: Mapping[str, Any] = attrs.field(factory=dict, converter=FrozenMapping)
    level_db: float = attrs.field(default=-32.0, converter=_number(-60.0, -12.0, "level_db"))
    video: bool = True
    video_size: tuple[int, int] = attrs.field(default=(320, 240), converter=tuple)
    text_prompts: int = attrs.field(default=2, converter=_whole(0, "text_prompts"))
    scene_prompts: bool = True
    texts: str = ""

    def __attrs_post_init__(self) -> None:
        for language in self.languages:
            if self.languages[language] and len(self.identities.get(language, ())) < 2:
                raise ValidationError(
                    f"the language {language!r} needs at least two identities; got "
                    f"{self.identities.get(language, ())!r}. Give identities={{...}}."
                )
        if self.test_head and self.test_head not in HEADS:
            raise unknown_name("head", self.test_head, HEADS)
        if self.test_head and set(self.heads) == {self.test_head}:
            raise ValidationError(
                f"the head {self.test_head!r} is the only one and held out for the test; add "
                "another head, or give test_head=''."
            )
        size = self.video_size
        if len(size) != 2 or any(not isinstance(n, int) or n < 64 or n % 2 for n in size):
            raise ValidationError(
                f"video_size must be two even numbers of pixels from 64; got {size!r}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON-ready description."""
        fields = attrs.asdict(self, recurse=False)
        return {"schema": SCHEMA} | {k: _plain(v) for k, v in fields.items()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> SimulationConfig:
        """Build from :meth:`to_dict`, or from a file that names some fields only."""
        if not isinstance(data, Mapping):
            raise ValidationError(f"a configuration is a mapping of options; got {data!r}.")
        options = {k: v for k, v in data.items() if k != "schema"}
        if data.get("schema", SCHEMA) != SCHEMA:
            raise ValidationError(
                f"the configuration has schema {data['schema']!r}; this version reads {SCHEMA!r}."
            )
        known = [a.name for a in attrs.fields(cls)]
        for name in options:
            if name not in known:
                raise unknown_name("option of a simulated corpus", name, known)
        return cls(**options)

    @classmethod
    def read(cls, path: Any) -> SimulationConfig:
        """Read JSON; messages name the file."""
        data = read_json(path, "configuration")
        try:
            return cls.from_dict(data)
        except LookupError as error:
            raise type(error)(f"configuration {path}: {error}") from None
        except ValidationError as error:
            raise ValidationError(f"configuration {path}: {error}") from None

    def save(self, path: Any) -> Path:
        """Write JSON."""
        return write_json(path, self.to_dict())

    @property
    def key(self) -> str:
        """sha256 of the configuration and of the format of items."""
        return key_of({"format": FORMAT, "config": self.to_dict()})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, (tuple, list)) else value
