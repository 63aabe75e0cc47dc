"""Room responses from SOFA files written by sofar and from sound files; files cut anywhere."""

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spatialdrama.errors import ValidationError
from spatialdrama.io.brir import read_brir
from spatialdrama.io.sofa import read_sofa

sofar = pytest.importorskip("sofar")

RATE = 48_000
#: Fields whose defaults sofar 1.3 cannot write, or that would have to follow the others' shapes.
OPTIONAL = (
    "ReceiverDescriptions", "EmitterDescriptions", "ReceiverView", "ReceiverUp",
    "ReceiverView_Type", "ReceiverView_Units", "MeasurementDate",
)  # fmt: skip
EARS_AT = np.array([[0, 0.09, 0], [0, -0.09, 0]])


def responses(*shape):
    return np.random.default_rng(0).normal(size=shape)


def write(path, convention, **fields):
    sofa = sofar.Sofa(convention)
    for name in OPTIONAL:
        if hasattr(sofa, name):
            sofa.delete(name)
    for name, value in fields.items():
        setattr(sofa, name, value)
    if convention == "MultiSpeakerBRIR":  # deprecated: sofar reads it and no longer writes it
        sofa.verify(issue_handling="ignore")
        sofar.io._write_sofa(str(path), sofa, 4, verify=False)
    else:
        sofar.write_sofa(str(path), sofa)
    return path


def single_room(path, **fields):
    return write(
        path, "SingleRoomSRIR",
        **{
            "Data_IR": responses(2, 2, 400), "Data_SamplingRate": RATE,
            "Data_Delay": np.zeros((1, 2)),
            "ReceiverPosition": EARS_AT, "ReceiverPosition_Type": "cartesian",
            "ReceiverPosition_Units": "metre",
            "SourcePosition": np.array([[3.0, 1, 1.5], [1, 3, 1.5]]),
            "ListenerPosition": np.array([[1.0, 1, 1.5], [1, 1, 1.5]]),
            "ListenerView": np.array([[1.0, 0, 0], [0, 1, 0]]),
            **fields,
        },
    )  # fmt: skip


def test_single_room(tmp_path):
    got = read_brir(single_room(tmp_path / "room.sofa", GLOBAL_Title="a hall"))
    assert dict(got.sizes) == {"measurement": 2, "ear": 2, "tap": 400, "axis": 3}
    np.testing.assert_allclose(got.impulse_response, responses(2, 2, 400))
    # Both times the loudspeaker stands 2 m ahead, once along x and once along y.
    np.testing.assert_allclose(got.position, [[2, 0, 0], [2, 0, 0]], atol=1e-12)
    np.testing.assert_allclose(got.source, [[3, 1, 1.5], [1, 3, 1.5]])
    np.testing.assert_allclose(got.listener_view, [[1, 0, 0], [0, 1, 0]])
    assert got.attrs["rate"] == RATE
    assert got.attrs["title"] == "a hall"
    assert got.emitter.values.tolist() == [0, 0]


def test_several_loudspeakers_and_a_head_that_turns(tmp_path):
    """MultiSpeakerBRIR stores M, R, E, N: 3 views of 2 loudspeakers."""
    x = responses(3, 2, 2, 50)
    path = write(
        tmp_path / "multi.sofa", "MultiSpeakerBRIR", Data_IR=x, Data_SamplingRate=44_100,
        Data_Delay=np.zeros((1, 2, 2)),
        ListenerView=np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0]]),
        SourcePosition=np.array([[90.0, 0, 0.5]]),  # 0.5 m along y, in the middle of its emitters
        EmitterPosition=np.array([[2.0, 0, 0], [0, 2, 0]]),
        EmitterUp=np.array([[0, 0, 1.0]] * 2), EmitterView=np.array([[1.0, 0, 0]] * 2),
    )  # fmt: skip
    got = read_brir(path)
    assert got.sizes["measurement"] == 6
    assert got.emitter.values.tolist() == [0, 1, 0, 1, 0, 1]
    np.testing.assert_allclose(got.impulse_response[3], x[1, :, 1])  # second view, second emitter
    np.testing.assert_allclose(got.source[:2], [[2, 0.5, 0], [0, 2.5, 0]], atol=1e-12)
    np.testing.assert_allclose(got.position[2], [0.5, -2, 0], atol=1e-12)  # looking along y


def test_mimo(tmp_path):
    """SingleRoomMIMOSRIR stores M, R, N, E, and emitters in the source's frame, here turned."""
    x = responses(1, 2, 60, 3)
    path = write(
        tmp_path / "mimo.sofa", "SingleRoomMIMOSRIR", Data_IR=x, Data_SamplingRate=RATE,
        Data_Delay=np.zeros((1, 2, 1)), ReceiverPosition=EARS_AT,
        ReceiverPosition_Type="cartesian", ReceiverPosition_Units="metre",
        SourcePosition=np.array([[4.0, 0, 0]]), SourceView=np.array([[-1.0, 0, 0]]),
        EmitterPosition=np.array([[0.1, 0, 0], [0, 0.2, 0], [0, 0, 0.3]]),
        EmitterPosition_Type="cartesian", EmitterPosition_Units="metre",
        EmitterView=np.array([[1.0, 0, 0]] * 3), EmitterUp=np.array([[0, 0, 1.0]] * 3),
    )  # fmt: skip
    got = read_brir(path)
    np.testing.assert_allclose(got.impulse_response, x[0].transpose(2, 0, 1))
    np.testing.assert_allclose(got.position, [[3.9, 0, 0], [4, -0.2, 0], [4, 0, 0.3]], atol=1e-12)


@pytest.mark.parametrize("suffix", ["wav", "flac"])
def test_a_sound_file(tmp_path, suffix):
    x = np.clip(responses(2, 500) / 8, -0.9, 0.9)
    soundfile.write(tmp_path / f"r.{suffix}", x.T, 44_100, subtype="PCM_24")
    got = read_brir(tmp_path / f"r.{suffix}")
    np.testing.assert_allclose(got.impulse_response[0], x, atol=1e-6)
    assert got.attrs["rate"] == 44_100
    assert "position" not in got


def test_files_that_are_no_pair_of_ears(tmp_path):
    soundfile.write(tmp_path / "mono.wav", np.ones(10) / 2, RATE)
    with pytest.raises(ValidationError, match="has 1 channel; a pair of ears"):
        read_brir(tmp_path / "mono.wav")
    path = write(tmp_path / "head.sofa", "SimpleFreeFieldHRIR", Data_IR=responses(1, 2, 8))
    with pytest.raises(ValidationError, match=r"read by spatialdrama\.io\.sofa\.read_sofa"):
        read_brir(path)
    four = single_room(
        tmp_path / "array.sofa", Data_IR=responses(2, 4, 8), Data_Delay=np.zeros((1, 4)),
        ReceiverPosition=np.eye(4, 3),
    )  # fmt: skip
    with pytest.raises(ValidationError, match="of 4 receivers"):
        read_brir(four)
    silent = single_room(tmp_path / "silent.sofa", Data_IR=np.zeros((2, 2, 8)))
    with pytest.raises(ValidationError, match="response 0 is silent"):
        read_brir(silent)
    holes = responses(2, 2, 8)
    holes[1, 0, 3] = np.nan
    with pytest.raises(ValidationError, match=r"Data\.IR\[1, 0, 3\] is nan"):
        read_brir(single_room(tmp_path / "nan.sofa", Data_IR=holes))


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    """A head and a room, whole, as bytes, and where to put what is left of them."""
    folder = tmp_path_factory.mktemp("cut")
    places = np.stack([np.linspace(0, 315, 8), np.zeros(8), np.ones(8)], axis=1)
    head = write(
        folder / "head.sofa", "SimpleFreeFieldHRIR", Data_IR=responses(8, 2, 256),
        SourcePosition=places,
    )  # fmt: skip
    room = single_room(folder / "room.sofa")
    return {read_sofa: head.read_bytes(), read_brir: room.read_bytes()}, folder / "rest.sofa"


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(share=st.floats(0, 1, exclude_max=True), reader=st.sampled_from([read_sofa, read_brir]))
def test_a_file_cut_anywhere_is_refused_in_one_sentence(whole_files, share, reader):
    bodies, path = whole_files
    body = bodies[reader]
    path.write_bytes(body[: int(share * len(body))])
    with pytest.raises(ValidationError) as caught:
        reader(path)
    assert "\n" not in str(caught.value)
    assert "rest.sofa" in str(caught.value)
