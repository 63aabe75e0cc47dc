"""The page on silent video runs as it stands, and what it says about the result is so."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[4] / "docs" / "how-to" / "silent-video.md"


@pytest.mark.slow
def test_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = "\n".join(re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL))
    names = {}
    exec(compile(code, PAGE.name, "exec"), names)
    assert names["frames"].shape == (72, 240, 320, 3)
    assert names["some"].shape[0] == 12
    assert (names["size"], names["rate"]) == ((320, 240), 24.0)
    pixels = names["pixels"]
    # 1.8 m ahead and .9 m to the left of a camera that looks down by atan(.1).
    along = np.array([2, 0, -0.2]) / np.hypot(2, 0.2)
    deep = np.array([1.8, 0.9, -0.2]) @ along
    assert np.isclose(pixels[0, 0], 160 - 160 / np.tan(np.pi / 6) * 0.9 / deep)
    assert names["prompt"].speaker_pixel == tuple(np.floor(names["seen"][0]).astype(int))
    assert names["opening"].max() > 0.9
    assert names["opening"].min() == 0
