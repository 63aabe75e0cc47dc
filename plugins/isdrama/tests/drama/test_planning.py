"""Frames, pieces and times of lines, against what the script and the durations ask for."""

import numpy as np
import pytest
from spatialdrama_isdrama.autoencoder.config import MelConfig
from spatialdrama_isdrama.content import Reading
from spatialdrama_isdrama.drama.planning import plan

import spatialdrama as sd
from spatialdrama.errors import ValidationError

MEL = MelConfig()
FPS = 187.5


def words(count, stops=()):
    """A reading of `count` phones, each a word; those in `stops` are pauses."""
    symbols = ["<SP>" if i in stops else "a" for i in range(count)]
    return Reading(
        text="x" * count, symbols=symbols, tones=range(count), languages=["zh"] * count,
        words=[(i, i + 1) for i in range(count)], ph2word=range(count),
    )  # fmt: skip


def planned(script, parts, durations, **more):
    durations = [np.asarray(d, float) for d in durations]
    return plan(script, parts, durations, mel=MEL, pause=0.5, lead_in=0.25, **more)


def test_a_free_line_has_the_predicted_frames_rounded_up_to_whole_latents():
    script = sd.Script.parse("A: One.\nB: Two.")
    made = planned(script, [words(3), words(2)], [[10.2, 20.3, 8.9], [7.0, 5.0]])
    assert [s.total for s in made.segments] == [40, 12]
    assert made.segments[0].samples == 40 * 256
    assert made.script[0].start == 0.25
    assert made.script[0].end == pytest.approx(0.25 + 40 / FPS, abs=1e-6)
    assert made.script[1].start == pytest.approx(made.script[0].end + 0.5, abs=1e-6)
    # nobody is moved by more than what was rounded
    np.testing.assert_allclose(made.segments[0].frames, [10.2, 20.3, 8.9], atol=1.2)


@pytest.mark.parametrize("seconds", [0.4, 1.0, 1.2345, 7.77])
def test_a_line_with_times_has_exactly_so_many_samples(seconds):
    script = sd.Script([sd.Line("A", "One.", start=2.0, end=2.0 + seconds)])
    made = planned(script, [words(5)], [[3.0, 9.0, 1.0, 5.0, 2.0]])
    segment = made.segments[0]
    assert segment.samples == round(seconds * 48_000)
    assert 0 <= segment.total * 256 - segment.samples < 1024
    assert segment.total % 4 == 0
    shares = segment.frames / segment.frames.sum()
    np.testing.assert_allclose(shares, np.array([3, 9, 1, 5, 2]) / 20, atol=1.5 / segment.total)
    assert made.script[0].phones[-1].end <= made.script[0].duration + 1e-6


def test_a_long_line_is_cut_at_pauses_and_its_pieces_follow_each_other():
    script = sd.Script([sd.Line("A", "One.", start=1.0, end=41.0)])
    count = 40
    made = planned(script, [words(count, stops=range(4, count, 5))], [np.full(count, 50.0)])
    assert all(s.total <= 3000 and s.total % 4 == 0 for s in made.segments)
    assert sum(s.total for s in made.segments) == 7500
    assert [s.part for s in made.segments] == list(range(len(made.segments)))
    assert {s.parts for s in made.segments} == {len(made.segments)}
    for before, after in zip(made.segments, made.segments[1:], strict=False):
        assert after.start == pytest.approx(before.start + before.total / FPS)
        assert before.reading.symbols[-1] == "<SP>"
    tones = [tone for s in made.segments for tone in s.reading.tones]
    assert tones == list(range(count))
    assert sum(s.samples for s in made.segments) == 40 * 48_000
    assert made.of_line(0) == list(range(len(made.segments)))


@pytest.mark.parametrize("seconds", [15.99, 16.0])
def test_16_seconds_are_spoken_at_once(seconds):
    script = sd.Script([sd.Line("A", "One.", start=0.0, end=seconds)])
    made = planned(script, [words(5)], [np.full(5, 600.0)])
    assert [(s.total, s.samples) for s in made.segments] == [(3000, round(seconds * 48_000))]
    free = planned(sd.Script.parse("A: One."), [words(4)], [np.full(4, 749.5)])
    assert [s.total for s in free.segments] == [3000]
    longer = sd.Script([sd.Line("A", "One.", start=0.0, end=16.02)])
    with pytest.raises(ValidationError, match=r"speaks 16\.02 s .* at most 16\.00 s"):
        planned(longer, [words(5)], [np.full(5, 600.0)])


@pytest.mark.parametrize("odd", [1, 2, 3])
def test_pieces_of_16_seconds_stay_within_them(odd):
    """Two stretches of 3000 frames, neither of which begins on a latent."""
    durations = [100.0, odd, 2999.0, 1.0, 2999.0, 1.0, 4.0 - odd]
    script = sd.Script([sd.Line("A", "One.", start=0.0, end=6104 / FPS)])
    made = planned(script, [words(7, stops=(1, 3, 5))], [durations])
    assert [s.total for s in made.segments] == [100, 3000, 3000, 4]
    assert all(s.total <= 3000 and s.total % 4 == 0 for s in made.segments)


def test_phones_stand_where_their_frames_are():
    script = sd.Script([sd.Line("A", "One.", start=0.0, end=40 / FPS)])
    made = planned(script, [words(2)], [[10.0, 30.0]])
    first, last = made.script[0].phones
    assert (first.start, first.end) == (0.0, pytest.approx(10 / FPS, abs=1e-6))
    assert (last.symbol, last.end) == ("a", pytest.approx(40 / FPS, abs=1e-6))


def test_the_seed_of_a_segment_is_its_place_its_text_and_its_purpose():
    script = sd.Script.parse("A: One.\nA: One.")
    made = planned(script, [words(2), words(2)], [[4.0, 4.0]] * 2)
    keys = {s.seed_keys(purpose) for s in made.segments for purpose in ("noise", "excitation")}
    assert len(keys) == 4


def test_too_little_time_and_no_pause_are_said_with_the_line():
    short = sd.Script([sd.Line("A", "One.", start=0.0, end=0.02)])
    with pytest.raises(ValidationError, match=r"line 1 of A: 0\.02 s are 4 frames, too few for 9"):
        planned(short, [words(9)], [np.ones(9)])
    long = sd.Script([sd.Line("B", "One."), sd.Line("A", "Two.")])
    with pytest.raises(ValidationError, match=r"line 2 of A: .*20\.01 s without a pause"):
        planned(long, [words(2), words(5)], [np.ones(2), np.full(5, 750.0)])


def test_overlaps_that_do_not_fit_are_told():
    script = sd.Script.parse("A: One.\nB [overlap 3]: Two.")
    made = planned(script, [words(2)] * 2, [[40.0, 40.0]] * 2)
    assert len(made.warnings) == 1
    assert "line 2 of B" in made.warnings[0]
