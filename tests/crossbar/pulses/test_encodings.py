"""The encodings of a contrast: what they send, what they cost."""

import numpy as np
import pytest

from crossbar.devices import law as devices
from crossbar.errors import InvalidValue, UnknownName
from crossbar.pulses.encodings import ENCODINGS, Contrast, Factorised, SignPulses, TwoPhase, encoding
from crossbar.pulses.engines import mirror

pytestmark = pytest.mark.needs_jit


def nudged(rng, batch=8, size=40, displacement=0.03):
    free = rng.random((batch, size))
    return free + displacement * rng.standard_normal((batch, size)), free


def square(rng, **kind):
    plus, free = nudged(rng, **kind)
    return Contrast(rows=plus, columns=plus, rows_free=free, columns_free=free)


@pytest.mark.parametrize("kind", [Factorised, TwoPhase])
def test_passes_sum_to_the_contrast_exactly(rng, kind):
    rows, rows_free = nudged(rng, size=12)
    columns, columns_free = nudged(rng, size=17)
    contrast = Contrast(rows=rows, columns=columns, rows_free=rows_free, columns_free=columns_free)
    left, right = kind().passes(contrast)
    assert left.T @ right == pytest.approx(contrast.matrix(), abs=1e-12)


@pytest.mark.parametrize("name", ["factorised", "two-phase", "digital-difference"])
@pytest.mark.parametrize("shared", [True, False])
def test_encodings_send_the_contrast_on_average(rng, name, shared):
    contrast = square(rng, displacement=0.2)
    law = devices.law("constant", dw_min=0.002, w_max=20.0, w_min=-20.0)
    upper = np.triu_indices(40, 1)
    total = np.zeros((40, 40))
    for _ in range(40):
        state = mirror(law.sample((40, 40), rng))
        sender = encoding(name).send_shared if shared else encoding(name).send
        sender(state, contrast, rate=0.01, rng=rng)
        total += state.visible / 40
    wanted = 0.01 * contrast.matrix()[upper]
    assert np.sum(total[upper] * wanted) / np.sum(wanted**2) == pytest.approx(1, abs=0.06)
    assert not shared or (total == total.T).all()


def test_factorised_sends_far_fewer_pulses(rng):
    contrast = square(rng, batch=16, displacement=0.03)
    law = devices.law("constant", dw_min=0.001)
    pulses = {}
    for name in ENCODINGS:
        state = mirror(law.sample((40, 40), rng))
        pulses[name] = encoding(name).send_shared(state, contrast, rate=0.01, rng=rng).pulses
    # research/devices.md section 5: about 21 times at a displacement of .03, half of the units active there
    assert pulses["two-phase"] > 8 * pulses["factorised"]
    assert pulses["factorised"] > 2 * pulses["digital-difference"]
    assert pulses["sign"] == 40 * 39 / 2


def test_sign_gives_one_pulse_by_sign(rng):
    contrast = square(rng)
    state = devices.law("constant", dw_min=0.001, dw_min_std=0.0).sample((40, 40), rng)
    report = SignPulses(threshold=0.5).send(state, contrast, rate=0.02, rng=rng)
    wanted = 0.02 * contrast.matrix() / 0.001
    assert state.visible == pytest.approx(0.001 * np.sign(wanted) * (np.abs(wanted) > 0.5))
    assert report.pulses == np.sum(np.abs(wanted) > 0.5)
    assert report.engine == "counts"


def test_wrong_contrasts_are_refused(rng):
    plus, free = nudged(rng)
    with pytest.raises(InvalidValue, match="same shape"):
        Contrast(rows=plus, columns=plus, rows_free=free[:, 1:], columns_free=free)
    with pytest.raises(InvalidValue, match="one batch"):
        Contrast(rows=plus, columns=plus[1:], rows_free=free, columns_free=free[1:])
    with pytest.raises(InvalidValue, match="threshold"):
        SignPulses(threshold=-1.0)
    with pytest.raises(UnknownName, match="factorised"):
        encoding("factorized")
