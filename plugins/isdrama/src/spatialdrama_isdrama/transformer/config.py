"""What the Immersive Drama Transformer is made of and how it is trained: the paper by default."""

from __future__ import annotations

import attrs

from spatialdrama.errors import ValidationError

from ..checks import number, one_of, option, truth, whole

SOLVERS = ("euler", "midpoint", "few")
SCHEDULES = ("uniform", "sway")


@attrs.frozen(kw_only=True)
class TransformerConfig:
    """The Immersive Drama Transformer (paper 4.3, C.1, C.6, C.7), its losses and its guidance.

    Each row of the paper's tables 4, 5 and 6 is one field: `moe`, `prosodic_moe`, `spatial_moe`,
    `fan`, `f0`, `mamba`, `cfg`; `experts` (or `spatial_experts`); `gamma`, `alpha`. The row without
    contrastive learning is a field of the pose encoder's config.

    Parameters
    ----------
    width, heads, blocks : int
    mamba_layers : int
        Mamba layers behind the attention of a block (1:K with K = 3, C.6).
    latent : int
        Channels of the autoencoder's latent, both ears.
    content_width, pose_width, scene_width : int
        Of z_c, of one ear of z_p, and of the scene tokens: the pose encoder's ``text_width`` if
        its reader of words reads scenes too, or that of another ``scene_encoder``.
    order : "attention" or "mamba"
        Which of the two comes first in a block (E3: the paper does not say).
    bidirectional : bool
        Run Mamba both ways through time. False is the published, causal layer (E3).
    scan : "auto", "reference" or "fused"
        Kernel of the selective scan.
    state, conv, expand : int
        Of a Mamba layer.
    mamba : bool
        False puts Transformer layers of as many parameters in Mamba's place (table 4).
    modulation : "block" or "layer"
        Shift, scale and gate of AdaLN for each half of a block as in DiT (177 M in all, E2), or for
        each of its layers (205 M).
    moe, prosodic_moe, spatial_moe : bool
        Drama-MOE and its two groups. Without both, one expert takes their place. ``moe=False``
        wins: it takes both groups away, whatever the other two say.
    experts : int
        In each group.
    spatial_experts : int or None
        In the spatial group, where it differs (table 5).
    fan : bool
        Experts of equation 3; False: a linear and a GELU of the same `fan_inner`. Sines and
        cosines share one matrix, which the plain linear cannot, so the model grows (179.3 to
        191.9 M at the paper's sizes): ``fan_inner=1792`` beside it keeps the count (table 4 does
        not say which of the two it compares).
    fan_inner : int
        Width between the FAN layer and the linear behind it (2048 gives the paper's 177 M, E2).
    fan_share : float
        Part of it that is cosines, and again that is sines (E18).
    routing : "text" or "algorithm1"
        Where section 4.3 and algorithm 1 disagree (E15): the prosodic gate sees z_c and the prompt
        as z_c looks at it, or only the prompt as z_p looks at it; and line 7 of algorithm 1 has
        softmax(z W + noise) / tau, with the temperature behind the softmax instead of in it. That
        never gets sparse: the temperature only makes the experts louder.
    temperature_start, temperature_end : float
        Of the Gumbel softmax, over training (C.7).
    temperature_schedule : "exponential" or "linear"
    temperature_steps : int
        Training steps until the end is reached (E14: half of the paper's 100 K).
    balance : "switch" or "paper"
        Load balancing of Fedus et al. 2022, or equation 4 as printed, whose gradient is zero (E17).
    balance_weight : float
        Of each group of each block. The paper's is .1, which its preset restores; .01 is Switch's
        own, for each of its layers (E17).
    f0 : bool
        Predict pitch from the first block and give it to the others.
    pitch_kernel : int, frames
        Of the convolution over the given pitch.
    pitch_weight, voicing_weight : float
        Of the two losses of pitch.
    pitch_by_time : bool
        Weigh an item's pitch loss by its flow time: near t = 0 the input is noise (E13).
    down_kernel, prompt_kernel : int
        Of the convolutions in front of the rate change, and of the prompt encoder.
    dropout : float
        On what each layer of a block adds, in training.
    sigma_min : float
        Width that is left of the noise at t = 1; 0 is equation 10.
    times : "uniform" or "logit-normal"
        Where training draws t.
    drop_prompt, other_prompt, drop_scene : float
        Chances that an item is trained without prompt, with one from another script, without a
        scene (C.3; E20, E22). What the first two leave is a prompt of the same script.
    cfg : bool
        Guidance at inference (equation 5); False is the plain field.
    gamma, alpha : float
        Scale of the guidance, from 0 on, and how much the voice prompt weighs beside the last
        line.
    solver : "euler", "midpoint" or "few"
    schedule : "uniform" or "sway"
        Times of the solver's steps.
    steps : int
        Of the solver.

    Raises
    ------
    ValidationError
        A value out of range, or values that do not go together.

    Examples
    --------
    >>> TransformerConfig().groups
    {'prosodic': 4, 'spatial': 4}
    >>> TransformerConfig(prosodic_moe=False, spatial_experts=2).groups
    {'spatial': 2}
    """

    width: int = option(768, whole(2))
    heads: int = option(8, whole(1))
    blocks: int = option(4, whole(1))
    mamba_layers: int = option(3, whole(1))
    latent: int = option(40, whole(1))
    content_width: int = option(768, whole(1))
    pose_width: int = option(768, whole(1))
    scene_width: int = option(768, whole(1))
    order: str = option("attention", one_of("attention", "mamba"))
    bidirectional: bool = option(True, truth)
    scan: str = option("auto", one_of("auto", "reference", "fused"))
    state: int = option(16, whole(1))
    conv: int = option(4, whole(1))
    expand: int = option(2, whole(1))
    mamba: bool = option(True, truth)
    modulation: str = option("block", one_of("block", "layer"))
    moe: bool = option(True, truth)
    prosodic_moe: bool = option(True, truth)
    spatial_moe: bool = option(True, truth)
    experts: int = option(4, whole(1))
    spatial_experts: int | None = option(None, attrs.validators.optional(whole(1)))
    fan: bool = option(True, truth)
    fan_inner: int = option(2048, whole(4))
    fan_share: float = option(0.25, number(0.0, 0.49))
    routing: str = option("text", one_of("text", "algorithm1"))
    temperature_start: float = option(2.0, number(0.0, above=True))
    temperature_end: float = option(0.3, number(0.0, above=True))
    temperature_schedule: str = option("exponential", one_of("exponential", "linear"))
    temperature_steps: int = option(50_000, whole(1))
    balance: str = option("switch", one_of("switch", "paper"))
    balance_weight: float = option(0.01, number(0.0))
    f0: bool = option(True, truth)
    pitch_kernel: int = option(9, whole(1, odd=True))
    pitch_weight: float = option(1.0, number(0.0))
    voicing_weight: float = option(1.0, number(0.0))
    pitch_by_time: bool = option(False, truth)
    down_kernel: int = option(9, whole(1, odd=True))
    prompt_kernel: int = option(5, whole(1, odd=True))
    dropout: float = option(0.0, number(0.0, 0.95))
    sigma_min: float = option(0.0, number(0.0, 0.5))
    times: str = option("uniform", one_of("uniform", "logit-normal"))
    drop_prompt: float = option(0.2, number(0.0, 1.0))
    other_prompt: float = option(0.4, number(0.0, 1.0))
    drop_scene: float = option(0.1, number(0.0, 1.0))
    cfg: bool = option(True, truth)
    gamma: float = option(3.0, number(0.0))
    alpha: float = option(0.4, number(0.0, 1.0))
    solver: str = option("euler", one_of(*SOLVERS))
    schedule: str = option("uniform", one_of(*SCHEDULES))
    steps: int = option(25, whole(1))

    def __attrs_post_init__(self) -> None:
        if self.width % (2 * self.heads):
            raise ValidationError(
                f"TransformerConfig.width must be a multiple of {2 * self.heads}, as each of "
                f"{self.heads} heads turns pairs; got {self.width}."
            )
        if self.drop_prompt + self.other_prompt > 1:
            raise ValidationError(
                f"TransformerConfig.drop_prompt and other_prompt must add up to at most 1; got "
                f"{self.drop_prompt:g} and {self.other_prompt:g}."
            )
        if self.temperature_end > self.temperature_start:
            raise ValidationError(
                f"TransformerConfig: routing gets sparser in training, so temperature_end must be "
                f"at most temperature_start; got {self.temperature_end:g} and "
                f"{self.temperature_start:g}."
            )
        if self.f0 and self.blocks < 2:
            raise ValidationError(
                "TransformerConfig.f0 needs at least 2 blocks, one that predicts pitch and one "
                f"that is given it; got {self.blocks}. Set f0=False or add a block."
            )

    @property
    def groups(self) -> dict[str, int]:
        """Expert groups in their order, and how many experts each has."""
        spatial = self.experts if self.spatial_experts is None else self.spatial_experts
        wanted = {
            "prosodic": self.experts if self.moe and self.prosodic_moe else 0,
            "spatial": spatial if self.moe and self.spatial_moe else 0,
        }
        return {name: count for name, count in wanted.items() if count}


@attrs.frozen(kw_only=True)
class TrainingConfig:
    """How the Immersive Drama Transformer is trained (paper 5.1, C.1; E26).

    Parameters
    ----------
    learning_rate, beta1, beta2 : float
        Of Adam.
    warm_up : int, steps
        Over which the learning rate rises linearly; constant from then on.
    clip : float
        Largest norm of all gradients together; 0 for no bound. The paper names none.
    ema : float
        Decay of the averaged weights; 0 for none. The paper names none.
    precision : "float32" or "bfloat16"
        Type of the products; sums, norms, routing and pitch stay float32.

    Raises
    ------
    ValidationError
        A value out of range.

    Examples
    --------
    >>> TrainingConfig().learning_rate
    5e-05
    """

    learning_rate: float = option(5e-5, number(0.0, above=True))
    beta1: float = option(0.9, number(0.0, 1.0, below=True))
    beta2: float = option(0.999, number(0.0, 1.0, below=True))
    warm_up: int = option(10_000, whole(0))
    clip: float = option(1.0, number(0.0))
    ema: float = option(0.0, number(0.0, 1.0, below=True))
    precision: str = option("float32", one_of("float32", "bfloat16"))
