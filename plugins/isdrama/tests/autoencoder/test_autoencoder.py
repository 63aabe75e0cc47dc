"""The autoencoder's shapes, masks and symmetry; its convolution against loops in float64."""

import numpy as np
import pytest
import torch
from spatialdrama_isdrama.autoencoder.config import AutoencoderConfig
from spatialdrama_isdrama.autoencoder.ear_layers import EarConv, Residual
from spatialdrama_isdrama.autoencoder.model import Autoencoder, drawn
from spatialdrama_isdrama.sizes import parameters_of

from spatialdrama.errors import ValidationError

KINDS = [
    {"stereo": stereo, "midside": midside}
    for stereo in ("equivariant", "joint")
    for midside in (False, True)
]
EQUIVARIANT = [kind for kind in KINDS if kind["stereo"] == "equivariant"]
NAMES = ["equivariant", "equivariant-midside", "joint", "joint-midside"]


def model_of(seed=0, dtype=torch.float64, **options):
    torch.manual_seed(seed)
    options = {"width": 24, **options}
    return Autoencoder(AutoencoderConfig(**options)).to(dtype)


def mels(batch=3, frames=32, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, 2, 80, frames, generator=generator, dtype=dtype) - 2.5


LENGTHS = torch.tensor([32, 23, 9])
MASK = torch.arange(32) < LENGTHS[:, None]


class TestShapes:
    @pytest.mark.parametrize("kind", KINDS, ids=NAMES)
    def test_forty_channels_at_a_quarter_and_back(self, kind):
        model = model_of(**kind)
        mean, log_variance = model.encode(mels())
        assert mean.shape == log_variance.shape == (3, 40, 8)
        assert model.latent(mels()).shape == (3, 40, 8)
        assert model.decode(mean).shape == (3, 2, 80, 32)

    @pytest.mark.parametrize("layers", [2, 3, 5])
    def test_any_number_of_layers(self, layers):
        model = model_of(layers=layers, kernel=3, latent=10)
        assert model.decode(model.latent(mels())).shape == (3, 2, 80, 32)

    def test_the_papers_size(self):
        # By hand. Joint, width 384 and kernel 5: enter 160 x 384, 6 convolutions in 3 layers and 2
        # that change the rate 384 x 384, leave 384 x 80 or x 160; the decoder enters with 40.
        def conv(a, b):
            return a * b * 5 + b

        norms = 7 * 384
        encoder = conv(160, 384) + 8 * conv(384, 384) + conv(384, 80) + norms
        decoder = conv(40, 384) + 8 * conv(384, 384) + conv(384, 160) + norms
        joint = Autoencoder(AutoencoderConfig(stereo="joint"))
        assert parameters_of(joint) == encoder + decoder
        # The same matrices with both halves shared: half the weights.
        shared = parameters_of(Autoencoder(AutoencoderConfig()))
        assert shared == (encoder + decoder) / 2


class TestConvolution:
    @pytest.mark.parametrize("stride", [1, 2])
    def test_of_two_ears_is_own_and_other_by_loops(self, stride):
        torch.manual_seed(0)
        conv = EarConv(3, 4, 5, streams=2, stride=stride).double()
        x = torch.randn(1, 2, 8, 3, dtype=torch.float64)
        weight, bias = (p.detach().numpy() for p in (conv.conv.weight, conv.conv.bias))
        expected = np.zeros((2, 8 // stride, 4))
        for ear in range(2):
            for t in range(8 // stride):
                expected[ear, t] = bias
                for k in range(5):
                    at = stride * t + k - 2
                    if 0 <= at < 8:
                        expected[ear, t] += weight[:, :3, k] @ x[0, ear, at].numpy()
                        expected[ear, t] += weight[:, 3:, k] @ x[0, 1 - ear, at].numpy()
        mask = torch.ones(1, 8 // stride, dtype=torch.bool)
        np.testing.assert_allclose(conv(x, mask)[0].detach().numpy(), expected, atol=1e-12)

    def test_residual_layer_by_hand(self):
        torch.manual_seed(0)
        layer = Residual(4, 3, streams=1).double()
        with torch.no_grad():
            for norm in layer.norms:
                norm.weight.uniform_(0.5, 2)
        x = torch.randn(1, 1, 6, 4, dtype=torch.float64)
        y = x[0, 0].numpy()
        for norm, conv in zip(layer.norms, layer.convs, strict=True):
            y = y / np.sqrt((y**2).mean(1, keepdims=True) + 1e-6) * norm.weight.detach().numpy()
            y = y / (1 + np.exp(-y))
            weight, bias = conv.conv.weight.detach().numpy(), conv.conv.bias.detach().numpy()
            wide = np.pad(y, ((1, 1), (0, 0)))
            y = sum(wide[k : k + 6] @ weight[:, :, k].T for k in range(3)) + bias
        found = layer(x, torch.ones(1, 6, dtype=torch.bool))[0, 0].detach().numpy()
        np.testing.assert_allclose(found, x[0, 0].numpy() + y, atol=1e-10)


class TestMasks:
    @pytest.mark.parametrize("kind", KINDS, ids=NAMES)
    def test_what_lies_in_the_padding_changes_nothing(self, kind):
        model = model_of(**kind)
        dirty = torch.where(MASK[:, None, None], mels(), torch.nan)
        clean = torch.where(MASK[:, None, None], mels(), -5.0)
        for a, b in zip(model.encode(dirty, MASK), model.encode(clean, MASK), strict=True):
            assert torch.equal(a, b)
        z = model.latent(clean, MASK)
        z_dirty = torch.where(MASK[:, None, ::4], z, torch.nan)
        assert torch.equal(model.decode(z_dirty, MASK), model.decode(z, MASK))

    @pytest.mark.parametrize("kind", KINDS, ids=NAMES)
    def test_an_item_of_a_batch_is_the_item_alone(self, kind):
        model, mel = model_of(**kind), mels()
        model.shift.fill_(0.3)
        z, made = model.latent(mel, MASK), model.decode(model.latent(mel, MASK), MASK)
        for i, length in enumerate(LENGTHS.tolist()):
            whole = -(-length // 4) * 4
            mask = torch.arange(whole)[None] < length
            alone = model.latent(mel[i : i + 1, ..., :whole], mask)
            torch.testing.assert_close(z[i : i + 1, ..., : whole // 4], alone, atol=1e-12, rtol=0)
            assert (z[i, ..., whole // 4 :] == 0).all()
            decoded = model.decode(alone, mask)
            torch.testing.assert_close(made[i : i + 1, ..., :whole], decoded, atol=1e-11, rtol=0)
            assert (made[i, ..., length:] == -5).all()

    def test_a_full_mask_is_no_mask(self):
        model, mel = model_of(), mels()
        full = torch.ones(3, 32, dtype=torch.bool)
        assert torch.equal(model.latent(mel, full), model.latent(mel))
        assert torch.equal(model.decode(model.latent(mel), full), model.decode(model.latent(mel)))

    def test_what_is_there_is_decoded_to_something(self):
        # Else the comparisons above could compare silence with silence.
        model = model_of()
        made = model.decode(model.latent(mels(), MASK), MASK)
        inside = made.transpose(1, 3)[MASK]
        assert inside.std() > 0.05
        assert (inside != -5).all()


class TestSwap:
    @pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
    @pytest.mark.parametrize("kind", EQUIVARIANT, ids=NAMES[:2])
    def test_swapping_the_ears_swaps_the_latent_and_the_mel_exactly(self, kind, dtype):
        model, mel = model_of(dtype=dtype, **kind), mels(dtype=dtype)
        model.calibrate([(mel, MASK)])
        for mask in (None, MASK):
            z, swapped = model.latent(mel, mask), model.latent(mel.flip(1), mask)
            assert torch.equal(swapped, torch.cat([z[:, 20:], z[:, :20]], dim=1))
            assert not torch.equal(swapped, z)
            assert torch.equal(model.decode(swapped, mask), model.decode(z, mask).flip(1))

    @pytest.mark.parametrize("kind", EQUIVARIANT, ids=NAMES[:2])
    def test_each_ear_hears_the_other(self, kind):
        model = model_of(**kind)
        mel = mels(1).requires_grad_()
        model.latent(mel)[:, :20].sum().backward()
        assert mel.grad[:, 0].abs().min() > 0
        assert mel.grad[:, 1].abs().min() > 0

    def test_equal_ears_stay_equal(self):
        model = model_of()
        mel = mels()[:, :1].expand(-1, 2, -1, -1)
        left, right = model.decode(model.latent(mel)).unbind(1)
        assert torch.equal(left, right)

    def test_the_joint_one_promises_no_such_thing(self):
        model, mel = model_of(stereo="joint"), mels()
        z, swapped = model.latent(mel), model.latent(mel.flip(1))
        assert (swapped - torch.cat([z[:, 20:], z[:, :20]], dim=1)).abs().max() > 0.01


class TestMidside:
    @pytest.mark.parametrize("stereo", ["equivariant", "joint"])
    def test_ears_come_back_from_middle_and_side(self, stereo):
        model = model_of(stereo=stereo, midside=True)
        ears = mels().transpose(2, 3)
        torch.testing.assert_close(model._to_ears(model._to_streams(ears)), ears)

    def test_joint_sees_the_middle_and_the_enlarged_side(self):
        model = model_of(stereo="joint", midside=True, side_gain=3.0)
        left, right = mels().transpose(2, 3).unbind(1)
        seen = model._to_streams(mels().transpose(2, 3))[:, 0]
        torch.testing.assert_close(seen[..., :80], (left + right) / 2)
        torch.testing.assert_close(seen[..., 80:], 1.5 * (left - right))

    def test_equivariant_ears_differ_three_times_as_much(self):
        model = model_of(midside=True, side_gain=3.0)
        left, right = mels().transpose(2, 3).unbind(1)
        own, other = model._to_streams(mels().transpose(2, 3)).unbind(1)
        torch.testing.assert_close(own - other, 3 * (left - right))
        torch.testing.assert_close(own + other, left + right)


class TestLatent:
    @pytest.mark.parametrize("kind", KINDS, ids=NAMES)
    def test_calibrated_latents_have_mean_zero_and_deviation_one(self, kind):
        model = model_of(**kind)
        batches = [(mels(seed=s), MASK if s else None) for s in range(3)]
        model.calibrate(batches)
        kept = []
        for mel, mask in batches:
            z = model.latent(mel, mask).transpose(1, 2)
            kept.append(z.flatten(0, 1) if mask is None else z[mask[:, ::4]])
        z = torch.cat(kept).detach().numpy()
        if kind["stereo"] == "equivariant":  # one number for a channel of both ears
            z = z.reshape(-1, 20)
        np.testing.assert_allclose(z.mean(0), 0, atol=1e-6)
        np.testing.assert_allclose(z.std(0), 1, atol=1e-6)

    def test_calibration_does_not_change_what_is_decoded(self):
        model, mel = model_of(), mels()
        before = model.decode(model.latent(mel, MASK), MASK)
        model.calibrate([(mel, MASK)])
        torch.testing.assert_close(model.decode(model.latent(mel, MASK), MASK), before)
        torch.testing.assert_close(model.reconstruct(mel, MASK).mel, before)

    def test_calibration_travels_with_the_weights(self):
        model = model_of()
        model.calibrate([(mels(), None)])
        other = model_of(seed=1)
        other.load_state_dict(model.state_dict())
        assert torch.equal(other.latent(mels()), model.latent(mels()))

    def test_a_constant_channel_is_not_blown_up(self):
        model = model_of()
        with torch.no_grad():
            model.encoder.leave.conv.conv.weight[3] = 0
            model.encoder.leave.conv.conv.bias[3] = 0.7
        model.calibrate([(mels(), None)])
        assert model.scale[3] == model.scale[23] == 1
        assert model.latent(mels())[:, [3, 23]].abs().max() < 1e-6

    def test_draws_have_the_mean_and_deviation_that_were_encoded(self):
        model, mel = model_of(), mels(1, 8)
        mean, log_variance = (x.detach().numpy() for x in model.encode(mel))
        generator = torch.Generator().manual_seed(3)
        with torch.no_grad():
            draws = np.stack([model.latent(mel, generator=generator).numpy() for _ in range(800)])
        deviation = np.exp(log_variance / 2)
        error = (draws.mean(0) - mean) / deviation * np.sqrt(800)
        assert np.abs(error).max() < 4.5
        np.testing.assert_allclose(draws.std(0), deviation, rtol=0.15)

    def test_the_same_generator_draws_the_same(self):
        model, mel = model_of(), mels()
        one, same, other = (
            model.latent(mel, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)
        )
        assert torch.equal(one, same)
        assert not torch.equal(one, other)
        assert torch.equal(model.latent(mel), model.latent(mel))

    def test_drawn_in_float32_on_request_of_its_mean(self):
        mean = torch.zeros(4, dtype=torch.float32)
        assert drawn(mean, mean, torch.Generator().manual_seed(0)).dtype == torch.float32


class TestTraining:
    @pytest.mark.parametrize("kind", KINDS, ids=NAMES)
    def test_gradient_reaches_every_parameter(self, kind):
        model = model_of(**kind)
        made = model.reconstruct(mels(), MASK, torch.Generator().manual_seed(0))
        (made.mel.square().mean() + made.mean.mean() + made.log_variance.mean()).backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.abs().max() > 0, name
            assert parameter.grad.isfinite().all(), name

    def test_padding_gives_no_gradient(self):
        model = model_of()

        def gradients(mel):
            model.zero_grad()
            torch.where(MASK[:, None, None], model.reconstruct(mel, MASK).mel, 0).sum().backward()
            return [p.grad.clone() for p in model.parameters()]

        clean = torch.where(MASK[:, None, None], mels(), -5.0)
        dirty = torch.where(MASK[:, None, None], mels(), torch.nan)
        for a, b in zip(gradients(clean), gradients(dirty), strict=True):
            assert torch.equal(a, b)

    def test_bfloat16_comes_near_and_is_returned_in_float32(self):
        model, mel = model_of(dtype=torch.float32), mels(dtype=torch.float32)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            made = model.reconstruct(mel, MASK)
        assert {x.dtype for x in made} == {torch.float32}
        exact = model.reconstruct(mel, MASK)
        assert (made.mel - exact.mel).abs().max() < 0.1


class TestMistakes:
    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((1, 2, 80, 30), "multiple of 4 frames, got 30; lengthen it with padded"),
            ((1, 2, 80, 0), "multiple of 4 frames, got 0"),
            ((1, 1, 80, 32), r"\(b, 2, 80, frames\), got \(1, 1, 80, 32\).*two_ears"),
            ((2, 80, 32), r"got \(2, 80, 32\)"),
        ],
    )
    def test_mels(self, shape, message):
        with pytest.raises(ValidationError, match=message):
            model_of().encode(torch.zeros(shape, dtype=torch.float64))

    def test_masks(self):
        with pytest.raises(ValidationError, match=r"bool of shape \(3, 32\), got torch.bool"):
            model_of().encode(mels(), MASK[:, ::4])
        with pytest.raises(ValidationError, match=r"got torch\.int64"):
            model_of().encode(mels(), MASK.long())
        with pytest.raises(ValidationError, match=r"the mel's rate, shape \(3, 32\); got \(3, 8\)"):
            model_of().decode(torch.zeros(3, 40, 8), MASK[:, ::4])

    def test_latents(self):
        with pytest.raises(ValidationError, match=r"\(b, 40, frames\), got \(3, 8, 40\)"):
            model_of().decode(torch.zeros(3, 8, 40))

    def test_calibration_without_frames(self):
        with pytest.raises(ValidationError, match="no frames"):
            model_of().calibrate([])
