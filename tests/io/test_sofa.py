"""SOFA files written by sofar, read back in the house frame, and refused when they are broken."""

import sys

import numpy as np
import pytest

from spatialdrama.errors import PluginImportError, ValidationError
from spatialdrama.io.sofa import hrir_dataset, read_sofa

sofar = pytest.importorskip("sofar")

#: azimuth (counter-clockwise), elevation in degrees, distance in m
PLACES = np.array([[0.0, 0, 1.4], [90, 0, 1.4], [180, 30, 1.4], [270, -30, 1.2]])


def responses(n=4, taps=16):
    rng = np.random.default_rng(0)
    return rng.normal(size=(n, 2, taps))


def written(tmp_path, **fields):
    sofa = sofar.Sofa("SimpleFreeFieldHRIR")
    sofa.Data_IR = responses()
    sofa.Data_SamplingRate = 44_100
    sofa.SourcePosition = PLACES
    sofa.SourcePosition_Type = "spherical"
    sofa.SourcePosition_Units = "degree, degree, metre"
    for name, value in fields.items():
        setattr(sofa, name, value)
    path = tmp_path / "head.sofa"
    sofar.write_sofa(str(path), sofa)
    return path


def test_round_trip(tmp_path):
    path = written(tmp_path, GLOBAL_Title="a head", Data_Delay=np.array([[2.0, 5.0]]))
    got = read_sofa(path)
    assert dict(got.sizes) == {"measurement": 4, "ear": 2, "tap": 16, "axis": 3}
    np.testing.assert_allclose(got.impulse_response, responses())
    assert got.attrs["rate"] == 44_100
    assert got.attrs["title"] == "a head"
    assert len(got.attrs["sha256"]) == 64
    assert got.ear.values.tolist() == ["left", "right"]
    half, deep = 1.4 * np.cos(np.pi / 6), 1.2 * np.cos(np.pi / 6)
    np.testing.assert_allclose(
        got.position, [[1.4, 0, 0], [0, 1.4, 0], [-half, 0, 0.7], [0, -deep, -0.6]], atol=1e-9
    )
    np.testing.assert_allclose(got.delay.sel(ear="right"), 5 / 44_100)


def test_cartesian_positions_and_a_listener_who_looks_elsewhere(tmp_path):
    path = written(
        tmp_path,
        SourcePosition=np.array([[1.0, 3, 0], [0, 2, 0], [1, 1, 0], [1, 2, 1]]),
        SourcePosition_Type="cartesian",
        SourcePosition_Units="metre",
        ListenerPosition=np.array([[1.0, 2, 0]]),
        ListenerView=np.array([[0.0, 1, 0]]),
    )
    # From (1, 2, 0) looking along y: ahead, on the left, behind, above.
    np.testing.assert_allclose(
        read_sofa(path).position, [[1, 0, 0], [0, 1, 0], [-1, 0, 0], [0, 0, 1]], atol=1e-12
    )


def test_right_ear_first_is_turned_round(tmp_path):
    path = written(tmp_path, ReceiverPosition=np.array([[0, -0.09, 0], [0, 0.09, 0]])[..., None])
    np.testing.assert_allclose(read_sofa(path).impulse_response, responses()[:, ::-1])


@pytest.mark.parametrize(
    ("convention", "message"),
    [
        ("SimpleHeadphoneIR", "'SimpleHeadphoneIR'; the renderer reads"),
        ("SingleRoomSRIR", "'SingleRoomSRIR': responses of a room.*read_brir"),
        ("GeneralFIR", "a pair of ears is two receivers"),
    ],
)
def test_another_convention(tmp_path, convention, message):
    sofa = sofar.Sofa(convention)
    for name in (
        "ReceiverDescriptions",
        "EmitterDescriptions",
        "SourceManufacturer",
        "SourceModel",
    ):
        if hasattr(sofa, name):  # optional, and sofar 1.3 cannot write its own defaults for them
            sofa.delete(name)
    path = tmp_path / "other.sofa"
    sofar.write_sofa(str(path), sofa)
    with pytest.raises(ValidationError, match=message):
        read_sofa(path)


@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_a_truncated_body(tmp_path, share):
    path = written(tmp_path, Data_IR=responses(taps=4096))
    body = path.read_bytes()
    path.write_bytes(body[: int(share * len(body))])
    with pytest.raises(ValidationError, match=r"head\.sofa .*(cut off|damaged|lacks)"):
        read_sofa(path)


@pytest.mark.parametrize("field", ["Data.IR", "Data.SamplingRate", "SourcePosition"])
def test_a_missing_field(tmp_path, field):
    import netCDF4

    whole, path = written(tmp_path), tmp_path / "poor.sofa"
    with netCDF4.Dataset(whole) as source, netCDF4.Dataset(path, "w") as target:
        target.setncatts({k: source.getncattr(k) for k in source.ncattrs()})
        for name, dimension in source.dimensions.items():
            target.createDimension(name, len(dimension))
        for name, variable in source.variables.items():
            if name != field:
                copy = target.createVariable(name, variable.dtype, variable.dimensions)
                copy.setncatts({k: variable.getncattr(k) for k in variable.ncattrs()})
                copy[:] = variable[:]
    with pytest.raises(ValidationError, match=f"lacks the fields? .*{field}"):
        read_sofa(path)


def test_not_a_sofa_file(tmp_path):
    path = tmp_path / "voice.sofa"
    path.write_bytes(b"RIFF....WAVE")
    with pytest.raises(ValidationError, match="is not a SOFA file"):
        read_sofa(path)
    with pytest.raises(ValidationError, match="no SOFA file at"):
        read_sofa(tmp_path / "none.sofa")


def test_without_sofar_it_says_what_to_install(tmp_path, monkeypatch):
    path = written(tmp_path)
    monkeypatch.setitem(sys.modules, "sofar", None)
    with pytest.raises(PluginImportError, match="pip install sofar"):
        read_sofa(path)


@pytest.mark.parametrize(
    ("response", "position", "message"),
    [
        (np.full((1, 2, 4), np.nan), [[1, 0, 0]], r"Data\.IR\[0, 0, 0\] is nan"),
        (np.zeros((1, 2, 4)), [[1, 0, 0]], "response 0 is silent at both ears"),
        (np.ones((2, 2, 4)), [[1, 0, 0]], "2 responses but SourcePosition of shape"),
    ],
)
def test_broken_numbers(response, position, message):
    with pytest.raises(ValidationError, match=message):
        hrir_dataset(response, position, rate=48_000)


def test_importing_the_reader_does_not_import_sofar():
    import subprocess

    code = "import spatialdrama.io.sofa, sys; sys.exit('sofar' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
