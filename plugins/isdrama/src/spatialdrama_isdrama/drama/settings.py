"""Everything about how a drama is made that is not the model: checked once, told in provenance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from spatialdrama.errors import ValidationError
from spatialdrama.types import GeometricPrompt, TextPrompt, VideoPrompt
from spatialdrama.types.validate import check_positive, finite
from spatialdrama_isdrama.pose.trackers import TRACKERS, Tracker, load_tracker
from spatialdrama_isdrama.transformer.config import SOLVERS

TIMES = ("script", "pose")
#: s; batches on CUDA hold this much sound unless told otherwise.
BATCH_SECONDS = 96.0


def _seconds(most: float) -> Any:
    def check(_: Any, field: attrs.Attribute, value: Any) -> None:
        if check_positive(value, field.name, unit="s", zero_ok=True) > most:
            raise ValidationError(f"{field.name} must be 0 to {most:g} seconds; got {value}.")

    return check


def _prompts(_: Any, field: attrs.Attribute, value: Any) -> None:
    kinds = (GeometricPrompt, TextPrompt, VideoPrompt)
    if not isinstance(value, Mapping) or not all(isinstance(v, kinds) for v in value.values()):
        raise ValidationError(
            "prompts must be {speaker: GeometricPrompt, TextPrompt or VideoPrompt}; got "
            f"{value!r}."
        )


@attrs.frozen(kw_only=True)
class Settings:
    """Options of the generator; None is what the model's config says.

    Parameters
    ----------
    solver : "euler", "midpoint" or "few", optional
    steps : int, optional
    gamma, alpha : float, optional
        Of the context-consistent guidance (equation 5). A model without guidance (the ablation
        ``cfg=False``) takes none but 1.
    batch_seconds : float, s, optional
        How much sound may be sampled at once; 0 samples segment by segment, which gives the same
        samples to the bit whatever else is in the script. In a batch sums are taken in another
        order: equal to -60 dB in float32. None is 0 on a CPU and 96 on CUDA.
    pause, lead_in : float, s
        Silence between lines whose script says nothing, and before the first line.
    prompt_seconds : float, s
        How much of a voice prompt, and of a speaker's last line, is listened to.
    level_db : float, dBFS
        Active level of every voice prompt.
    prompts : mapping
        {speaker: GeometricPrompt, TextPrompt or VideoPrompt}: where a speaker is, in place of the
        scene's pose.
    times : "script" or "pose"
        Where lines that say nothing of their length have it from: what is predicted, or the turns
        of the one path that all speakers share (C.4), see :mod:`~spatialdrama_isdrama.drama.turns`.
    tracker : "lucas-kanade", "opencv", "co-tracker" or Tracker
        What follows the mouth through a video, see
        :func:`~spatialdrama_isdrama.pose.trackers.load_tracker`.
    tracker_options : mapping
        Of the tracker of that name, such as ``{"checkpoint": "scaled_offline.pth"}``.
    """

    solver: str | None = attrs.field(default=None)
    steps: int | None = attrs.field(default=None)
    gamma: float | None = attrs.field(default=None)
    alpha: float | None = attrs.field(default=None)
    batch_seconds: float | None = attrs.field(
        default=None, validator=attrs.validators.optional(_seconds(3600.0))
    )
    pause: float = attrs.field(default=0.45, validator=_seconds(60.0))
    lead_in: float = attrs.field(default=0.3, validator=_seconds(60.0))
    prompt_seconds: float = attrs.field(default=10.0, validator=_seconds(60.0))
    level_db: float = attrs.field(default=-26.0)
    prompts: Mapping[str, Any] = attrs.field(
        factory=dict, converter=lambda v: {} if v is None else v, validator=_prompts
    )

    times: str = attrs.field(default="script")
    tracker: Any = attrs.field(default="lucas-kanade")
    tracker_options: Mapping[str, Any] = attrs.field(
        factory=dict, converter=lambda v: {} if v is None else v
    )

    def __attrs_post_init__(self) -> None:
        self._check_tracker()
        if self.times not in TIMES:
            raise ValidationError(f"times must be 'script' or 'pose'; got {self.times!r}.")
        if self.solver is not None and self.solver not in SOLVERS:
            raise ValidationError(
                f"solver must be one of {', '.join(SOLVERS)}; got {self.solver!r}."
            )
        whole = isinstance(self.steps, int) and not isinstance(self.steps, bool)
        if self.steps is not None and not (whole and 1 <= self.steps <= 1000):
            raise ValidationError(
                f"steps must be a whole number from 1 to 1000; got {self.steps!r}."
            )
        if self.gamma is not None and not 0 <= finite(self.gamma, "gamma") <= 20:
            raise ValidationError(f"gamma must be 0 to 20 (the paper's is 3); got {self.gamma}.")
        if self.alpha is not None and not 0 <= finite(self.alpha, "alpha") <= 1:
            raise ValidationError(f"alpha must be 0 to 1 (the paper's is 0.4); got {self.alpha}.")
        if self.prompt_seconds < 1:
            raise ValidationError(f"prompt_seconds must be 1 or more; got {self.prompt_seconds}.")
        if not -60 <= finite(self.level_db, "level_db") <= -6:
            raise ValidationError(f"level_db must be -60 to -6 dBFS; got {self.level_db}.")

    def _check_tracker(self) -> None:
        if not isinstance(self.tracker_options, Mapping):
            raise ValidationError(
                f"tracker_options must be a mapping of names; got {self.tracker_options!r}."
            )
        if isinstance(self.tracker, str):
            self.load_tracker()
        elif not callable(getattr(self.tracker, "track", None)):
            raise ValidationError(
                f"tracker must be one of {', '.join(TRACKERS)} or something with a method track; "
                f"got {self.tracker!r}."
            )
        elif self.tracker_options:
            raise ValidationError(
                "tracker_options belong to a tracker that is given by name; give the options to "
                f"{type(self.tracker).__name__} itself."
            )

    def load_tracker(self) -> Tracker:
        """Return the tracker that is named, or the one that was given."""
        if not isinstance(self.tracker, str):
            return self.tracker
        try:
            return load_tracker(self.tracker, **self.tracker_options)
        except TypeError as error:
            raise ValidationError(
                f"tracker_options do not fit {self.tracker!r}: {error}."
            ) from None

    def check_guidance(self, transformer: Any) -> None:
        """Raise where guidance is asked of a model that has none (``cfg=False``)."""
        asked = {"gamma": self.gamma, "alpha": self.alpha}
        asked = {name: value for name, value in asked.items() if value not in (None, 1)}
        if asked and not transformer.cfg:
            said = " and ".join(f"{name}={value}" for name, value in asked.items())
            raise ValidationError(
                f"the model is without guidance (cfg=False), which is gamma = alpha = 1; leave out "
                f"{said}."
            )

    def resolved(self, transformer: Any, device: str) -> Settings:
        """Return the settings with the model's own choices filled in.

        Parameters
        ----------
        transformer : TransformerConfig
        device : "cpu" or "cuda"
        """
        chosen = {name: getattr(transformer, name) for name in ("solver", "steps")}
        # The ablation without guidance is the plain field: equation 5 at gamma = alpha = 1.
        chosen |= {
            name: getattr(transformer, name) if transformer.cfg else 1.0
            for name in ("gamma", "alpha")
        }
        filled = {name: value for name, value in chosen.items() if getattr(self, name) is None}
        if self.batch_seconds is None:
            filled["batch_seconds"] = 0.0 if device == "cpu" else BATCH_SECONDS
        return attrs.evolve(self, **filled)

    def to_dict(self) -> dict[str, Any]:
        """Return them JSON-ready, prompts as text."""
        out = {field.name: getattr(self, field.name) for field in attrs.fields(Settings)}
        return out | {
            "prompts": {name: repr(prompt) for name, prompt in self.prompts.items()},
            "tracker": self.tracker if isinstance(self.tracker, str) else repr(self.tracker),
            "tracker_options": {name: _plain(v) for name, v in self.tracker_options.items()},
        }


def _plain(value: Any) -> Any:
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)
