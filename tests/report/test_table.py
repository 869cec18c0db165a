"""A table in every form: any text is escaped; intervals and shared headers have their line."""

import shutil
import subprocess

import pytest

from gamdss.report.table import Cell, Column, Table, csv, html, markdown_with_caption, terminal
from gamdss.report.table_files import latex, latex_table

NASTY = "[a_b] 5% & {x} \\ ~ ^ # $ ± λ α 漢 é"
SELECTIONS = ("final epoch", "oracle")
TABLE = Table(
    [
        *(Column("backbone", "label"), Column("method", "label")),
        Column("parameters", form=",.0f"),
        *(Column("UF1", key=f"uf1_{name}", group=name) for name in SELECTIONS),
        Column("ΔUF1", group="oracle", form="+.3f"),
        Column("source", "text"),
    ],
    [
        ["one", NASTY, 12345.0, None, Cell(0.5, bold=True), None, ""],
        ["one", "with", None, None, None, Cell(-0.25, (-0.5, 0.125), spread=0.01), ""],
        [NASTY, "a|b", None, None, None, None, NASTY],
    ],
    caption=f"A caption: {NASTY}",
    name="two_rows",
    notes=(NASTY,),
    minus="−",
)


def test_lines_of_a_table():
    lines = latex_table(TABLE).splitlines()
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
    plain = Table([Column("way", "label"), Column("a")], [["r", None]])
    text = latex_table(plain)
    assert r"\cmidrule" not in text
    assert r"\begin{table}[t]" in text


def test_markdown_keeps_its_columns():
    rows = [line for line in markdown_with_caption(TABLE).splitlines() if line.startswith("|")]
    assert r"a\|b" in rows[-1]
    assert "UF1, oracle" in rows[0]
    assert len({line.replace(r"\|", "").count("|") for line in rows}) == 1


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="LaTeX is not installed")
def test_it_compiles(tmp_path):
    head = r"\documentclass{article}\usepackage{booktabs,graphicx}\begin{document}"
    source = "\n".join((head, latex_table(TABLE), latex(NASTY), r"\end{document}"))
    (tmp_path / "page.tex").write_text(source, encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 0


def test_the_terminal_aligns_plain_numbers_to_the_right():
    table = Table(
        [Column("", "label"), Column("clips"), Column("UF1"), Column("p", form=".2g")],
        [["a", 7, Cell(0.5, (0.25, 0.75)), 0.012345], ["b", 12, 0.25, None]],
    )
    assert terminal(table).splitlines() == [
        "      clips  UF1                         p",
        "--  -------  ----------------------  -----",
        "a         7  0.500 (0.250 to 0.750)  0.012",
        "b        12  0.250",
    ]


def test_html_escapes_texts_and_csv_has_every_number():
    columns = [Column("", "label"), Column("UF1"), Column("note", "text", wrap=True)]
    cell = Cell(-1 / 3, (-0.5, 0.25), 0.1, bold=True)
    table = Table(columns, [["<a>", cell, "x & y"], ["b", 1.0, None]], caption="A <b>")
    text = html(table)
    assert '<th scope="row">&lt;a&gt;</th>' in text
    assert '<td class="number"><b>-0.333 ± 0.100\n(-0.500 to 0.250)</b></td>' in text
    assert '<td class="wrap">x &amp; y</td>' in text
    assert 'aria-label="A &lt;b&gt;"' in text
    assert csv(table).splitlines() == [
        "name,UF1,UF1_low,UF1_high,UF1_spread,note",
        "<a>,-0.3333333333333333,-0.5,0.25,0.1,x & y",
        "b,1.0,,,,",
    ]
