"""The voice against the shipped conformance kit."""

import pytest

from spatialdrama.runtime.assets import missing
from spatialdrama.testing import check_voice


@pytest.mark.slow
@pytest.mark.skipif(
    bool(missing(["kokoro-82m-int8"])), reason="type: spatialdrama assets fetch kokoro-82m-int8"
)
def test_kokoro_conforms():
    check_voice("kokoro")
