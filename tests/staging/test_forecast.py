"""How long and large a drama will be, from numbers one can add up."""

import pytest

import spatialdrama as sd
from spatialdrama.staging.forecast import forecast, line_seconds

RATE = 48_000


class TestForecast:
    def test_from_the_text(self):
        # 24 letters at 12 a second; 8 Han characters at 4
        assert line_seconds(sd.Line("A", "a" * 24)) == pytest.approx(2.0)
        assert line_seconds(sd.Line("A", "这个妹妹我曾见过")) == pytest.approx(2.0)
        assert line_seconds(sd.Line("A", "a" * 24), rate=2.0) == pytest.approx(1.0)
        assert line_seconds(sd.Line("A", "a" * 24, start=1.0, end=1.5)) == pytest.approx(0.5)

    def test_what_an_hour_needs(self):
        lines = [sd.Line("AB"[i % 2], "word " * 12) for i in range(720)]  # 5 s each
        plan = forecast(sd.Script(lines), pause=0.0, lead_in=0.0)
        assert plan.seconds == plan.spoken == pytest.approx(3600, rel=0.02)
        assert plan.folder_bytes == pytest.approx(RATE * 3600 * (6 + 1.5), rel=0.02)
        assert plan.work_bytes == pytest.approx(RATE * (3540 * 8 + 3480 * 4), rel=0.02)
        assert forecast(sd.Script(lines), pause=0, lead_in=0, kept=False).cache_bytes == 0
        assert "about 60 min of sound: 1.3 GB on the disk, 2.0 GB more while" in str(plan)
