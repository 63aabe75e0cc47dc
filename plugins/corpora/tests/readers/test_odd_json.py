"""Whatever a JSON file holds, opening tells of it or reads it, and never breaks."""

import contextlib
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from spatialdrama_corpora.readers.aliases import ALIASES
from spatialdrama_corpora.readers.mrsdrama import MRSDrama

from spatialdrama.errors import ValidationError

pytestmark = pytest.mark.slow

ODD = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
KEYS = st.sampled_from([alias for aliases in ALIASES.values() for alias in aliases])


@pytest.fixture(scope="module")
def sound():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.wav")
        soundfile.write(path, np.full((480, 2), 0.1), 48_000)
        yield path


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(odd=st.dictionaries(KEYS, ODD, max_size=4))
def test_odd_values_are_problems_or_are_read(sound, odd):
    good = {"item_name": "good", "speaker": "X", "raw_txt": "好", "wav_fn": "a.wav"}
    entry = {"item_name": "a", "speaker": "X", "raw_txt": "好", "wav_fn": "a.wav"} | odd
    (sound.parent / "a.json").write_text(json.dumps([good, entry]), encoding="utf-8")
    corpus = MRSDrama().open(sound.parent, unit="m")
    assert "good" in corpus
    told = {p.item for p in corpus.problems} | {p.file for p in corpus.problems}
    assert len(corpus) == 2 or told
    for problem in corpus.check(progress=False):
        assert problem.what
        assert problem.file


@settings(max_examples=50, deadline=None)
@given(data=ODD)
def test_other_json_is_no_annotation(sound, data):
    (sound.parent / "a.json").write_text(json.dumps(data), encoding="utf-8")
    with contextlib.suppress(ValidationError):  # the one way in which it may refuse
        MRSDrama().open(sound.parent)
    assert MRSDrama().knows(sound.parent) in (True, False)
