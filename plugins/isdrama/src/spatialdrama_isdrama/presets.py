"""One config of all networks, its sizes, and how many parameters each part has (paper C.1)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import attrs

from spatialdrama.errors import ValidationError

from .autoencoder.config import AutoencoderConfig, MelConfig
from .content.config import ContentConfig
from .pose.config import PoseConfig
from .transformer.config import TransformerConfig
from .vocoder.config import VocoderConfig

#: What C.1 prints for the Immersive Drama Transformer, and for each of the pose encoder's
#: Transformers, the textual and the video one ("23.32M for each model").
PRINTED = {
    "transformer": 177_000_000,
    "pose.text_branch": 23_320_000,
    "pose.video_branch": 23_320_000,
}
PRINTED_WIDTH = 768


@attrs.frozen(kw_only=True)
class IsdramaConfig:
    """All that decides what an ISDrama model is; the defaults are each room's.

    Parameters
    ----------
    content : ContentConfig
    pose : PoseConfig
    autoencoder : AutoencoderConfig
    transformer : TransformerConfig
    vocoder : VocoderConfig
    mel : MelConfig

    Raises
    ------
    ValidationError
        If one part's output is not another's input.

    Examples
    --------
    >>> config = preset("tiny")
    >>> IsdramaConfig.from_dict(config.to_dict()) == config
    True
    """

    content: ContentConfig = attrs.field(factory=ContentConfig)
    pose: PoseConfig = attrs.field(factory=PoseConfig)
    autoencoder: AutoencoderConfig = attrs.field(factory=AutoencoderConfig)
    transformer: TransformerConfig = attrs.field(factory=TransformerConfig)
    vocoder: VocoderConfig = attrs.field(factory=VocoderConfig)
    mel: MelConfig = attrs.field(factory=MelConfig)

    def __attrs_post_init__(self) -> None:
        for part, kind in PARTS.items():
            value = getattr(self, part)
            if not isinstance(value, kind):
                raise ValidationError(
                    f"IsdramaConfig.{part} must be a {kind.__name__}; got a {type(value).__name__}."
                )
        for one, other in _SAME:
            a, b = self._value(one), self._value(other)
            if a != b:
                raise ValidationError(
                    f"IsdramaConfig: {one} is {a!r} and {other} is {b!r}, but one is the other's "
                    "input; set both to the same."
                )
        self._check_silence()

    def _check_silence(self) -> None:
        silence = self.autoencoder.silence
        if abs(silence - self.mel.silence) > 1e-6:
            raise ValidationError(
                f"IsdramaConfig: mel.floor is {self.mel.floor:g}, whose log10 is "
                f"{self.mel.silence:g}, and autoencoder.silence is {silence:g}; what is outside "
                "of a mask would not be silent. Set autoencoder.silence to log10 of the floor."
            )

    def _value(self, path: str) -> Any:
        part, name = path.split(".")
        return getattr(getattr(self, part), name)

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Return plain values by part and field, as JSON can hold them."""
        made = {}
        for part in PARTS:
            values = attrs.asdict(getattr(self, part))
            made[part] = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}
        return made

    @classmethod
    def from_dict(cls, values: Mapping[str, Mapping[str, Any]]) -> IsdramaConfig:
        """Return the config that :meth:`to_dict` wrote.

        Fields that are not there have their defaults: a config that was written before an option
        existed means the model without it.

        Raises
        ------
        ValidationError
            If there is a part or a field that this version does not know.
        """
        unknown = set(values) - set(PARTS)
        if unknown:
            raise ValidationError(
                f"IsdramaConfig: no part is called {_names(unknown)}; the parts are "
                f"{_names(PARTS)}."
            )
        return cls(**{part: _part(part, given) for part, given in values.items()})

    def fingerprint(self) -> str:
        """Return the sha256 of the values: equal configs, equal fingerprints.

        Examples
        --------
        >>> preset("tiny").fingerprint() == preset("tiny", fan=True).fingerprint()
        True
        """
        text = json.dumps(self.to_dict(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def changed(self, **changes: Any) -> IsdramaConfig:
        """Return the same with other values.

        Parameters
        ----------
        **changes
            A part's name with a dict of fields, or a field's own name where only one part has it.

        Raises
        ------
        ValidationError
            If no part has the field, or several have.

        Examples
        --------
        >>> preset("tiny").changed(moe=False, pose={"clock": False}).pose.clock
        False
        """
        wanted: dict[str, dict[str, Any]] = {}
        for name, value in changes.items():
            if name in PARTS:
                given = attrs.asdict(value) if attrs.has(type(value)) else value
                if not isinstance(given, Mapping):
                    raise ValidationError(
                        f"IsdramaConfig.{name} is changed by a dict of fields, {name}={{...}}, or "
                        f"a {PARTS[name].__name__}; got {value!r}."
                    )
                wanted.setdefault(name, {}).update(given)
            else:
                wanted.setdefault(_owner(name), {})[name] = value
        now = self.to_dict()
        return IsdramaConfig.from_dict({p: {**now[p], **wanted.get(p, {})} for p in PARTS})


#: The parts in the order a line goes through them, and their configs.
PARTS: dict[str, type] = {
    "content": ContentConfig,
    "pose": PoseConfig,
    "autoencoder": AutoencoderConfig,
    "transformer": TransformerConfig,
    "vocoder": VocoderConfig,
    "mel": MelConfig,
}

#: What must be equal for the parts to fit together.
_SAME = (
    ("content.width", "pose.content_width"),
    ("content.width", "transformer.content_width"),
    ("pose.width", "transformer.pose_width"),
    ("autoencoder.latent", "transformer.latent"),
    ("mel.bands", "autoencoder.bands"),
    ("mel.bands", "vocoder.mels"),
    ("mel.rate", "vocoder.rate"),
    ("mel.hop", "vocoder.hop"),
    ("mel.window", "vocoder.window"),
    ("mel.low", "vocoder.low"),
    ("mel.high", "vocoder.high"),
    ("mel.floor", "vocoder.floor"),
)


def _names(names: Any) -> str:
    return ", ".join(sorted(map(str, names)))


def _part(part: str, values: Mapping[str, Any]) -> Any:
    kind = PARTS[part]
    unknown = set(values) - {field.name for field in attrs.fields(kind)}
    if unknown:
        raise ValidationError(
            f"{kind.__name__} has no {_names(unknown)}; it may be from another version of "
            "spatialdrama-isdrama, or misspelt."
        )
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


def _owner(name: str) -> str:
    """Return the one part that has a field."""
    owners = [part for part, kind in PARTS.items() if name in {f.name for f in attrs.fields(kind)}]
    if len(owners) == 1:
        return owners[0]
    if not owners:
        raise ValidationError(
            f"no part of IsdramaConfig has a field {name!r}; see the fields of "
            f"{_names(kind.__name__ for kind in PARTS.values())}."
        )
    raise ValidationError(
        f"{_names(owners)} all have a field {name!r}; say which, {owners[0]}={{{name!r}: ...}} "
        "for example."
    )


def paper() -> IsdramaConfig:
    """Return the paper's sizes, and its printed choice wherever it prints one.

    Where the other presets deviate: Mamba as published, one way through time (E3); the weight of
    the balance loss (E17); one autoencoder for both ears (E4); a vocoder for each ear (E24), which
    loses the phase between them. The pose encoder's Transformers are the reading of their printed
    size that comes near it, :meth:`~.pose.config.PoseConfig.paper_params` (E1). Scenes are
    FLAN-T5's tokens, as the texts of the pose encoder.

    Examples
    --------
    >>> paper().transformer.bidirectional, paper().vocoder.kind
    (False, 'per_ear')
    """
    pose = PoseConfig.paper_params()
    return IsdramaConfig(
        pose=pose,
        autoencoder=AutoencoderConfig(stereo="joint"),
        transformer=TransformerConfig(
            bidirectional=False, balance_weight=0.1, scene_width=pose.text_width
        ),
        vocoder=VocoderConfig.sized("paper", kind="per_ear"),
    )


def small() -> IsdramaConfig:
    """Return what one GPU trains in minutes and a CPU runs, without weights of others.

    Texts and pictures are embedded by small networks of its own; tones and the place in a phone are
    given, which the paper leaves to BERT and to its hundred hours.

    Examples
    --------
    >>> small().content.semantics, small().pose.text_condition
    ('characters', 'hashed')
    """
    width = 256
    return IsdramaConfig(
        content=ContentConfig(
            width=width,
            layers=4,
            heads=4,
            inner=1024,
            semantics="characters",
            semantics_width=128,
            tones="embedded",
            in_phone=True,
        ),
        pose=PoseConfig(
            width=width,
            heads=4,
            layers=2,
            inner=512,
            content_width=width,
            log_distance=True,
            direction=True,
            normalised=True,
            text_condition="hashed",
            text_width=width,
            image_condition="small",
            image_width=128,
            video_aligned=True,
        ),
        autoencoder=AutoencoderConfig(width=192),
        transformer=TransformerConfig(
            width=width,
            heads=4,
            content_width=width,
            pose_width=width,
            scene_width=width,
            fan_inner=512,
            # A loss of each of 4 blocks' two groups, which pulled as one of .01 in all when this
            # preset was tried.
            balance_weight=0.00125,
            times="logit-normal",
            temperature_steps=3000,
        ),
        vocoder=VocoderConfig.sized("small"),
    )


def tiny() -> IsdramaConfig:
    """Return what a test trains in seconds.

    Examples
    --------
    >>> tiny().transformer.width
    32
    """
    width = 32
    return IsdramaConfig(
        content=ContentConfig(
            width=width,
            layers=1,
            heads=2,
            inner=32,
            semantics="characters",
            semantics_width=16,
            character_layers=1,
            character_buckets=128,
            predictor_width=16,
        ),
        pose=PoseConfig(
            width=width,
            heads=2,
            layers=1,
            inner=32,
            content_width=width,
            text_condition="hashed",
            text_width=16,
            text_buckets=128,
            text_layers=1,
            text_heads=2,
            image_condition="small",
            image_width=16,
            crop=8,
        ),
        autoencoder=AutoencoderConfig(
            width=32, latent=8, adversarial_start=10, windows=(8, 16), critic_width=8
        ),
        transformer=TransformerConfig(
            width=width,
            heads=2,
            blocks=2,
            mamba_layers=1,
            latent=8,
            content_width=width,
            pose_width=width,
            scene_width=16,
            state=4,
            experts=2,
            fan_inner=32,
            # Of four groups: .01 together.
            balance_weight=0.0025,
            temperature_steps=100,
        ),
        vocoder=VocoderConfig.sized("tiny"),
    )


PRESETS: dict[str, Callable[[], IsdramaConfig]] = {"paper": paper, "small": small, "tiny": tiny}


def preset(name: str, **changes: Any) -> IsdramaConfig:
    """Return a preset, with other values where wanted.

    Every row of the paper's tables 4 to 6 is one change: ``moe=False``, ``prosodic_moe=False``,
    ``spatial_moe=False``, ``fan=False``, ``f0=False``, ``mamba=False``, ``cfg=False``,
    ``contrastive=False``; ``experts=1`` or ``spatial_experts=1``; ``gamma=1.0, alpha=1.0``.
    ``fan=False`` has more parameters than the whole model, see
    :class:`~.transformer.config.TransformerConfig`.

    Parameters
    ----------
    name
        ``"paper"``, ``"small"`` or ``"tiny"``.
    **changes
        See :meth:`IsdramaConfig.changed`.

    Raises
    ------
    ValidationError
        If there is no such preset or field.

    Examples
    --------
    >>> preset("paper", moe=False).transformer.groups
    {}
    """
    if name not in PRESETS:
        raise ValidationError(f"there is no preset {name!r}; choose from {', '.join(PRESETS)}.")
    return PRESETS[name]().changed(**changes)
