"""Content encoder, semantics and batches: options, padding, batches, gradients, refusals."""

import copy
import math

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.content import (
    Content,
    ContentBatch,
    ContentConfig,
    ContentEncoder,
    NoSemantics,
    duration_loss,
    expand,
    read,
    semantics_of,
)
from spatialdrama_isdrama.content.characters import CharacterEncoder, buckets_of

from spatialdrama.errors import ValidationError

TINY = {
    **{"width": 8, "heads": 2, "inner": 16, "layers": 1, "semantics_width": 12},
    **{"predictor_width": 6, "character_layers": 1, "character_buckets": 50},
}
FULL = {**TINY, "tones": "embedded", "in_phone": True}
LINES = [read(text) for text in ("我有女儿。", "床前明月光，疑是地上霜。", "哦")]


def content(**options):
    torch.manual_seed(0)
    return Content(ContentConfig(**{**FULL, "semantics": "characters", **options})).double().eval()


def test_the_papers_config_has_the_papers_numbers():
    config = ContentConfig()
    assert (config.width, config.semantics, config.semantics_width) == (768, "bert", 768)
    assert config.tones == "none"
    assert (config.predictor_layers, config.predictor_kernel) == (2, 3)
    assert config.predictor_dropout == 0.5
    with torch.device("meta"):
        encoder = ContentEncoder(config)
    # Embeddings of 102 phones and 3 languages, BERT's projection, 4 layers of attention and
    # feed-forward with their two norms, one norm: counted by hand.
    layer = 4 * (768 * 768 + 768) + 768 * 3072 + 3072 + 3072 * 768 + 768 + 2 * 768
    total = (102 + 3) * 768 + (768 * 768 + 768) + 4 * layer + 768
    assert sum(p.numel() for p in encoder.parameters()) == total


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("semantics", "elmo", "'bert', 'characters', 'none'"),
        ("tones", True, "'none', 'embedded'"),
        ("width", 0, "whole number from 1"),
        ("width", 10, "multiple of twice the heads"),
        ("predictor_kernel", 4, "odd"),
        ("dropout", 1.0, "below 1"),
        ("pace_en", 0.0, "above 0"),
        ("bert_zh", "", "folder"),
    ],
)
def test_configs_that_cannot_be_are_refused(field, value, says):
    with pytest.raises(ValidationError, match=says):
        ContentConfig(**{**TINY, field: value})


@pytest.mark.parametrize("semantics", ["characters", "none"])
@pytest.mark.parametrize("tones", ["none", "embedded"])
@pytest.mark.parametrize("languages", [True, False])
def test_a_batch_equals_its_items_whatever_is_embedded(semantics, tones, languages):
    model = content(semantics=semantics, tones=tones, languages=languages)
    batch = model.batch(LINES)
    together = model(batch)
    logs = model.durations(together, batch.mask)
    for i, line in enumerate(LINES):
        alone = model.batch([line])
        states = model(alone)
        k = len(line)
        torch.testing.assert_close(together[i, :k], states[0], rtol=0, atol=1e-12)
        assert (together[i, k:] == 0).all()
        torch.testing.assert_close(
            logs[i, :k], model.durations(states, alone.mask)[0], rtol=0, atol=1e-12
        )


def test_garbage_in_the_padding_changes_nothing():
    torch.manual_seed(0)
    encoder = ContentEncoder(ContentConfig(**FULL, semantics="characters")).double().eval()
    phones, language = torch.tensor([[1, 5, 40, 0]]), torch.tensor([[1, 1, 1, 0]])
    tones, mask = torch.tensor([[0, 0, 3, 0]]), torch.tensor([[True, True, True, False]])
    meaning = torch.randn(1, 4, 12, dtype=torch.float64)
    clean = encoder(phones, mask, meaning, language, tones)
    phones[0, 3], language[0, 3], tones[0, 3] = 77, 2, 6
    meaning[0, 3] = math.nan
    torch.testing.assert_close(encoder(phones, mask, meaning, language, tones), clean)
    assert torch.isfinite(clean).all()


def test_every_phone_language_tone_and_meaning_counts():
    torch.manual_seed(0)
    encoder = ContentEncoder(ContentConfig(**{**FULL, "layers": 0}, semantics="characters")).eval()
    mask = torch.ones(1, 1, dtype=torch.bool)
    given = {
        "phones": torch.tensor([[5]]),
        "semantics": torch.ones(1, 1, 12),
        "language": torch.tensor([[1]]),
        "tones": torch.tensor([[1]]),
    }
    base = encoder(phone_mask=mask, **given)
    for name, value in given.items():
        changed = encoder(phone_mask=mask, **{**given, name: value + 1})
        assert (changed - base).abs().max() > 1e-3, name


def test_inputs_that_the_config_lacks_or_does_not_want_are_named():
    encoder = ContentEncoder(ContentConfig(**TINY, semantics="none"))
    phones, mask = torch.tensor([[1]]), torch.ones(1, 1, dtype=torch.bool)
    with pytest.raises(ValidationError, match="language must be given"):
        encoder(phones, mask)
    with pytest.raises(ValidationError, match="semantics must not be given"):
        encoder(phones, mask, torch.zeros(1, 1, 12), phones)
    toned = ContentEncoder(ContentConfig(**FULL, semantics="characters"))
    with pytest.raises(ValidationError, match="semantics must be given"):
        toned(phones, mask, None, phones, phones)
    with pytest.raises(ValidationError, match="tones must be given"):
        toned(phones, mask, torch.zeros(1, 1, 12), phones)


def test_the_gradient_reaches_every_parameter():
    model = content().train()
    batch = model.batch(LINES)
    states = model(batch)
    frames = torch.full(batch.mask.shape, 3) * batch.mask
    z_c, mask = model.encoder.stretch(states, frames)
    loss = duration_loss(model.durations(states, batch.mask), frames, batch.mask)
    (loss + (z_c * torch.randn_like(z_c)).sum() + mask.sum()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_z_c_has_the_length_that_was_asked_for_or_the_predicted_one():
    model = content()
    batch = model.batch(LINES)
    z_c, mask = model.z_c(batch, totals=torch.tensor([60, 90, 0]))
    assert mask.sum(1).tolist()[:2] == [60, 90]
    free, free_mask = model.z_c(batch)
    assert free_mask.sum(1).tolist()[2] == mask.sum(1).tolist()[2]
    assert z_c.shape[:2] == mask.shape
    assert free.shape[-1] == 8
    with pytest.raises(ValidationError, match="too few"):
        model.z_c(batch, totals=torch.tensor([2, 0, 0]))


def test_places_in_the_phone_tell_frames_of_one_phone_apart():
    states = torch.randn(1, 2, 8, dtype=torch.float64)
    frames = torch.tensor([[3, 2]])
    plain, _ = content(in_phone=False).encoder.stretch(states, frames, 8)
    placed, mask = content(in_phone=True).encoder.stretch(states, frames, 8)
    assert torch.equal(plain[0, 0], plain[0, 2])
    assert not torch.allclose(placed[0, 0], placed[0, 2])
    assert (placed[~mask] == 0).all()


def test_meanings_reach_phones_by_words_as_loops_say():
    rng = np.random.default_rng(0)
    states = rng.normal(size=(2, 6, 3))
    lengths = [6, 4]
    spans = np.array([[[0, 1], [1, 4], [6, 6]], [[0, 4], [2, 3], [0, 0]]])
    expected = np.zeros((2, 3, 3))
    for item in range(2):
        for k, (start, end) in enumerate(spans[item]):
            rows = [states[item, c] for c in range(start, end)]
            expected[item, k] = np.mean(rows, axis=0) if rows else 0
    mask = torch.arange(6) < torch.tensor(lengths)[:, None]
    padded = torch.tensor(np.where(mask[..., None].numpy(), states, np.nan))
    got = expand(padded, mask, torch.tensor(spans))
    np.testing.assert_allclose(got.numpy(), expected, atol=1e-12)
    assert torch.equal(got[0, 0], padded[0, 0])  # one character: its row as it is
    with pytest.raises(ValidationError, match="must lie in the text"):
        expand(padded, mask, torch.tensor([[[0, 1]], [[0, 5]]]))


def test_phones_of_a_syllable_have_the_meaning_of_its_character():
    model = content()
    line = read("女儿。", edges=False)
    batch = model.batch([line])
    rows = model.semantics.states(line.text)
    assert rows.shape == (3, 12)
    meaning = model.meaning(batch)[0]
    for k, row in enumerate([0, 0, 1, 2]):
        torch.testing.assert_close(meaning[k], rows[row], rtol=0, atol=1e-12)


def test_characters_are_told_apart_and_cases_are_not():
    text = "我你他她它有要女儿床前明月光疑是地上霜abcdefghij，。"
    numbers = buckets_of(text, 8192)
    assert len({tuple(row) for row in numbers.tolist()}) == len(text)
    assert int(numbers.min()) >= 1
    assert int(numbers.max()) < 8192
    assert torch.equal(buckets_of("ABİ", 99)[:2], buckets_of("ab", 99))
    assert buckets_of("", 99).shape == (0, 2)
    # Two hashes by hand: a code point times an odd number, the upper bits of 32.
    code = ord("我") + 1
    expected = [1 + math.floor((code * m % 2**32) / 2**32 * 49) for m in (2654435761, 2246822519)]
    assert buckets_of("我", 50)[0].tolist() == expected


def test_the_context_of_a_character_counts():
    torch.manual_seed(0)
    encoder = CharacterEncoder(ContentConfig(**TINY, semantics="characters")).eval()
    assert not torch.allclose(encoder.states("银行")[1], encoder.states("步行")[1])


def test_semantics_with_another_width_are_refused():
    with pytest.raises(ValidationError, match="0 wide, the config says 12"):
        Content(ContentConfig(**TINY, semantics="characters"), semantics=NoSemantics())
    assert semantics_of(ContentConfig(**TINY, semantics="none")).states("ab").shape == (2, 0)


class Constant:
    """Semantics of an outsider: the number of the character's place."""

    name, width = "constant", 12

    def states(self, text, language=None):
        return torch.arange(len(text), dtype=torch.float64)[:, None].expand(-1, 12)


def test_semantics_that_are_no_module_stay_out_of_the_weights():
    config = ContentConfig(**TINY, semantics="bert")
    model = Content(config, semantics=Constant()).double()
    meaning = model.meaning(model.batch([LINES[0], LINES[2]]))
    # 我有女儿。 has a phone or two a character, and pauses of no character at its edges.
    assert meaning[0, :, 0].tolist() == [0, 0, 1, 2, 2, 3, 4]
    assert not any("semantics" in name for name in model.state_dict())
    assert model(model.batch(LINES)).shape[-1] == 8


def test_a_copy_has_its_own_semantics():
    model = content()
    twin = copy.deepcopy(model)
    with torch.no_grad():
        twin.semantics.embedding.weight.add_(1.0)
    batch = model.batch(LINES)
    assert not torch.allclose(twin(batch), model(batch))
    assert any(name.startswith("semantics.") for name in model.state_dict())


def test_a_batch_of_nothing_is_refused():
    with pytest.raises(ValidationError, match="needs readings"):
        ContentBatch.of([])


def test_bfloat16_autocast_stays_finite():
    model = content().float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        states = model(model.batch(LINES))
    assert torch.isfinite(states).all()


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("semantics", ["characters", "none"])
def test_cuda_says_what_the_cpu_says(semantics):
    model = content(semantics=semantics)
    totals = torch.tensor([60, 90, 0])
    z_c, mask = model.z_c(model.batch(LINES), totals=totals)
    states = model(model.batch(LINES))
    cuda = copy.deepcopy(model).cuda()
    batch = cuda.batch(LINES)
    assert batch.phones.is_cuda
    torch.testing.assert_close(cuda(batch).cpu(), states, rtol=0, atol=1e-9)
    on_cuda, cuda_mask = cuda.z_c(batch, totals=totals.cuda())
    assert torch.equal(cuda_mask.cpu(), mask)
    torch.testing.assert_close(on_cuda.cpu(), z_c, rtol=0, atol=1e-9)
    frames = torch.full(batch.mask.shape, 3, device="cuda") * batch.mask
    duration_loss(cuda.durations(cuda(batch), batch.mask), frames, batch.mask).backward()
    assert torch.isfinite(cuda.encoder.phone.weight.grad).all()
