"""Both vocoders: shapes, padding, batches, symmetry, and that they can learn."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.exact import full_float32
from spatialdrama_isdrama.vocoder import vocoder_of
from spatialdrama_isdrama.vocoder.binaural import BinauralVocoder
from spatialdrama_isdrama.vocoder.coherence import CoherenceHead
from spatialdrama_isdrama.vocoder.config import VocoderConfig
from spatialdrama_isdrama.vocoder.generator import NsfGenerator, fold_weight_norm
from spatialdrama_isdrama.vocoder.per_ear import PerEarVocoder

from spatialdrama.dsp import itd_track
from spatialdrama.errors import ValidationError

HOP, SHORT, LONG = 256, 20, 32
KINDS = ["binaural", "per_ear"]


SOURCES = ["sines", "shaped"]


def tiny(kind="binaural", **changes):
    torch.manual_seed(0)
    model = vocoder_of(VocoderConfig.sized("tiny", kind=kind, **changes)).eval()
    # First weights are so small that hardly anything comes out; a padding error would hide.
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3).add_(0.02 * torch.randn_like(parameter))
    return model


def inputs(frames=SHORT, items=1, seed=0):
    generator = torch.Generator().manual_seed(seed)
    mel = torch.randn(items, 2, 80, frames, generator=generator) - 2
    f0 = 150 + 50 * torch.rand(items, frames, generator=generator)
    f0[:, ::7] = 0
    delay = 2e-4 * torch.randn(items, 2, 1, generator=generator).expand(-1, -1, frames)
    return mel, f0, delay


def generators(*seeds):
    return [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_frames_become_hops_of_samples(kind):
    mel, f0, delay = inputs(items=2)
    made = tiny(kind)(mel, f0, delay, noise=generators(1, 2))
    assert made.shape == (2, 2, SHORT * HOP)
    assert made.dtype == torch.float32
    assert bool(torch.isfinite(made).all())
    assert float(made.std()) > 1e-3


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_padding_changes_nothing(kind, source):
    model = tiny(kind, source=source)
    mel, f0, delay = inputs()
    alone = model(mel, f0, delay, noise=generators(5))
    tails = [torch.full((*x.shape[:-1], LONG - SHORT), float("nan")) for x in (mel, f0, delay)]
    padded = [torch.cat(pair, -1) for pair in zip((mel, f0, delay), tails, strict=True)]
    mask = torch.arange(LONG)[None] < SHORT
    made = model(*padded, mask, noise=generators(5))
    np.testing.assert_allclose(made[..., : SHORT * HOP], alone, atol=2e-5 * float(alone.std()))
    assert bool((made[..., SHORT * HOP :] == 0).all())


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_a_batch_equals_its_items(kind, source):
    model = tiny(kind, source=source)
    parts = inputs(items=2)
    both = model(*parts, noise=generators(1, 2))
    for i in range(2):
        alone = model(*(part[i : i + 1] for part in parts), noise=generators(i + 1))
        np.testing.assert_allclose(both[i : i + 1], alone, atol=2e-5 * float(alone.std()))


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_an_item_of_nothing_is_silent_and_one_frame_is_something(kind, source):
    mel, f0, delay = inputs(items=2)
    mask = torch.arange(SHORT)[None] < torch.tensor([[0], [1]])
    made = tiny(kind, source=source)(mel, f0, delay, mask, noise=generators(1, 2))
    assert float(made[0].abs().max()) == 0
    assert bool(torch.isfinite(made).all())
    assert float(made[1, :, :HOP].std()) > 0
    assert float(made[1, :, HOP:].abs().max()) == 0


@torch.no_grad()
def test_exchanged_ears_are_exchanged():
    mel, f0, delay = inputs()
    for coherence in ("none", "given"):
        model = tiny(coherence=coherence)
        given = None if coherence == "none" else torch.ones(1, 16, SHORT)
        made = model(mel, f0, delay, noise=generators(1), coherence=given)
        swapped = model(mel.flip(1), f0, delay.flip(1), noise=generators(1), coherence=given)
        np.testing.assert_allclose(made.flip(1), swapped, atol=1e-5 * float(made.std()))
    head = CoherenceHead(VocoderConfig.sized("tiny"))
    torch.nn.init.normal_(head.last.weight)
    torch.testing.assert_close(head(mel, None), head(mel.flip(1), None))


@torch.no_grad()
def test_the_ears_of_one_excitation_keep_their_delay_and_those_of_two_do_not():
    mel, f0, _ = inputs(frames=200)
    mel = mel[:, :1].mean(-1, keepdim=True).expand(-1, 2, -1, 200)
    delay = torch.zeros(1, 2, 200)
    delay[:, 1] = 3e-4
    itd = {}
    for kind in KINDS:
        model = tiny(kind, **({"coherence": "none"} if kind == "binaural" else {}))
        f0 = torch.zeros(1, 200)  # noise alone: each ear of the paper's reading has its own
        made = model(mel, f0, delay, noise=generators(3))[0].numpy()
        track = itd_track(made, rate=48_000)
        itd[kind] = np.abs(track.itd_us[4:-4] - 300), track.coherence[4:-4]
    assert itd["binaural"][0].max() < 5
    assert itd["binaural"][1].min() > 0.95
    assert np.median(itd["per_ear"][0]) > 100
    assert np.median(itd["per_ear"][1]) < 0.6


@torch.no_grad()
def test_a_shared_source_makes_equal_ears_of_equal_mels():
    mel, f0, delay = inputs()
    mel = mel[:, :1].expand(-1, 2, -1, -1)
    shared = tiny("per_ear", shared_source=True)(mel, f0, delay, noise=generators(1))
    torch.testing.assert_close(shared[:, 0], shared[:, 1])
    own = tiny("per_ear")(mel, f0, delay, noise=generators(1))
    assert float((own[:, 0] - own[:, 1]).std()) > 0.1 * float(own.std())


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", KINDS)
@torch.no_grad()
def test_folded_weights_make_the_same_sound(kind, source):
    model = tiny(kind, source=source)
    parts = inputs()
    before = model(*parts, noise=generators(1))
    names = set(model.state_dict())
    after = model.fold()(*parts, noise=generators(1))
    torch.testing.assert_close(before, after, rtol=1e-4, atol=1e-6)
    assert any("parametrizations" in name for name in names)
    assert not any("parametrizations" in name for name in model.state_dict())


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("kind", KINDS)
def test_gradients_reach_every_parameter(kind, source):
    model = tiny(kind, source=source)
    mel, f0, delay = inputs()
    made = model(mel, f0, delay, noise=generators(1))
    # Neither ear alone nor a sum of squares: decorrelation changes no ear's energy.
    (made[:, 0] * made[:, 1] + made.square().sum(1)).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert float(parameter.grad.abs().sum()) > 0, name


def test_the_pitch_is_that_of_the_source():
    # The source alone decides the pitch: an untrained generator passes its harmonics on.
    model = tiny()
    mel, _, _ = inputs(frames=100)
    mel = mel.mean(-1, keepdim=True).expand(-1, -1, -1, 100)
    silent = torch.zeros(1, 100 * HOP)
    with torch.no_grad():
        mid = model.mid(mel, torch.full((1, 100), 187.5), noise=silent)[0, 4096:-4096].numpy()
    # A period of 256 samples: what comes out repeats.
    assert np.abs(mid[256:] - mid[:-256]).max() < 1e-3 * np.abs(mid).max()


@torch.no_grad()
def test_noise_may_be_a_tensor():
    mel, f0, delay = inputs(items=2)
    numbers = torch.randn(2, SHORT * HOP, generator=torch.Generator().manual_seed(0))
    first = tiny()(mel, f0, delay, noise=numbers)
    assert torch.equal(first, tiny()(mel, f0, delay, noise=numbers))
    made = tiny("per_ear")(mel, f0, delay, noise=numbers)
    assert torch.equal(made, tiny("per_ear")(mel, f0, None, noise=numbers))


def test_sizes_are_hifi_gan_s():
    # HiFi-GAN (table 1): V1 has 13.92 M parameters, V2 .92 M, at upsampling 8, 8, 2, 2; the
    # source's convolutions come on top.
    for size, published in {"paper": 13.92e6, "small": 0.92e6}.items():
        config = VocoderConfig.sized(size, source="sines")
        model = fold_weight_norm(NsfGenerator(config))
        source = sum(p.numel() for p in model.source.parameters())
        total = sum(p.numel() for p in model.parameters())
        assert total - source == pytest.approx(published, rel=0.01)


def test_what_cannot_be():
    mel, f0, delay = inputs()
    with pytest.raises(ValidationError, match="coherence='given'"):
        tiny(coherence="given")(mel, f0, delay, noise=generators(1))
    with pytest.raises(ValidationError, match="kind 'binaural'"):
        BinauralVocoder(VocoderConfig(kind="per_ear"))
    with pytest.raises(ValidationError, match="kind 'per_ear'"):
        PerEarVocoder(VocoderConfig())


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "stereo"}, "kind must be one of"),
        ({"upsample": (8, 8, 2)}, "multiplies to 128"),
        ({"upsample_kernel": (16, 16, 4)}, "one kernel for each factor"),
        ({"upsample_kernel": (16, 15, 4, 4)}, "needs a kernel of 8"),
        ({"channels": 100}, "multiple of 16"),
        ({"res_kernel": (4,)}, "a tuple of odd whole numbers from 1 on; got"),
        ({"high": 30_000.0}, "low < high"),
        ({"gain_low_db": 3.0}, "gain_low_db must be a finite number below 0; got 3.0"),
        ({"gain_high_db": 0.0}, "gain_high_db must be a finite number above 0; got 0.0"),
        ({"res_dilation": ()}, "res_dilation must be a tuple of whole numbers"),
        ({"hop": 256.0}, "hop must be a whole number from 1 on; got 256.0"),
        ({"shared_source": 1}, "shared_source must be True or False; got 1"),
        ({"read_taps": 31}, "read_taps must be an even whole number from 2 on; got 31"),
        ({"strip_hz": float("nan")}, "strip_hz must be a finite number above 0; got nan"),
    ],
)
def test_configs_that_cannot_be(changes, words):
    with pytest.raises(ValidationError, match=words):
        VocoderConfig(**changes)


def test_sizes_have_names():
    with pytest.raises(ValidationError, match="no vocoder size 'huge'"):
        VocoderConfig.sized("huge")


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bf16", [False, True])
def test_cuda_makes_the_same_sound(kind, bf16):
    parts = inputs(items=2)
    model = tiny(kind)
    with torch.no_grad(), full_float32():
        here = model(*parts, noise=generators(1, 2))
        model.cuda()
        with torch.autocast("cuda", dtype=torch.bfloat16, enabled=bf16):
            there = model(*(part.cuda() for part in parts), noise=generators(1, 2))
    gap = float((there.float().cpu() - here).std() / here.std())
    assert gap < (0.1 if bf16 else 5e-3)
