"""The operational amplifier against its own equation, in ngspice."""

import re
import subprocess

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from circuits.cells.opamp import opamp

pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_ngspice")]
GAIN, BANDWIDTH, SUPPLY, SWING, SLEW = 1e4, 1e6, 2.5, 0.9, 1e7
PARAMETERS = {
    "open_loop_gain": GAIN, "gain_bandwidth": BANDWIDTH, "v_supply": SUPPLY, "swing": SWING, "slew_rate": SLEW,
    "v_offset": 0.0, "r_out": 100.0,
}  # fmt: skip


def measured(cards: str, folder, **changed: float) -> dict[str, float]:
    told = "".join(f".param {name}={value!r}\n" for name, value in (PARAMETERS | changed).items())
    text = f"* an amplifier\n{told}{opamp()}{cards}.options reltol=1e-6 vntol=1e-12 abstol=1e-15\n.end\n"
    (folder / "amplifier.cir").write_text(text)
    run = subprocess.run(
        ["ngspice", "-n", "-b", "amplifier.cir"], cwd=folder, capture_output=True, text=True, timeout=60, check=True
    )
    return {name: float(value) for name, value in re.findall(r"^(\w+)\s+=\s+(\S+)", run.stdout, re.MULTILINE)}


def test_a_follower_settles_with_the_pole_of_its_loop(tmp_path):
    """x' = 2 pi f (u - x - x / A): it rests at u A / (A + 1), and gets there with the rate 2 pi f (1 + 1 / A)."""
    times = np.array([0.1, 0.2, 0.5, 2.0]) * 1e-6
    asked = "".join(f".meas tran v{k} find v(o) at={at!r}\n" for k, at in enumerate(times.tolist()))
    found = measured(f"Vin i 0 1e-3\nXa i o o opamp\n.tran 1e-9 3e-6 0 2e-9 uic\n{asked}", tmp_path)
    rest, rate = 1e-3 * GAIN / (GAIN + 1), 2 * np.pi * BANDWIDTH * (1 + 1 / GAIN)
    expected = rest * (1 - np.exp(-rate * times))
    np.testing.assert_allclose([found[f"v{k}"] for k in range(4)], expected, rtol=1e-4)


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_its_output_ends_within_the_supply(sign, tmp_path):
    end = ".tran 1e-8 1e-3 0 1e-5 uic\n.meas tran v find v(o) at=0.999e-3\n"
    assert measured(f"Vin i 0 {sign * 10!r}\nXa i o o opamp\n{end}", tmp_path)["v"] == pytest.approx(
        sign * SWING * SUPPLY, rel=1e-3
    )


def test_its_gain_falls_to_one_at_the_gain_bandwidth(tmp_path):
    asked = "".join(f".meas ac g{k} find vm(o) at={at!r}\n" for k, at in enumerate((1e1, 1e6, 1e7)))
    found = measured(f"Vin i 0 dc 0 ac 1\nXa i 0 o opamp\n.ac dec 10 1 1e8\n{asked}.print ac vm(o)\n", tmp_path)
    expected = [GAIN / np.hypot(1, at * GAIN / BANDWIDTH) for at in (1e1, 1e6, 1e7)]
    np.testing.assert_allclose([found[f"g{k}"] for k in range(3)], expected, rtol=1e-3)


def test_no_output_moves_faster_than_its_slew_rate(tmp_path):
    """A step of 2 V: x' = S tanh(2 pi f e / S) - 2 pi f x / A, which is S until e falls to S / (2 pi f)."""
    times = np.array([0.5, 1.0, 1.5]) * 1e-6
    asked = "".join(f".meas tran v{k} find v(o) at={at!r}\n" for k, at in enumerate(times.tolist()))
    cards = f"Vin i 0 2\nXa i o o opamp\n.tran 1e-9 2e-6 0 2e-9 uic\n{asked}"
    fast, slow = measured(cards, tmp_path), measured(cards, tmp_path, slew_rate=1e6)
    assert fast["v0"] > 1.5

    def rate(_, v):
        return SLEW * np.tanh(2 * np.pi * BANDWIDTH * (2 - out(v)) / SLEW) - 2 * np.pi * BANDWIDTH * v / GAIN

    def out(v):
        return SWING * SUPPLY * np.tanh(v / (SWING * SUPPLY))

    np.testing.assert_allclose([slow[f"v{k}"] for k in range(3)], out(1e6 * times), rtol=2e-3)
    exact = solve_ivp(rate, (0, 2e-6), [0.0], t_eval=times, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose([fast[f"v{k}"] for k in range(3)], out(exact.y[0]), rtol=1e-3)


@pytest.mark.parametrize("offset", [1e-3, -2e-3])
def test_its_offset_is_added_to_what_it_follows(offset, tmp_path):
    end = ".tran 1e-8 1e-4 0 1e-6 uic\n.meas tran v find v(o) at=0.99e-4\n"
    found = measured(f"Vin i 0 0.1\nXa i o o opamp\n{end}", tmp_path, v_offset=offset)["v"]
    x = SWING * SUPPLY * np.arctanh(found / (SWING * SUPPLY))
    assert found == pytest.approx(0.1 + offset - x / GAIN, rel=1e-4)


def test_a_load_takes_of_an_open_loop_and_hardly_of_a_closed_one(tmp_path):
    end = ".tran 1e-8 1e-4 0 1e-6 uic\n.meas tran v find v(o) at=0.99e-4\n"
    closed = measured(f"Vin i 0 0.1\nXa i o o opamp\nRl o 0 1e3\n{end}", tmp_path, r_out=1e3)["v"]
    assert closed == pytest.approx(0.1, rel=5e-4)
    cards = ".ac dec 10 1 10\n.meas ac v find vm(o) at=1\n.print ac vm(o)\n"
    lone = measured(f"Vin i 0 dc 0 ac 1e-6\nXa i 0 o opamp\n{cards}", tmp_path, r_out=1e3)["v"]
    loaded = measured(f"Vin i 0 dc 0 ac 1e-6\nXa i 0 o opamp\nRl o 0 1e3\n{cards}", tmp_path, r_out=1e3)["v"]
    assert loaded == pytest.approx(lone / 2, rel=1e-3)
