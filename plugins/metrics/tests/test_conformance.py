"""The shipped conformance kit on our own metrics."""

import pytest
from spatialdrama_metrics.recognise.whisper import ASSETS

from spatialdrama.runtime.assets import missing
from spatialdrama.testing import check_metric


@pytest.mark.parametrize("name", ["itd_mae", "ild_mae", "ipd_mae", "coherence_mae"])
def test_interaural(name):
    check_metric(name)


@pytest.mark.slow
@pytest.mark.skipif(bool(missing(ASSETS)), reason="the recogniser's files are not here")
def test_cer():
    check_metric("cer")
