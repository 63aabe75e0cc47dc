"""Character errors against our own edit distance; the metric with a stand-in recogniser."""

import copy
import pickle

import attrs
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spatialdrama_metrics.cer import Cer
from spatialdrama_metrics.functional import character_errors
from spatialdrama_metrics.recognise.downmix import downmix
from spatialdrama_metrics.recognise.whisper import Heard

from spatialdrama import registry
from spatialdrama.errors import ValidationError
from spatialdrama.types import BinauralAudio, Line

TEXT = st.text(alphabet="abc你好 吗", max_size=14)


def oracle_distance(a, b):
    """Levenshtein by the recurrence, the whole table."""
    d = np.zeros((len(a) + 1, len(b) + 1), int)
    d[:, 0], d[0] = range(len(a) + 1), range(len(b) + 1)
    for i in range(1, len(a) + 1):
        for j in range(1, len(b) + 1):
            d[i, j] = min(
                d[i - 1, j] + 1, d[i, j - 1] + 1, d[i - 1, j - 1] + (a[i - 1] != b[j - 1])
            )
    return d[-1, -1]


@given(TEXT.filter(len), TEXT)
def test_counts_are_the_edit_distance(reference, hypothesis):
    edits = character_errors(reference, hypothesis)
    total = edits.substitutions + edits.deletions + edits.insertions
    assert total == oracle_distance(reference, hypothesis)
    assert edits.length == len(reference)
    assert edits.insertions - edits.deletions == len(hypothesis) - len(reference)
    assert edits.rate == total / len(reference)


def test_no_reference_no_rate():
    with pytest.raises(ValidationError, match="empty after normalisation"):
        character_errors("", "something")


@attrs.frozen
class Parrot:
    """A recogniser that says what it was told to, and remembers nothing."""

    text: str

    def transcribe(self, mono, *, rate, languages):
        assert mono.ndim == 1
        return Heard(self.text, languages[0], -0.1)


def clip(seconds=0.5):
    return BinauralAudio(np.random.default_rng(0).standard_normal((2, int(48000 * seconds))), 48000)


@pytest.mark.parametrize(
    ("said", "heard", "cer"),
    [
        ("Who's there?", "Whos there", 0.0),
        ("Who's there?", "", 1.0),
        ("Who's there?", " ... ", 1.0),
        ("誰在那裡", "谁在那里。", 0.0),
        ("你好吗", "你好马", 1 / 3),
        ("he said 你好", "He said: 你好！", 0.0),
        ("ab", "abcdef", 2.0),
    ],
)
def test_scores(said, heard, cer):
    score = Cer(recogniser=Parrot(heard)).score(clip(), line=Line("A", said))
    assert score.value == pytest.approx(cer)
    assert score.details["heard"] == heard
    assert ("note" in score.details) == (not heard.strip(" ."))


def test_every_further_wrong_letter_is_worse_by_one():
    said = "the quick brown fox"
    letters = [i for i, c in enumerate(said) if c != " "]
    values = []
    for count in range(len(letters) + 1):
        heard = [("q" if said[i] != "q" else "x") if i in letters[:count] else c
                 for i, c in enumerate(said)]  # fmt: skip
        metric = Cer(recogniser=Parrot("".join(heard)))
        values.append(metric.score(clip(), line=Line("A", said)).value)
    assert values == pytest.approx(np.arange(len(letters) + 1) / len(letters))


def test_weight_makes_the_aggregate_a_corpus_rate():
    said = [("abcd", "abcx"), ("abcdefghij", "abcdefghij")]
    scores = [Cer(recogniser=Parrot(h)).score(clip(), line=Line("A", r)) for r, h in said]
    total = sum(s.value * s.weight for s in scores) / sum(s.weight for s in scores)
    assert total == pytest.approx(1 / 14)


def test_spec_and_copies():
    spec = registry.get("metric", "cer")
    assert spec.needs == ("line",)
    assert spec.bounds == (0.0, None)
    assert len(spec.assets) == 3
    metric = registry.load("metric", "cer", downmix="aligned")
    assert pickle.loads(pickle.dumps(copy.deepcopy(metric))) == metric
    with pytest.raises(ValueError, match="downmix"):
        Cer(downmix="stereo")


def test_a_line_in_no_known_writing_needs_a_language():
    line = Line("A", "สวัสดี")
    with pytest.raises(ValidationError, match=r"สวัสดี.*give it a language"):
        Cer(recogniser=Parrot("")).score(clip(), line=line)


def delayed(x, samples):
    shift = np.exp(-2j * np.pi * np.fft.rfftfreq(len(x)) * samples)
    return np.fft.irfft(np.fft.rfft(x) * shift, len(x))


def test_downmix_louder_takes_the_ear_as_it_is():
    ears = np.stack([np.full(100, 0.1), np.full(100, -0.2)])
    np.testing.assert_array_equal(downmix(ears, rate=48000), ears[1])
    np.testing.assert_array_equal(downmix(ears[::-1], rate=48000), ears[1])


def test_downmix_mean_combs_and_aligned_does_not():
    x = np.random.default_rng(0).standard_normal(96000)
    ears = np.stack([x, delayed(x, 30.3)])  # 631 us: first notch at 792 Hz
    hertz = np.fft.rfftfreq(96000, 1 / 48000)
    near = (hertz > 750) & (hertz < 830)

    def gain_db(y):
        ratio = np.abs(np.fft.rfft(y))[near] / np.abs(np.fft.rfft(x))[near]
        return 10 * np.log10(np.mean(ratio**2))

    assert gain_db(downmix(ears, rate=48000, method="mean")) < -18
    assert gain_db(downmix(ears, rate=48000, method="aligned")) == pytest.approx(0, abs=0.3)
    assert downmix(ears, rate=48000, method="aligned").shape == (96000,)


def test_downmix_aligned_is_the_source_moved_by_half_the_delay():
    x = np.random.default_rng(0).standard_normal(48000)
    ears = np.stack([x, delayed(x, 20)])
    got = downmix(ears, rate=48000, method="aligned")
    np.testing.assert_allclose(got[5000:-5000], delayed(x, 10)[5000:-5000], atol=0.05)


def test_downmix_refuses():
    with pytest.raises(ValidationError, match="'best'"):
        downmix(np.zeros((2, 10)), rate=48000, method="best")
    with pytest.raises(ValidationError, match=r"\(10,\)"):
        downmix(np.zeros(10), rate=48000)
