"""What is asked of every renderer."""

import pytest

from spatialdrama.testing import check_renderer


@pytest.mark.parametrize("name", ["physical", "geometric"])
def test_conformance(name):
    check_renderer(name)
