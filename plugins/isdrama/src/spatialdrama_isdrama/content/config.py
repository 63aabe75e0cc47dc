"""Options of the content encoder and the duration predictor; the defaults are the paper's."""

from __future__ import annotations

import attrs

from spatialdrama.errors import ValidationError

from ..checks import model_name, number, one_of, option, truth, whole

SEMANTICS = ("bert", "characters", "none")
TONES = ("none", "embedded")


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

    width: int = option(768, whole(1))
    layers: int = option(4, whole(0))
    heads: int = option(8, whole(1))
    inner: int = option(3072, whole(1))
    dropout: float = option(0.1, number(0, 1, below=True))
    semantics: str = option("bert", one_of(*SEMANTICS))
    semantics_width: int = option(768, whole(1))
    character_layers: int = option(2, whole(0))
    character_buckets: int = option(8192, whole(2))
    bert_zh: str = option("bert-base-chinese", model_name)
    bert_en: str = option("bert-base-uncased", model_name)
    tones: str = option("none", one_of(*TONES))
    languages: bool = option(True, truth)
    predictor_width: int = option(256, whole(1))
    predictor_layers: int = option(2, whole(1))
    predictor_kernel: int = option(3, whole(1, odd=True))
    predictor_dropout: float = option(0.5, number(0, 1, below=True))
    longest: int = option(750, whole(1))
    pace_zh: float = option(1.0, number(0, above=True))
    pace_en: float = option(1.0, number(0, above=True))
    in_phone: bool = option(False, truth)

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
