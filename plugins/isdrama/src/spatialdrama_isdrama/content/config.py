"""Options of the content encoder and the duration predictor; the defaults are the paper's."""

from __future__ import annotations

import math
from typing import Any

import attrs

from spatialdrama.errors import ValidationError

SEMANTICS = ("bert", "characters", "none")
TONES = ("none", "embedded")


def _whole(least: int, *, odd: bool = False) -> Any:
    """Return a check that a field is a whole number from `least` on, odd if asked."""

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        good = isinstance(value, int) and not isinstance(value, bool) and value >= least
        if not good or (odd and value % 2 == 0):
            raise ValidationError(
                f"ContentConfig.{field.name} must be {'an odd' if odd else 'a'} whole number from "
                f"{least} on; got {value!r}"
            )

    return check


def _number(least: float, below: float = math.inf, *, above: bool = False) -> Any:
    """Return a check that a field is a number from `least` on (or above it), less than `below`."""

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        good = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (good and (least < value if above else least <= value) and value < below):
            limit = "" if below == math.inf else f", below {below:g}"
            raise ValidationError(
                f"ContentConfig.{field.name} must be a number {'above' if above else 'from'} "
                f"{least:g}{limit}; got {value!r}"
            )

    return check


def _one_of(names: tuple[str, ...]) -> Any:
    """Return a check that a field is one of some names."""

    def check(instance: Any, field: attrs.Attribute, value: Any) -> None:
        if value not in names:
            raise ValidationError(
                f"ContentConfig.{field.name} must be one of {', '.join(map(repr, names))}; "
                f"got {value!r}"
            )

    return check


def _name(instance: Any, field: attrs.Attribute, value: Any) -> None:
    if not isinstance(value, str) or not value:
        raise ValidationError(
            f"ContentConfig.{field.name} must name a model or its folder; got {value!r}"
        )


_truth = attrs.validators.instance_of(bool)


@attrs.frozen(kw_only=True)
class ContentConfig:
    """What is said, as numbers: phones, semantics, durations (paper 4.2, C.1).

    Parameters
    ----------
    width
        Of the states and of z_c (C.1: 768).
    layers, heads, inner, dropout
        Of the Transformer over phones. The paper gives none; FastSpeech has 4 layers with an inner
        width of four times its own. 0 layers leave the embeddings as they are.
    semantics
        "bert" (the paper's, needs transformers and weights), "characters" (a small encoder that is
        trained with the model and needs neither), "none".
    semantics_width
        Width of the semantic states; BERT-base has 768. Unused by "none".
    character_layers, character_buckets
        Of the semantics "characters".
    bert_zh, bert_en
        A folder or a hub name of each language's BERT.
    tones
        "none" as in the paper, whose phones have no tone, or "embedded": tones of Mandarin and
        stresses of English are added.
    languages
        Whether an embedding of the language is added (the paper has one language).
    predictor_width, predictor_layers, predictor_kernel, predictor_dropout
        Of the duration predictor (C.1: FastSpeech; E11: dropout .5).
    longest
        Mel frames that one phone may have at inference.
    pace_zh, pace_en
        Factors of speed of each language at inference; 2 halves the durations.
    in_phone
        Whether z_c also has the place of a frame in its phone (the paper: no).

    Raises
    ------
    ValidationError
        For a value that a field cannot have.

    Example
    -------
    >>> ContentConfig().width, ContentConfig(width=8, heads=2, semantics="none").semantics
    (768, 'none')
    """

    width: int = attrs.field(default=768, validator=_whole(1))
    layers: int = attrs.field(default=4, validator=_whole(0))
    heads: int = attrs.field(default=8, validator=_whole(1))
    inner: int = attrs.field(default=3072, validator=_whole(1))
    dropout: float = attrs.field(default=0.1, validator=_number(0, 1))
    semantics: str = attrs.field(default="bert", validator=_one_of(SEMANTICS))
    semantics_width: int = attrs.field(default=768, validator=_whole(1))
    character_layers: int = attrs.field(default=2, validator=_whole(0))
    character_buckets: int = attrs.field(default=8192, validator=_whole(2))
    bert_zh: str = attrs.field(default="bert-base-chinese", validator=_name)
    bert_en: str = attrs.field(default="bert-base-uncased", validator=_name)
    tones: str = attrs.field(default="none", validator=_one_of(TONES))
    languages: bool = attrs.field(default=True, validator=_truth)
    predictor_width: int = attrs.field(default=256, validator=_whole(1))
    predictor_layers: int = attrs.field(default=2, validator=_whole(1))
    predictor_kernel: int = attrs.field(default=3, validator=_whole(1, odd=True))
    predictor_dropout: float = attrs.field(default=0.5, validator=_number(0, 1))
    longest: int = attrs.field(default=750, validator=_whole(1))
    pace_zh: float = attrs.field(default=1.0, validator=_number(0, above=True))
    pace_en: float = attrs.field(default=1.0, validator=_number(0, above=True))
    in_phone: bool = attrs.field(default=False, validator=_truth)

    def __attrs_post_init__(self) -> None:
        for name, width in (("width", self.width), ("semantics_width", self.semantics_width)):
            used = self.layers if name == "width" else self._attends_to_characters
            if used and width % (2 * self.heads):
                raise ValidationError(
                    f"ContentConfig.{name} must be a multiple of twice the heads "
                    f"({2 * self.heads}), since each head turns pairs; got {width}"
                )

    @property
    def _attends_to_characters(self) -> bool:
        return self.semantics == "characters" and self.character_layers > 0
