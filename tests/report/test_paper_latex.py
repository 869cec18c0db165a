"""A table as LaTeX: whatever names hold, it compiles; intervals and shared headers have a line."""

import shutil
import subprocess

import pytest

from gamdss.report.paper_files import paper_markdown
from gamdss.report.paper_latex import latex, paper_latex
from gamdss.report.paper_table import Cell, Column, PaperRow, PaperTable

NASTY = "[a_b] 5% & {x} \\ ~ ^ # $ ± λ α 漢 é"
SELECTIONS = ("final epoch", "oracle")
TABLE = PaperTable(
    name="two_rows",
    caption=f"A caption: {NASTY}",
    label_titles=("backbone", "method"),
    columns=(
        Column("parameters", "parameters", digits=0),
        *(Column(f"uf1_{name}", "UF1", name) for name in SELECTIONS),
        Column("difference", "ΔUF1", "oracle", signed=True),
    ),
    rows=(
        PaperRow(("one", NASTY), {"parameters": Cell(12345), "uf1_oracle": Cell(0.5, best=True)}),
        PaperRow(("one", "with"), {"difference": Cell(-0.25, (-0.5, 0.125), spread=0.01)}),
        PaperRow((NASTY, "a|b"), {}, {"source": NASTY}),
    ),
    text_titles={"source": "source"},
    notes=(NASTY,),
)


def test_lines_of_a_table():
    lines = paper_latex(TABLE).splitlines()
    head = lines.index(r"\toprule") + 1
    assert lines[head] == (
        r" &  & \multicolumn{1}{c}{} & \multicolumn{1}{c}{final epoch} & "
        r"\multicolumn{2}{c}{oracle} &  \\"
    )
    assert lines[head + 1] == r"\cmidrule(lr){4-4} \cmidrule(lr){5-6}"
    body = lines[lines.index(r"\midrule") + 1 : lines.index(r"\bottomrule")]
    assert body[0].startswith("one & {}[a")
    assert r"& 12,345 &  & \textbf{0.500} &" in body[0]
    minus = r"\ensuremath{-}"
    assert body[1] == rf" & with &  &  &  & {minus}0.250 $\pm$ 0.010 &  \\"
    assert body[2] == rf" &  &  &  &  & {{\scriptsize ({minus}0.500 to +0.125)}} &  \\[3pt]"
    assert body[3] == r"\addlinespace"
    assert len(body) == 5


def test_no_second_header_where_nothing_is_shared():
    plain = PaperTable("x", "c", ("way",), (Column("a", "a"),), (PaperRow(("r",), {}),))
    text = paper_latex(plain)
    assert r"\cmidrule" not in text
    assert r"\begin{table}[t]" in text


def test_markdown_keeps_its_columns():
    rows = [line for line in paper_markdown(TABLE).splitlines() if line.startswith("|")]
    assert r"a\|b" in rows[-1]
    assert "UF1, oracle" in rows[0]
    assert len({line.replace(r"\|", "").count("|") for line in rows}) == 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no LaTeX here")
def test_it_compiles(tmp_path):
    head = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"
    source = "\n".join((head, paper_latex(TABLE), latex(NASTY), r"\end{document}"))
    (tmp_path / "page.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 0
