"""LaTeX of the paper's three tables: its structure always, and compiled where there is a TeX."""

import re
import shutil
import subprocess

import numpy as np
import pytest

import spatialdrama as sd

OBJECTIVE = {
    "speech": ("cer", "sim", "ffe"),
    "binaural": ("isdrama/ipd_mae", "isdrama/ild_mae", "isdrama/ang_cos", "isdrama/dis_cos"),
    "ablation": ("cer", "ffe", "isdrama/ang_cos", "isdrama/dis_cos"),
}
QUESTIONS = {
    "speech": ("MOS-Q", "MOS-S", "MOS-E"),
    "binaural": ("MOS-Q", "MOS-P"),
    "ablation": ("CMOS-Q", "CMOS-S", "CMOS-E", "CMOS-P"),
}
#: Everything that TeX gives a meaning, as a system may be called.
ODD = 'F5_TTS & 100% #1 ~^\\ {x} $5 "q" α|β → 2°'
PAGE = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}%s\end{document}"


def table(metrics, offset):
    """Eight items, `offset` apart from other systems, with chance and mono."""
    spread = np.linspace(0.2, 0.3, 8) + offset
    return sd.ScoreTable.from_scores(
        {m: {(f"item {i}", ""): sd.Score(v) for i, v in enumerate(spread)} for m in metrics},
        direction={m: "up" if m == "sim" or m.endswith("cos") else "down" for m in metrics},
        unit=dict.fromkeys(metrics, ""),
        chance={m: 0.5 for m in metrics if "/" in m},
        mono={m: 0.4 for m in metrics if m.endswith("mae")},
        notes=("the reference is dry, 100 % of it",),
    )


def comparison(layout, other="F5-TTS"):
    systems = ("Recording", other, "ISDrama (ours)")
    metrics = OBJECTIVE[layout]
    base = -0.5 if layout == "ablation" else 3.0
    ratings = [
        {"listener": f"L{n}", "system": s, "item": i, "question": q,
         "score": base + 0.5 * k + 0.1 * (n % 2)}
        for q in QUESTIONS[layout] for k, s in enumerate(systems) for n in range(8)
        for i in range(3)
    ]  # fmt: skip
    return sd.compare(
        {s: table(metrics, 0.1 * k) for k, s in enumerate(systems)},
        layout=layout, ratings=ratings, ceiling="Recording", baseline="ISDrama (ours)",
    )  # fmt: skip


def without_comments(text):
    return "\n".join(line for line in text.splitlines() if not line.startswith("%"))


def check_structure(text, columns):
    """What TeX would stumble over: braces, environments, columns of each row, bare specials."""
    text = without_comments(text)
    bare = re.sub(r"\\[\\&%$#_{}]", "", text)
    depth = 0
    for character in bare:
        depth += {"{": 1, "}": -1}.get(character, 0)
        assert depth >= 0
    assert depth == 0
    opened = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            opened.append(name)
        else:
            assert opened.pop() == name
    assert not opened
    spec = re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1]
    assert len(spec) == columns + 1
    rows = [line for line in text.splitlines() if line.endswith(r"\\")]
    for row in rows:
        wide = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d)\}", row))
        assert len(re.findall(r"(?<!\\)&", row)) + wide == columns
    # "&" separates columns, "%" ends the resizebox line, "$" comes in pairs, "^" inside them.
    assert len(re.findall(r"(?<!\\)%", text)) == 1
    plain = re.sub(r"\$[^$\n]*\$", "", re.sub(r"\\\$", "", text))
    plain = plain.replace(r"\ifdim\width>\linewidth", "")
    assert "$" not in plain
    assert not re.search(r'(?<!\\)[#_^~"|<>]', plain)
    return rows


@pytest.mark.parametrize("intervals", [False, True])
@pytest.mark.parametrize("other", ["F5-TTS", ODD])
@pytest.mark.parametrize("layout", OBJECTIVE)
def test_structure(layout, other, intervals):
    columns = len(OBJECTIVE[layout]) + len(QUESTIONS[layout])
    text = comparison(layout, other).to_latex(intervals=intervals, label=f"tab:{layout}")
    rows = check_structure(text, columns)
    extra = {"speech": 0, "binaural": 2, "ablation": 1}[layout]  # chance and mono
    assert len(rows) == 2 + 3 + extra
    assert text.startswith(r"% needs \usepackage{booktabs,graphicx}")


def test_a_minus_is_no_hyphen():
    text = comparison("ablation").to_latex(intervals=True)
    assert "$-$0.45" in text
    assert not re.search(r"[ &({]-\d", without_comments(text))


def test_letters_that_pdflatex_lacks_are_said_first():
    first = comparison("speech", "中文系统").to_latex().splitlines()[0]
    assert first.startswith("% pdfLaTeX has no 中 ")
    assert "XeLaTeX" in first
    assert not comparison("speech", "Système à 2").to_latex().startswith("% pdfLaTeX")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
@pytest.mark.parametrize("intervals", [False, True])
@pytest.mark.parametrize("layout", OBJECTIVE)
def test_it_compiles_and_fits_the_page(layout, intervals, tmp_path):
    text = comparison(layout, ODD).to_latex(intervals=intervals)
    (tmp_path / "t.tex").write_text(PAGE % f"\n{text}\n", encoding="utf-8")
    made = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path, check=False, capture_output=True, text=True, errors="replace",
    )  # fmt: skip
    assert made.returncode == 0, made.stdout[-2000:]
    assert "Overfull" not in made.stdout
    assert "Missing character" not in made.stdout
