"""A stranger's Verilog-A: one memristor goes in, and no file, command, print or cell of ours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.memristors import verilog
from crossbar.errors import HopbarError, InvalidValue, UnknownName

MEMRISTOR = """\
/* a memristor
   of two lines */
`include "constants.vams"
`include "disciplines.vams"
`define CLIP(x) \\
   min(max(x, 0), 1) // a comment
(* desc="it drifts; slowly" *)
module Drifting(p, n);
  inout p, n;
  electrical p, n, x;
  (* desc="where it begins", type="instance" *) parameter real X0 = 0.5 from [0:1];
  parameter real g_off = 1e-6, g_on = max(1e-4, 1e-5);
  parameter integer kind = 1;
  aliasparam begun = X0;
  analog begin
    if (analysis("static")) V(x) <+ X0;
    I(p, n) <+ V(p, n) * (g_off + (g_on - g_off) * `CLIP(V(x))) * $exp(0 * `M_PI);
  end
endmodule
"""


def test_modules_are_read_and_renamed():
    found = verilog.read(MEMRISTOR)
    one = found.chosen(None)
    assert (one.name, one.pins, one.electrical) == ("drifting", ("p", "n"), {"p", "n", "x"})
    assert one.parameters == ("x0", "g_off", "g_on", "kind", "begun")
    assert "module own_drifting(p, n);" in found.text
    assert "comment" not in found.text
    assert "of two lines" not in found.text
    assert found.text.count("\n") == MEMRISTOR.count("\n")  # the compiler's lines are the file's


def test_pins_may_be_declared_in_the_head():
    text = "module m(inout electrical p, n, output electrical x);\nanalog I(p, n) <+ V(p, n);\nendmodule"
    assert verilog.read(text).chosen(None).electrical == {"p", "n", "x"}


def inside(*lines, head="module m(p, q);", outside=""):
    return "\n".join([outside, head, "electrical p, q; parameter real x0 = 1;", *lines, "endmodule"])


FILES = [f'{task}("/etc/passwd", 1);' for task in ("$fopen", "$readmemh", "$table_model", "$system")]
PRINTS = [f'{task}("x");' for task in ("$fdisplay", "$fstrobe", "$fwrite", "$strobe", "$display", "$warning", "$fatal")]


@pytest.mark.parametrize("line", [*FILES, *PRINTS, "$finish;", "$stop;", "$random;", "$noise_table;"])
def test_system_tasks_are_refused(line):
    with pytest.raises(InvalidValue, match=r"line 4 cannot be taken, a memristor computes, and neither reads files"):
        verilog.read(inside(f"analog begin {line} end"))


@pytest.mark.parametrize(("text", "says"), [
    ("", "there is no module"), ("// nothing", "there is no module"), ("/* endless", "the comment never ends"),
    (inside('`include "/etc/passwd"'), "include constants.vams and disciplines.vams only"),
    (inside('`include "../disciplines.vams"'), "include constants.vams and disciplines.vams only"),
    (inside(outside='`define A "disciplines.vams"\n`include `A'), "quotes|include constants.vams"),
    (inside("`line 1"), "no macro of this text"), (inside("`unknown"), "no macro of this text"),
    (inside(outside="`define include x"), "none of a directive|include constants"),
    (inside(outside="`define f(x) $fopen(x)"), "neither reads files"),
    (inside(outside="`define f fop\n`define g `f``en"), "no memristor needs"),
    (inside(outside="`define E endmodule"), "in no macro"),
    (inside(outside="`define M module n(p, q);"), "in no macro"),
    (inside("analog begin real x; x = \"a\"; end"), "quotes belong"),
    (inside("analog I(p, q) <+ noise_table(\"f\");"), "quotes belong"),
    (inside("string s = \"open"), "no memristor needs"), (inside("\\escaped = 1;"), "no memristor needs"),
    (inside("x = y.z;"), "no memristor needs"), (inside("r #(1) r1(p, q);"), "no memristor needs"),
    (inside("x = 1\x00;"), "no memristor needs"), (inside("x = µ;"), "no memristor needs"),
    (inside(outside="nature Mine endnature"), "move it into a module"), ("endmodule", "move it into a module"),
    (inside("module n(p, q);"), "a module within"), ("module m(p, q);\nelectrical p, q;", "never ended"),
    ("module m; endmodule", "must read"), ("module (p, q); endmodule", "must read"),
    ("module m(p, q) endmodule", "must read"),
    ("module m(p, ); endmodule", "names with commas"), (inside(head="module `M_PI(p, q);"), "must read"),
    (inside() + "\n" + inside(head="module M(p, q);"), "line 6 cannot be taken, a module of this name was defined"),
    (inside("parameter real X0 = 2;"), "large and small letters"),
    (inside(head="module hopbar_neuron(p, q);"), "of Hopbar's cells"), (inside("real hopbar_x;"), "of Hopbar's cells"),
    ("x" * 65_537, "65,536 characters"),
])  # fmt: skip
def test_what_is_no_memristor_is_refused_by_its_line(text, says):
    with pytest.raises(InvalidValue, match=says):
        verilog.read(text)


def test_a_text_of_open_comments_is_refused_at_once():
    with pytest.raises(InvalidValue, match="never ends"):
        verilog.read("/* " * 20_000)


def test_the_memristor_is_chosen():
    two = verilog.read(
        "module a(p, q); electrical p, q; endmodule\nmodule B(p, q, s, t); electrical p, q; endmodule\n"
        "module c(p, x, q); electrical p, q; thermal x; endmodule\nmodule d(p); electrical p; endmodule"
    )
    with pytest.raises(InvalidValue, match="say which module"):
        two.chosen(None)
    for name in ("B", "c", "d"):
        with pytest.raises(InvalidValue, match="two electrical pins"):
            two.chosen(name)
    with pytest.raises(UnknownName, match="unknown module 'e'"):
        two.chosen("e")
    assert two.chosen("A").name == "a"


@given(st.lists(st.sampled_from([
    "module", "m", "(", "p", ",", "q", ")", ";", "endmodule", "electrical", "parameter", "=", "1", "\n", " ",
    "`define", "`include", '"disciplines.vams"', "(*", "*)", "//", "/*", "*/", "$fopen", "`m", "\\\n",
]), max_size=60).map(" ".join))  # fmt: skip
def test_any_text_is_read_or_refused(text):
    try:
        found = verilog.read(text)
    except HopbarError:
        return
    assert "$fopen" not in found.text
    assert "//" not in found.text
    assert found.text.count("own_") == len(found.modules)
