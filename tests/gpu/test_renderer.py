"""The renderer on a CUDA device equals the renderer on the CPU; run with ``pytest -m gpu``."""

import warnings

import numpy as np
import pytest

import spatialdrama as sd

pytestmark = pytest.mark.gpu

RATE = 48_000


def noise(n, seed=0):
    from scipy.signal import firwin, lfilter

    raw = np.random.default_rng(seed).standard_normal(n)
    return (0.1 * lfilter(firwin(129, 16_000, fs=RATE), 1.0, raw)).astype(np.float32)


def walk(seconds, phase=0.0, radius=1.5):
    t = np.arange(0.0, seconds + 0.1, 1 / 120)
    places = np.stack(
        [radius * np.cos(0.8 * t + phase), radius * np.sin(t + phase), 0.2 * np.sin(2 * t)], axis=1
    )
    return sd.Pose.from_samples(t, places)


def room():
    return sd.Room((6, 5, 3), rt60=0.35, listener=(3, 2.5, 1.5))


def responses():
    """Return a rigid sphere's responses: Woodworth's delays, no asset needed."""
    from spatialdrama.io.sofa import hrir_dataset

    a, e = np.meshgrid(np.arange(0, 360, 10.0), np.arange(-80, 81, 10.0), indexing="ij")
    a, e = np.deg2rad(a.ravel()), np.deg2rad(e.ravel())
    grid = np.stack([np.cos(e) * np.cos(a), np.cos(e) * np.sin(a), np.sin(e)], axis=1)
    grid = np.concatenate([grid, [[0, 0, 1.0], [0, 0, -1.0]]])
    s = 2j * np.pi * np.fft.rfftfreq(512, 1 / RATE)
    ears = []
    for side in (1, -1):
        theta = np.arccos(np.clip(side * grid[:, 1], -1, 1))
        late = np.where(theta < np.pi / 2, -np.cos(theta), theta - np.pi / 2) * 0.0875 / 343
        shade = (1 + s * (1.05 + 0.95 * np.cos(theta * 1.2))[:, None] / 7840) / (1 + s / 3920)
        ears.append(shade * np.exp(-s * (late[:, None] + 60 / RATE)))
    return hrir_dataset(np.fft.irfft(np.stack(ears, 1), 512), 1.4 * grid, rate=RATE)


@pytest.fixture(scope="module")
def renderer():
    from spatialdrama_render.physical import PhysicalRenderer

    return PhysicalRenderer(responses(), equalisation="none")


def item(*args, **options):
    from spatialdrama_render.batch import RenderItem

    return RenderItem(*args, **options)


def jump():
    t = np.arange(10) / 10
    places = [(1 + 0.02 * i, 1, 0) if i < 5 else (-1 - 0.02 * i, 0.7, 0) for i in range(10)]
    return sd.Pose.from_samples(t, places)


CASES = {
    "free field": lambda: item(noise(RATE), walk(1), directivity="omni"),
    "order 2": lambda: item(noise(RATE), walk(1), room(), directivity="omni"),
    "mouth": lambda: item(noise(RATE), walk(1), room()),
    "walls of many colours": lambda: item(
        noise(30_000), walk(1), sd.Room((6, 5, 3), absorption="carpet", listener=(3, 2.5, 1.5))
    ),
    "moving listener": lambda: item(
        noise(RATE),
        walk(2),
        room(),
        sd.Pose.line((0, 0, 0), (0.4, 0.2, 0.1), duration=2),
        start=0.5,
    ),
    "near source": lambda: item(noise(RATE), walk(1, radius=0.2)),
    "teleport": lambda: item(noise(RATE), jump(), room(), gain_db=-6.0),
    "still": lambda: item(noise(5_001), sd.Pose.fixed((0.4, -1.0, 0.2)), room()),
    "one sample": lambda: item(np.ones(1, np.float32), sd.Pose.fixed((1.0, 0.3, 0)), room()),
}


def error_db(got, wanted):
    """Return the worse ear's difference in dB of its own energy."""
    off = np.sum((got.samples.astype(float) - wanted.samples) ** 2, axis=1)
    return 10 * np.log10(np.max(off / np.sum(wanted.samples.astype(float) ** 2, axis=1)))


def rendered(renderer, items, device):
    from spatialdrama_render.batch import render_batch

    with warnings.catch_warnings():  # a teleport is said, and meant
        warnings.simplefilter("ignore")
        return render_batch(renderer, items, device=device)


@pytest.mark.parametrize("case", CASES)
def test_cuda_is_the_cpu_within_sixty_decibels(renderer, case):
    items = [CASES[case]()]
    (there,), (here,) = rendered(renderer, items, "cuda"), rendered(renderer, items, "cpu")
    assert there.samples.shape == here.samples.shape
    assert error_db(there, here) < -60


def test_order_of_results_is_that_of_items_and_no_sample_depends_on_the_batch(renderer):
    items = [make() for make in CASES.values()]
    together = rendered(renderer, items, "cuda")
    backwards = rendered(renderer, items[::-1] + items[:3], "cuda")[: len(items)][::-1]
    for i, one in enumerate(items):
        (alone,) = rendered(renderer, [one], "cuda")
        assert np.array_equal(alone.samples, together[i].samples)
        assert np.array_equal(alone.samples, backwards[i].samples)


def test_lots_and_slabs_do_not_show(renderer, monkeypatch):
    from spatialdrama_render.cuda import device

    items = [CASES["order 2"](), CASES["mouth"](), CASES["teleport"]()]
    whole = rendered(renderer, items, "cuda")
    monkeypatch.setattr(device, "SLAB", 37)
    monkeypatch.setattr(device, "limit", lambda _: 1)
    for a, b in zip(whole, rendered(renderer, items, "cuda"), strict=True):
        assert np.array_equal(a.samples, b.samples)


@pytest.mark.parametrize(
    "options",
    [{"interpolation": "nearest"}, {"basis": 5}, {"basis": 40}, {"order": 3}, {"order": 0},
     {"tail": False}, {"air": "none"}, {"near": "none"}],
    ids=str,
)  # fmt: skip
def test_options_of_the_renderer_are_those_of_the_cpu(options):
    from spatialdrama_render.physical import PhysicalRenderer

    renderer = PhysicalRenderer(responses(), equalisation="none", **options)
    items = [item(noise(12_345), walk(1), room())]
    (there,), (here,) = rendered(renderer, items, "cuda"), rendered(renderer, items, "cpu")
    assert error_db(there, here) < -60


def test_rooms_that_ring_for_different_times_share_a_lot(renderer):
    # Frames that fill up the short room's last sixteen once took the long room's length, and were
    # written behind the end of what the short room had.
    from spatialdrama_render.batch import plan_of
    from spatialdrama_render.cuda.pack import cut

    def ringing(rt60, count):
        place = sd.Room((6, 5, 3), rt60=rt60, listener=(3, 2.5, 1.5))
        return [item(noise(RATE, k), walk(1), place, directivity="omni") for k in range(count)]

    items = [*ringing(2.5, 1), *ringing(0.12, 20), *ringing(0.9, 2)]
    assert len({cut(plan_of(renderer, one)).kind for one in items}) == 1
    there, here = rendered(renderer, items, "cuda"), rendered(renderer, items, "cpu")
    assert max(map(error_db, there, here)) < -60


def test_silence_stays_silent(renderer):
    (audio,) = rendered(renderer, [item(np.zeros(4_800, np.float32), walk(1), room())], "cuda")
    assert not audio.samples.any()


def test_the_device_is_in_the_provenance(renderer):
    import torch

    (audio,) = rendered(renderer, [CASES["free field"]()], "cuda")
    assert audio.provenance["device"] == torch.cuda.get_device_name(0)
