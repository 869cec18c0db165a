"""Names with control characters, tags, formulas, and letters that a terminal lacks."""

import io
import logging
import sys

import pytest

from gamdss.cli import _Formatter, main
from gamdss.config.command_line import exit_on_mistake, safe_output
from gamdss.errors import FrameError, printable
from gamdss.files import without_formula, write_csv
from gamdss.report.table import Column, Table, csv, html, markdown, markdown_text, terminal

HOSTILE = "a\x1b[2Jb\rc\x07\u202ed\x9b"
CONTROL = set("\x1b\r\x07\u202e\x9b")


def test_errors_and_logs_show_control_characters_as_escapes():
    error = FrameError(f"clip {HOSTILE}\nerror", file=f"/data/{HOSTILE}\n.jpg")
    assert not CONTROL & set(str(error))
    assert r"\x1b[2Jb\rc\x07\u202ed\x9b" in str(error)
    assert str(error).count("\n") == 1  # that of the problem
    record = logging.LogRecord("gamdss", logging.WARNING, "", 1, "clip %s", (HOSTILE,), None)
    assert not CONTROL & set(_Formatter().format(record))
    assert printable("plain 李 é\n", keep="\n") == "plain 李 é\n"


def test_whatever_is_printed_is_escaped(capsys):
    with safe_output():
        print(HOSTILE, "tab\t|")
    shown = capsys.readouterr().out
    assert not CONTROL & set(shown)
    assert shown.endswith(" tab\t|\n")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_any_terminal_shows_any_name(monkeypatch, encoding):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding) for _ in range(2))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)

    def run():
        with exit_on_mistake():
            print("李", "é", "±")
            raise FrameError("clip 李 has no folder")

    with pytest.raises(SystemExit):
        run()
    for stream in (out, err):
        stream.flush()
        shown = stream.buffer.getvalue().decode(encoding)
        assert ("李" if encoding == "utf-8" else "\\u674e") in shown


def test_check_prints_chinese_names_on_an_ascii_terminal(tmp_path, monkeypatch):
    file = tmp_path / "李.csv"
    file.write_text("subject,clip,onset,offset,emotion\n李,一,1,9,joy\n王,二,1,9,fear\n", "utf-8")
    out = io.TextIOWrapper(io.BytesIO(), "ascii")
    monkeypatch.setattr(sys, "stdout", out)
    words = ["check", "--dataset", "csv", "--annotations", str(file), "--task", "c2"]
    assert main([*words, "--data-root", str(tmp_path)]) == 1
    out.flush()
    assert b"\\u674e.csv" in out.buffer.getvalue()


TABLE = Table(
    [Column("clip", "label"), Column("n")],
    [["<img src=x onerror=y>|z", 1], ["=1+2", 2], ["@a", -3], ["p < 0.1", 4], [HOSTILE, 5]],
)


def test_tables_hold_names_as_text():
    shown = markdown(TABLE)
    assert "<img" not in shown
    assert r"\|z" in shown
    assert "p < 0.1" in shown
    assert markdown_text("a <b>|") == r"a &lt;b>\|"
    assert "<img" not in html(TABLE)
    for text in (shown, terminal(TABLE)):
        assert not CONTROL & set(text)
    assert "\n'=1+2," in csv(TABLE)
    assert "\n'@a,-3" in csv(TABLE)


@pytest.mark.parametrize("cell", ["=1+2", "@SUM(A1)", "+cmd|' /C calc'!A0", "-2+3", "\t=1", "\r=1"])
def test_formulas_are_quoted_in_csv(tmp_path, cell):
    write_csv(tmp_path / "t.csv", [["name"], [cell]])
    (_, line) = (tmp_path / "t.csv").read_text().split("\n", 1)
    assert line.strip('"').startswith("'")


@pytest.mark.parametrize("cell", ["-3", "+4", "-0.5", "-1e-3", "-", "--", "4+7", "L12", "", -3])
def test_other_cells_are_left_as_they_are(cell):
    assert without_formula(cell) == cell
