"""A stranger's SPICE text: one memristor goes in, and no file, command or endless netlist."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from circuits.memristors import subcircuit
from crossbar.errors import HopbarError, InvalidValue, UnknownName

MEMRISTOR = """\
* a memristor
.SUBCKT Memristor Plus Minus PARAMS: Ron=10K Rinit = 500K $ a comment
+ Roff=1MEG
Xinner plus a inner r={ Ron + 1 }
Gx 0 x value={I(Emem)*Ron} ; another
.ENDS Memristor

.subckt inner p q r=1
R1 p q {r}
.ends
.end
this is after the end
"""


def test_definitions_are_read_and_renamed():
    found = subcircuit.read(MEMRISTOR)
    one = found.chosen(None)
    assert (one.name, one.pins, one.parameters) == ("memristor", ("plus", "minus"), ("ron", "rinit", "roff"))
    assert found.text.splitlines() == [
        ".subckt own_memristor plus minus ron=10k rinit=500k roff=1meg", "xinner plus a own_inner r={ron+1}",
        "gx 0 x value={i(emem)*ron}", ".ends own_memristor", ".subckt own_inner p q r=1", "r1 p q {r}",
        ".ends own_inner",
    ]  # fmt: skip


def inside(*lines):
    return "\n".join([".subckt m p q x0=1", *lines, ".ends"])


@pytest.mark.parametrize(("text", "says"), [
    ("", "no subcircuit"), ("R1 a b 1", "line 1 cannot be taken, move it into a subcircuit"),
    (inside(".include /etc/passwd"), "line 2"), (inside(".lib 'x' tt"), "line 2"), (inside(".control"), "line 2"),
    (inside("A1 a b filesource"), "of elements"), (inside("N1 p q thing"), "of elements"),
    (inside("R1 p q 1", "+ `rm -rf`"), "no memristor needs"), (inside('R1 p q "1"'), "no memristor needs"),
    (inside("R1 p q 1\x00"), "no memristor needs"), (inside("Rµ p q 1"), "no memristor needs"),
    ("+ x", "continues nothing"), (".subckt m p q\nR1 p q 1", "never ended"),
    (".subckt m p q\n.subckt n p q\n.ends\n.ends", "definition within"), (".ends", "move it into"),
    (".subckt m\n.ends", "must read"), (inside("X1 p q m"), "uses itself"), (inside("X1 p q other"), "does not define"),
    (inside("R1 p q 1") + "\n" + inside("R1 p q 1"), "defined before"), (inside(".save v(p)"), "control lines"),
    (inside("R1 p q 1" * 10_000), "characters"),
])  # fmt: skip
def test_what_is_no_memristor_is_refused_by_its_line(text, says):
    with pytest.raises(InvalidValue, match=says):
        subcircuit.read(text)


def test_text_that_grows_without_end_is_refused():
    doubling = [f".subckt s{k} p q\nX1 p q s{k + 1}\nX2 p q s{k + 1}\n.ends" for k in range(18)]
    with pytest.raises(InvalidValue, match="more than 10,000 cards"):
        subcircuit.read("\n".join([*doubling, ".subckt s18 p q\nR1 p q 1\n.ends"]))
    chain = [f".subckt s{k} p q\nX1 p q s{k + 1}\n.ends" for k in range(30)]
    with pytest.raises(InvalidValue, match="more than 20 deep"):
        subcircuit.read("\n".join([*chain, ".subckt s30 p q\nR1 p q 1\n.ends"]))


def test_the_memristor_is_chosen():
    two = subcircuit.read(".subckt a p q\nR1 p q 1\n.ends\n.subckt b p q s t\nR1 p q 1\n.ends")
    with pytest.raises(InvalidValue, match="say which subcircuit"):
        two.chosen(None)
    with pytest.raises(InvalidValue, match="has two pins"):
        two.chosen("b")
    with pytest.raises(UnknownName, match="unknown subcircuit 'c'"):
        two.chosen("c")
    assert two.chosen("A").name == "a"


@given(st.text(alphabet=".subcktends XRp q0=\n+*{}'$;/a1", max_size=300))
def test_any_text_is_read_or_refused(text):
    try:
        found = subcircuit.read(text)
    except HopbarError:
        return
    assert all(line.split()[0] in (".subckt", ".ends", ".param", ".func", ".model") or line[0] in subcircuit.ELEMENTS
               for line in found.text.splitlines())  # fmt: skip
