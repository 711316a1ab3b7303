"""The operational amplifier against its own equation, in ngspice."""

import re
import subprocess

import numpy as np
import pytest

from circuits.cells.opamp import opamp

pytestmark = [pytest.mark.spice, pytest.mark.usefixtures("needs_ngspice")]
GAIN, BANDWIDTH, SUPPLY, SWING = 1e4, 1e6, 2.5, 0.9
PARAMETERS = (
    f".param open_loop_gain={GAIN!r}\n.param gain_bandwidth={BANDWIDTH!r}\n"
    f".param v_supply={SUPPLY!r}\n.param swing={SWING!r}\n"
)


def measured(cards: str, folder) -> dict[str, float]:
    text = f"* an amplifier\n{PARAMETERS}{opamp()}{cards}.options reltol=1e-6 vntol=1e-12 abstol=1e-15\n.end\n"
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
