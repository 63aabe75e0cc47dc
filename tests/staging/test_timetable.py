"""When lines start, told by hand."""

import spatialdrama as sd
from spatialdrama.staging.timetable import start_times


class TestTimetable:
    def test_a_long_overlap_never_reaches_before_the_line_it_overlaps(self):
        lines = [sd.Line("A", "a", gap=None), sd.Line("B", "b", gap=-9.0)]
        assert start_times(lines, [1.0, 0.5], pause=0.4, lead_in=0.2) == [0.2, 0.2]

    def test_nobody_talks_over_themselves_after_an_overlap(self):
        lines = [sd.Line("A", "a"), sd.Line("B", "b", gap=-0.9), sd.Line("A", "c", gap=-0.5)]
        starts = start_times(lines, [2.0, 0.3, 1.0], pause=0.4, lead_in=0.0)
        assert starts[2] >= 2.0
