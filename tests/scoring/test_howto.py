"""docs/how-to/compare-systems.md runs as it stands, and says what is true."""

import re
from pathlib import Path

import numpy as np
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "compare-systems.md"


@pytest.mark.slow
def test_the_page_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("torchmetrics")
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
    assert len(blocks) >= 7
    place: dict = {}
    for number, block in enumerate(blocks, start=1):
        exec(compile(block, f"block {number} of {PAGE.name}", "exec"), place)
    said = capsys.readouterr().out
    found, close, far = place["found"], place["close"], place["far"]
    assert close.items == tuple(f"clip{n:02d}" for n in range(11))
    # What the page tells of: close is best and that is sure, mono and chance are far away.
    assert found.best("itd_mae") == ("close",)
    assert found["far", "itd_mae"].p == 2 / 2**11
    assert float(close.data["mono"].sel(metric="itd_mae")) > 2 * far["itd_mae"]
    assert float(close.data["chance"].sel(metric="itd_mae")) > 2 * far["itd_mae"]
    assert r"\textbf" in (tmp_path / "table.tex").read_text()
    assert re.search(r"\d+ us worse, \d+ to \d+", said)
    assert re.search(r"\| system \| ipd_mae|\| system \| ild_mae \(dB\)", said)
    assert "MOS-P" in said
    assert np.isfinite(float(re.search(r"tensor\((\d+\.\d+)", said)[1]))
