"""Heads in every layout that sofar writes: what comes out is what was put in, whatever the form."""

import numpy as np
import pytest
from scipy import signal

from spatialdrama.errors import ValidationError
from spatialdrama.io.sofa import read_sofa
from spatialdrama.io.sofa_data import from_sections, from_spectra
from spatialdrama.io.spherical_harmonics import order_of, real_harmonics, ring_grid

sofar = pytest.importorskip("sofar")

RATE = 48_000
PLACES = np.array([[0.0, 0, 1.4], [90, 0, 1.4], [180, 30, 1.4], [270, -30, 1.2]])
EARS_AT = np.array([[0, 0.09, 0], [0, -0.09, 0]])


def responses(m=4, taps=96, seed=0):
    """(m, 2, taps): noise that begins 10 to 40 samples in and has died away before the end."""
    rng = np.random.default_rng(seed)
    out = np.zeros((m, 2, taps))
    for row in out.reshape(-1, taps):
        begin = rng.integers(10, 40)
        row[begin : begin + 24] = rng.normal(size=24) * np.exp(-np.arange(24) / 5)
    return out


def write(path, convention, **fields):
    sofa = sofar.Sofa(convention)
    for name, value in fields.items():
        setattr(sofa, name, value)
    sofar.write_sofa(str(path), sofa)
    return path


def placed(m):
    return {
        "SourcePosition": np.resize(PLACES, (m, 3)),
        "SourcePosition_Type": "spherical",
        "SourcePosition_Units": "degree, degree, metre",
    }


def test_spectra_on_a_linear_grid_come_back_sample_by_sample(tmp_path):
    x = responses()
    spectra = np.fft.rfft(x, 256)
    path = write(
        tmp_path / "a.sofa", "SimpleFreeFieldHRTF", N=np.fft.rfftfreq(256, 1 / RATE),
        Data_Real=spectra.real, Data_Imag=spectra.imag, **placed(4),
    )  # fmt: skip
    got = read_sofa(path)
    assert got.attrs["rate"] == RATE
    assert got.attrs["convention"] == "SimpleFreeFieldHRTF"
    np.testing.assert_allclose(got.impulse_response.values[..., :96], x, atol=1e-12)
    np.testing.assert_allclose(got.impulse_response.values[..., 96:], 0, atol=1e-12)


def test_spectra_without_0_hz_or_without_half_the_rate():
    x = responses()
    x[..., 80] -= x.sum(axis=-1)  # no sound at 0 Hz ...
    x += np.fft.irfft(np.full(49, 1.0) * (np.arange(49) == 0), 96)  # ... but one common number
    frequency = np.fft.rfftfreq(512, 1 / RATE)
    spectra = np.fft.rfft(x, 512)
    got, rate = from_spectra(spectra[..., :-1], frequency[:-1], "a set")
    assert rate == RATE
    half = spectra[..., -1:] / 512 * (-1.0) ** np.arange(512)  # all that the file did not have
    np.testing.assert_allclose(got, np.fft.irfft(spectra, 512) - half, atol=1e-12)
    got, rate = from_spectra(spectra[..., 1:], frequency[1:], "a set")
    assert rate == RATE
    difference = np.fft.rfft(got) - spectra
    np.testing.assert_allclose(difference[..., 1:], 0, atol=1e-9)
    # The lowest magnitude is held down to 0 Hz.
    np.testing.assert_allclose(np.abs(np.fft.rfft(got)[..., 0]), np.abs(spectra[..., 1]))


def test_what_arrives_before_zero_stays_in_front():
    """0 s at the head's centre: the near ear hears the wave 0.26 ms earlier."""
    frequency = np.fft.rfftfreq(512, 1 / RATE)
    late = np.array([-12.5, 12.5]) / RATE
    smooth = np.exp(-((frequency / 6_000) ** 2))
    spectra = smooth * np.exp(-2j * np.pi * frequency * late[:, None])
    got, _ = from_spectra(spectra[None], frequency, "a set")
    centre = (got[0] ** 2 * np.arange(512)).sum(axis=1) / (got[0] ** 2).sum(axis=1)
    assert centre[1] - centre[0] == pytest.approx(25, abs=0.01)
    assert np.abs(got[..., -32:]).max() < 1e-6
    assert centre[0] < 64  # and no longer silence in front than an eighth


@pytest.mark.parametrize("arrival", [-0.0002, 0.0041])
def test_spectra_on_thirds_of_octaves_keep_delay_and_level(arrival):
    """A one-pole ear in closed form, known at 24 frequencies per octave, late or not."""
    uneven = np.geomspace(40, 20_000, 216)
    late = arrival + np.array([0.0, 3.1e-4])

    def ear(f):
        shadow = 1 / (1 + 1j * f / np.array([[30_000.0], [4_000.0]]))
        return shadow * np.exp(-2j * np.pi * f * late[:, None])

    got, rate = from_spectra(ear(uneven)[None], uneven, "a set")
    assert rate == 40_000
    frequency = np.fft.rfftfreq(got.shape[-1], 1 / rate)
    band = (frequency > 60) & (frequency < 15_000)
    spectra, wanted = np.fft.rfft(got)[0][:, band], ear(frequency)[:, band]
    level = 20 * np.log10(np.abs(spectra / wanted))
    assert np.abs(level).max() < 0.05
    between = spectra[1] * spectra[0].conj() / (wanted[1] * wanted[0].conj())
    assert np.abs(np.angle(between)).max() < 0.03  # 0.3 us at 15 kHz


def test_second_order_sections_answer_as_scipy_s_filter_does(tmp_path):
    low = signal.butter(4, 3000, fs=RATE, output="sos")
    high = signal.butter(4, 300, "high", fs=RATE, output="sos")
    sections = np.stack([np.stack([low, high]), np.stack([high, low * 2])])
    sections[1, 0] *= 3  # a0 other than 1: the whole section is scaled, the filter is the same
    path = write(
        tmp_path / "s.sofa", "SimpleFreeFieldHRSOS", Data_SOS=sections.reshape(2, 2, 12),
        Data_SamplingRate=RATE, Data_Delay=np.array([[4.0, 8]]), **placed(2),
    )  # fmt: skip
    got = read_sofa(path)
    impulse = np.zeros(got.sizes["tap"])
    impulse[0] = 1
    np.testing.assert_allclose(
        got.impulse_response.values[0, 0], signal.sosfilt(low, impulse), atol=1e-12
    )
    np.testing.assert_allclose(
        got.impulse_response.values[1, 0], signal.sosfilt(high, impulse), atol=1e-12
    )
    np.testing.assert_allclose(got.delay, np.array([[4, 8]] * 2) / RATE)


@pytest.mark.parametrize(
    ("sections", "message"),
    [
        (np.array([1, 0, 0, 1.0, -2.1, 1.2]), "is not stable"),
        (np.array([1, 0, 0, 0.0, 0, 0]), "whose a0 is 0"),
        (np.ones(7), "each section has six"),
    ],
)
def test_sections_that_are_no_filter(sections, message):
    with pytest.raises(ValidationError, match=message):
        from_sections(sections[None], "a set")


def test_harmonics_are_the_textbook_s():
    """Cartesian forms to order 2, orthonormal, ACN; the addition theorem at order 8."""
    u = np.random.default_rng(0).normal(size=(40, 3))
    u /= np.linalg.norm(u, axis=1, keepdims=True)
    x, y, z = u.T
    one, two = np.sqrt(3 / (4 * np.pi)), np.sqrt(15 / (4 * np.pi))
    want = [
        np.full(40, np.sqrt(1 / (4 * np.pi))), one * y, one * z, one * x, two * x * y, two * y * z,
        np.sqrt(5 / (16 * np.pi)) * (3 * z**2 - 1), two * x * z, two / 2 * (x**2 - y**2),
    ]  # fmt: skip
    np.testing.assert_allclose(real_harmonics(2, u), np.stack(want, axis=1), atol=1e-12)
    eight = real_harmonics(8, u)[:, 64:]
    from scipy.special import eval_legendre

    np.testing.assert_allclose(eight @ eight.T, 17 / (4 * np.pi) * eval_legendre(8, u @ u.T))


@pytest.mark.parametrize("convention", ["FreeFieldHRIR", "FreeFieldHRTF"])
def test_a_field_in_spherical_harmonics(tmp_path, convention):
    """Ears that are cardioids pointing left and right: a field of order one, in closed form."""
    taps = responses(1, 64)[0]
    whole, side = np.sqrt(4 * np.pi), np.sqrt(4 * np.pi / 3)
    data = np.zeros((1, 2, 64, 4))  # dimensions M, R, N, E
    for ear, sign in ((0, 1.0), (1, -1.0)):
        data[0, ear, :, 0] = taps[ear] * whole / 2
        data[0, ear, :, 1] = taps[ear] * sign * side / 2  # the harmonic that is y
    fields = {"EmitterPosition": np.array([[0, 0, 1.7]])}
    if convention == "FreeFieldHRIR":
        fields |= {"Data_IR": data, "Data_SamplingRate": RATE, "Data_Delay": np.zeros((1, 2, 1))}
    else:
        spectra = np.fft.rfft(data, 128, axis=2)
        fields |= {
            "Data_Real": spectra.real, "Data_Imag": spectra.imag,
            "N": np.fft.rfftfreq(128, 1 / RATE),
        }  # fmt: skip
    got = read_sofa(write(tmp_path / "f.sofa", convention, **fields))
    direction = got.position.values / 1.7
    np.testing.assert_allclose(np.linalg.norm(direction, axis=1), 1)
    share = (1 + direction[:, 1:2] * [1, -1]) / 2
    wanted = share[..., None] * taps
    np.testing.assert_allclose(got.impulse_response.values[..., :64], wanted, atol=1e-9)
    mirrored = direction * [1, -1, 1]
    assert np.abs(mirrored[:, None] - direction).sum(axis=2).min(axis=1).max() < 1e-9


def test_ring_grid_samples_its_order_without_loss():
    for order in (1, 7, 20):
        grid = ring_grid(order)
        assert len(grid) >= (order + 1) ** 2
        assert np.linalg.cond(real_harmonics(order, grid)) < 10


def test_emitters_round_the_listener(tmp_path):
    """FreeFieldHRIR with loudspeakers instead of harmonics: each emitter is a direction."""
    x = responses(3)
    path = write(
        tmp_path / "e.sofa", "FreeFieldHRIR", Data_IR=x.transpose(1, 2, 0)[None],
        Data_SamplingRate=44_100, Data_Delay=np.arange(6.0).reshape(1, 2, 3),
        EmitterPosition=PLACES[:3], EmitterPosition_Type="spherical",
    )  # fmt: skip
    got = read_sofa(path)
    np.testing.assert_allclose(got.impulse_response, x)
    np.testing.assert_allclose(got.delay, np.arange(6).reshape(2, 3).T / 44_100)
    np.testing.assert_allclose(got.position.values[:2], [[1.4, 0, 0], [0, 1.4, 0]], atol=1e-12)


@pytest.mark.parametrize("convention", ["GeneralFIR", "GeneralFIR-E", "GeneralTF", "GeneralTF-E"])
def test_general_files_with_two_receivers(tmp_path, convention):
    x = responses(4)
    data = x[..., None] if convention.endswith("-E") else x
    fields = placed(4) | {"ReceiverPosition": EARS_AT}
    if "FIR" in convention:
        fields |= {"Data_IR": data, "Data_SamplingRate": RATE}
        fields |= {"Data_Delay": np.zeros((1, 2, 1) if data.ndim == 4 else (1, 2))}
    else:
        spectra = np.fft.rfft(data, 128, axis=2)
        fields |= {
            "Data_Real": spectra.real, "Data_Imag": spectra.imag,
            "N": np.fft.rfftfreq(128, 1 / RATE),
        }  # fmt: skip
    got = read_sofa(write(tmp_path / "g.sofa", convention, **fields))
    np.testing.assert_allclose(got.impulse_response[..., :96], x, atol=1e-12)
    np.testing.assert_allclose(got.position.values[1], [0, 1.4, 0], atol=1e-12)


def test_a_listener_who_turns_in_front_of_one_loudspeaker(tmp_path):
    """A turntable: the source stays, the view turns to the left, so the source moves right."""
    turn = np.deg2rad([0, 90, 180])
    view = np.stack([np.cos(turn), np.sin(turn), 0 * turn], axis=1)
    path = write(
        tmp_path / "t.sofa", "SimpleFreeFieldHRIR", Data_IR=responses(3), Data_SamplingRate=RATE,
        SourcePosition=np.array([[0.0, 0, 2]]), ListenerView=view,
    )  # fmt: skip
    np.testing.assert_allclose(
        read_sofa(path).position, [[2, 0, 0], [0, -2, 0], [-2, 0, 0]], atol=1e-12
    )


@pytest.mark.parametrize(
    "delay", [np.array([[3.0, 7]]), np.array([[3.0, 7]] * 4), np.array([[3.0], [3], [3], [3]])]
)
def test_delays_once_or_for_each_measurement(tmp_path, delay):
    delay = np.broadcast_to(delay, (len(delay), 2))
    path = write(
        tmp_path / "d.sofa", "SimpleFreeFieldHRIR", Data_IR=responses(), Data_SamplingRate=RATE,
        Data_Delay=delay, **placed(4),
    )  # fmt: skip
    np.testing.assert_allclose(read_sofa(path).delay, np.broadcast_to(delay, (4, 2)) / RATE)


def test_one_measurement_only(tmp_path):
    """sofar drops dimensions of length one on the way; the file's own shape counts."""
    path = write(
        tmp_path / "o.sofa", "SimpleFreeFieldHRIR", Data_IR=responses(1), Data_SamplingRate=RATE
    )
    assert read_sofa(path).impulse_response.shape == (1, 2, 96)


def test_fields_of_harmonics_that_make_no_sense(tmp_path):
    path = write(
        tmp_path / "h.sofa", "FreeFieldHRIR", Data_SamplingRate=RATE,
        Data_Delay=np.arange(8.0).reshape(1, 2, 4), Data_IR=np.ones((1, 2, 8, 4)),
    )  # fmt: skip
    with pytest.raises(ValidationError, match="differs between the coefficients"):
        read_sofa(path)
    with pytest.raises(ValidationError, match="has a square number"):
        order_of(3, "a set")  # sofar does not write such a file


@pytest.mark.parametrize(
    ("frequency", "message"),
    [
        (np.arange(4.0), "at least 8 different ones"),
        (np.repeat(np.arange(8.0), 2)[:9], "at least 8 different ones"),
        (np.linspace(0, 20, 9), "Is N in Hz"),
        (np.append(np.arange(8.0), np.nan), "at least 8 different ones"),
    ],
)
def test_frequencies_that_make_no_sense(frequency, message):
    with pytest.raises(ValidationError, match=message):
        from_spectra(np.ones((1, 2, len(frequency)), dtype=complex), frequency, "a set")
