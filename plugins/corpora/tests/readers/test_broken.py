"""Corpora with something wrong: reading names the item, and a check lists it all and goes on."""

import numpy as np
import pytest
import soundfile
from spatialdrama_corpora.readers.mrsdrama import MRSDrama

from spatialdrama.errors import SpatialDramaWarning, ValidationError

ENTRY = {"speaker": "X", "raw_txt": "好", "start_time": 0.0, "end_time": 1.0}


@pytest.fixture
def broken(release):
    """One drama of which nearly every item has something wrong, and one that is well."""
    still = np.array([0, 1, 0, 1, 0, 0, 0, 0, 0], dtype=float)
    walk = np.tile(still, (21, 1))
    names = (
        "good", "gone", "cut", "slow", "mono", "silent", "short", "nan", "rate", "jump", "late",
        "lists", "nopose", "object",
    )  # fmt: skip
    entries = {name: dict(ENTRY) for name in names}
    for i, name in enumerate(names):
        if name != "gone":
            release.sound(f"d/{name}.wav", 1.0, seed=i, rate=44_100 if name == "slow" else 48_000,
                          channels=1 if name == "mono" else 2)  # fmt: skip
        release.array(f"d/geometric_pose/{name}_v.npy", walk)
    whole = (release.root / "d/cut.wav").read_bytes()
    (release.root / "d/cut.wav").write_bytes(whole[: len(whole) // 2])
    soundfile.write(release.root / "d/silent.wav", np.zeros((48_000, 2)), 48_000)
    pose = "d/geometric_pose/{}_v.npy".format
    release.array(pose("short"), walk[:12])
    release.array(pose("nan"), np.where(np.arange(21)[:, None] == 7, np.nan, walk))
    release.array(pose("rate"), np.tile(still, (60, 1)))
    release.array(pose("jump"), _jumping(walk))
    entries["late"]["end_time"] = 3.0
    release.array(pose("late"), np.tile(still, (61, 1)))
    entries["lists"] |= {"ph": ["h", "ao"], "ph_dur": [0.5]}
    (release.root / pose("nopose")).unlink()
    np.save(release.root / pose("object"), np.array([{"x": 1}], dtype=object))
    release.json("d/d.json", entries)
    (release.root / "d" / "half.json").write_text('{"items": {"a": {"raw_txt": "好",')
    release.json("e/odd.json", {"items": [dict(ENTRY, name="backwards", end_time=-1.0), "text",
                                          {"raw_txt": "谁", "wav_fn": "x.wav"},
                                          dict(ENTRY, item_name="soundless")]})  # fmt: skip
    release.sound("d/unnamed.wav", 0.1)
    return release


def _jumping(walk):
    rows = walk.copy()
    rows[11:, 1] += 3.0  # 3 m in a twentieth of a second
    return rows


@pytest.mark.parametrize(
    ("name", "part", "says"),
    [
        ("gone", "audio", r"item 'gone' of mrsdrama: its audio.*gone\.wav does not exist"),
        ("cut", "audio", r"item 'cut'.*cut\.wav is cut off: \d+ of 192000 bytes"),
        ("slow", "audio", r"item 'slow'.*slow\.wav is at 44100 Hz and the corpus at 48000 Hz"),
        ("mono", "audio", r"item 'mono'.*mono\.wav has one channel"),
        ("short", "pose", r"item 'short'.*short_v\.npy is shorter than the sound: its 12 rows last "
                          r"0\.60 s at 20 Hz and the sound 1\.00 s"),
        ("nan", "pose", r"item 'nan'.*nan_v\.npy: 1 of 21 rows hold NaN, the first is row 8"),
        ("rate", "pose", r"item 'rate'.*rate_v\.npy is longer.*60 rows.*pose_rate="),
        ("object", "pose", r"item 'object'.*object_v\.npy cannot be read: Object arrays"),
    ],
)  # fmt: skip
def test_reading_a_broken_item_says_which_and_why(broken, name, part, says):
    corpus = MRSDrama().open(broken.root)
    with pytest.raises(ValidationError, match=says):
        getattr(corpus[name], part)


def test_a_check_lists_every_problem_with_its_file_and_goes_on(broken):
    corpus = MRSDrama().open(broken.root)
    found = corpus.check(progress=False)
    seen = [(p.item, p.file.rpartition("/")[2], p) for p in found if p.level == "problem"]
    expected = [
        ("gone", "gone.wav", "does not exist"),
        ("cut", "cut.wav", "cut off"),
        ("slow", "slow.wav", "44100 Hz"),
        ("mono", "mono.wav", "one channel"),
        ("silent", "silent.wav", "right ear is silent"),
        ("short", "short_v.npy", "shorter than the sound"),
        ("nan", "nan_v.npy", "NaN"),
        ("rate", "rate_v.npy", "longer than the sound"),
        ("jump", "jump_v.npy", "60 m/s"),
        ("late", "late.wav", "lasts 1.00 s and the annotation says 3.00 s"),
        ("lists", "d.json", "2 phones have 1 durations"),
        ("nopose", "d.json", "no pose"),
        ("object", "object_v.npy", "cannot be read"),
        ("", "half.json", "is not JSON: line 1"),
        ("backwards", "odd.json", "ends at -1 s and starts at 0 s"),
        ("", "odd.json", "entry 2 is 'text', not an object"),
        ("", "odd.json", "entry 'x' has no speaker"),
        ("soundless", "soundless.wav", "does not exist"),
        ("soundless", "odd.json", "no pose"),
    ]
    # Left and right ear of one file are two problems.
    expected.append(("silent", "silent.wav", "left ear is silent"))
    left = list(seen)
    for item, file, words in expected:
        hit = next(s for s in left if s[:2] == (item, file) and words in s[2].what)
        assert hit[2].remedy
        left.remove(hit)
    assert left == []
    notes = [p for p in found if p.level == "note"]
    assert ["unnamed.wav" in p.file for p in notes].count(True) == 1
    assert not any(p.item == "good" for p in found)


def test_opening_keeps_what_is_well(broken):
    corpus = MRSDrama().open(broken.root)
    assert "good" in corpus
    assert corpus["good"].audio.duration == 1.0
    assert "problems, see .check()" in repr(corpus)
    # Phones that do not fit are left out; the words stay.
    assert corpus["lists"].phones == ()
    assert corpus["lists"].text == "好"


def test_a_rate_that_is_said_is_taken(broken):
    corpus = MRSDrama().open(broken.root, pose_rate=60.0, rate=None)
    assert float(corpus["rate"].pose.time[-1]) == pytest.approx(59 / 60)
    assert corpus["slow"].audio.rate == 44_100


def test_a_drama_in_centimetres_says_so_once(broken):
    broken.array("d/geometric_pose/good_v.npy", [[5, 120, 0, 1, 0, 0, 0, 0, 0]])
    corpus = MRSDrama().open(broken.root)  # one file among many: the drama is in metres
    with pytest.raises(ValidationError, match=r"item 'good'.*farther than 120 m, unlike"):
        _ = corpus["good"].pose


def test_all_in_centimetres_near_the_head_too(release):
    entries = {}
    for i, far in enumerate((120.0, 15.0, 180.0, 90.0)):
        release.sound(f"d/{i}.wav", 0.2, seed=i)
        release.array(f"d/geometric_pose/{i}_v.npy", [far, 0, 0, 1, 0, 0, 0, 0, 0])
        entries[str(i)] = dict(ENTRY, end_time=0.2)
    release.json("d/d.json", entries)
    with pytest.warns(SpatialDramaWarning, match="centimetres"):
        corpus = MRSDrama().open(release.root)
    # 15 is 15 cm here, though alone it would look like 15 m.
    assert corpus["1"].pose.position.values.tolist() == [[0.0, -0.15, 0.0]]
