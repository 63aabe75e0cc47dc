"""Line times of a shared path: what jumps is another speaker, what walks is not."""

import numpy as np
import pytest
from spatialdrama_isdrama.drama.generator import Isdrama
from spatialdrama_isdrama.drama.turns import timed

from spatialdrama.errors import ValidationError
from spatialdrama.types import GeometricPrompt, Line, Pose, Scene, Script, TextPrompt

RATE = 20.0


def track(*stretches):
    points = np.concatenate(stretches)
    return Pose.from_samples(np.arange(len(points)) / RATE, points)


def still(point, seconds):
    return np.tile(point, (round(seconds * RATE), 1)).astype(float)


def walk(a, b, seconds):
    return np.linspace(a, b, round(seconds * RATE))


def test_lines_take_the_times_of_the_turns_and_these_meet_in_the_middle_of_a_jump():
    pose = track(still((1, 1, 0), 2.0), still((1, -1, 0), 1.0), still((2, 0, 0), 3.0))
    script = timed(Script.parse("A: One.\nB: Two.\nA: Three."), pose)
    times = [(line.start, line.end) for line in script]
    np.testing.assert_allclose(times, [(0, 1.975), (1.975, 2.975), (2.975, 5.95)])


def test_a_run_is_no_turn():
    script = timed(Script.parse("A: One."), track(walk((1, -4, 0), (1, 4, 0), 1.0)))  # 8 m/s
    assert script[0].end == pytest.approx(0.95)


def test_another_number_of_lines_is_said():
    with pytest.raises(ValidationError, match=r"2 turns .* 1 lines"):
        timed(Script.parse("A: One."), track(still((1, 1, 0), 2.0), still((1, -1, 0), 1.0)))


class TestTheGenerator:
    """times="pose": lengths of lines from the path that all speakers share."""

    PATH = track(still((1, 1, 0), 1.0), still((1, -1, 0), 0.75), still((1, 1, 0), 1.25))

    def shared(self, path=None):
        path = path or self.PATH
        return Scene(None, {"ANNA": path, "BERT": path})

    def generator(self, tiny, **more):
        return Isdrama(weights=tiny, steps=1, cache=False, times="pose", **more)

    def test_lines_last_as_long_as_the_turns(self, tiny, script, voices):
        generator = self.generator(tiny)
        generator.check(script, self.shared(), voices)
        drama = generator.generate(script, self.shared(), voices=voices, progress=False)
        wanted = [(0.0, 0.975), (0.975, 1.725), (1.725, 2.95)]
        times = [(line.start, line.end) for line in drama.script]
        np.testing.assert_allclose(times, wanted, atol=1.1 / 48_000)
        lengths = [len(stem.samples) for stem in drama.stems]
        assert lengths == [round(48_000 * (end - start)) for start, end in wanted]
        assert drama.provenance["options"]["times"] == "pose"

    def test_a_path_of_its_own_counts_as_in_the_scene(self, tiny, script):
        scene = Scene(None, {name: Pose.fixed((1, 0, 0)) for name in ("ANNA", "BERT")})
        prompts = {name: GeometricPrompt(self.PATH) for name in ("ANNA", "BERT")}
        plan = self.generator(tiny, prompts=prompts).plan(script, scene)
        assert [segment.samples for segment in plan.segments] == [46_800, 36_000, 58_800]

    def test_what_cannot_be_read_is_said(self, tiny, script, scene, voices):
        def refused(match, script=script, where=None, **more):
            with pytest.raises(ValidationError, match=match):
                self.generator(tiny, **more).check(script, where or self.shared(), voices)

        refused("ANNA and BERT have two", where=scene)
        refused("3 turns .* 2 lines", Script(script.lines[:2]))
        refused("ANNA is placed by a TextPrompt", prompts={"ANNA": TextPrompt("left")})
        own = Script([Line("ANNA", "Ah.", start=0.0, end=1.0), *script.lines[1:]])
        refused("line 1 of ANNA has times of its own", own)
        with pytest.raises(ValidationError, match=r"plan\(script, scene\)"):
            self.generator(tiny).plan(script)
        with pytest.raises(ValidationError, match="times must be 'script' or 'pose'"):
            Isdrama(weights=tiny, times="video")
