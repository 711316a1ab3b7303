"""Lines in pipes and log files are not wrapped; a terminal says itself how wide it is."""

from rich.table import Table

from crossbar import console


def test_lines_of_a_log_do_not_wrap(capsys):
    line = "x" * console.WIDTH
    console.stdout().print(line)
    console.stderr().print(line)
    printed = capsys.readouterr()
    assert printed.out == printed.err == line + "\n"


def test_a_wider_pipe_stays_as_wide(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    console.stdout().print("x" * 200)
    assert capsys.readouterr().out == "x" * 200 + "\n"


def test_a_terminal_is_as_wide_as_it_says(capsys, monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")  # rich's own sign of a terminal
    monkeypatch.setenv("COLUMNS", "40")
    table = Table("quantity", "value")
    table.add_row("x" * 60, "1")
    console.stdout().print(table)
    assert max(len(line) for line in capsys.readouterr().out.splitlines() if "\x1b" not in line) <= 40
