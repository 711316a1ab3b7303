"""A flow taught on devices: exact ones learn what floats do, real ones stay on their grid, noisy reads are refused."""

import numpy as np
import pytest

from crossbar.errors import InvalidValue
from hvae.config.array import ArraySettings
from hvae.config.flow import Teaching
from hvae.flows.course import Course
from hvae.flows.pulsed import PulsedCourse, check

SAMPLES = np.random.default_rng(0).normal(size=(60, 3))
TEACHING = Teaching(hidden=6, times=4, steps=20, batch=16, pool=32)


def taught(device, **settings):
    chosen = ArraySettings(device=device, rule="mixed-precision", weight_limit=3.0, **settings)
    return PulsedCourse.begin(SAMPLES, TEACHING, chosen, 0)


@pytest.mark.needs_jit
def test_exact_devices_learn_what_floats_learn():
    floats, pulsed = Course.begin(SAMPLES, TEACHING, 0), taught("ideal")
    for _ in range(20):
        assert pulsed.advance() == pytest.approx(floats.advance(), rel=1e-4)
    # a step of exact devices is 2^-20 of the weight limit, and one may be outstanding
    np.testing.assert_allclose(pulsed.parameters["flow"], floats.parameters["flow"], atol=2e-4)
    assert pulsed.array.counters.updates == 20


@pytest.mark.needs_jit
@pytest.mark.parametrize("gains", ["equal", "mean-square"])
def test_devices_that_take_pulses_hold_what_the_flow_has(gains):
    course = taught("epiram", line_gains=gains)
    before = course.parameters["flow"].copy()
    for _ in range(20):
        course.advance()
    assert course.finished
    held = course.conductances()["flow"]
    np.testing.assert_allclose(held.weights(), course.flow.field.weights, atol=1e-5)
    assert np.abs(held.weights() - before).max() > 0.01
    np.testing.assert_array_equal(held.weights(), held.weights().T)


@pytest.mark.needs_jit
def test_a_course_on_devices_goes_on_from_any_step():
    whole, first = taught("epiram"), taught("epiram")
    losses = [whole.advance() for _ in range(8)]
    for _ in range(3):
        first.advance()
    kept = {name: np.array(one) for name, one in first.memory.items()}
    second = taught("epiram")
    second.restore(3, first.parameters, kept)
    assert [second.advance() for _ in range(5)] == losses[3:]
    np.testing.assert_array_equal(second.parameters["flow"], whole.parameters["flow"])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"rule": "pulsed-sgd"}, "array.rule mixed-precision"),
        ({"symmetry": "two-device"}, "leave `array.symmetry` at shared"),
        ({"read_noise": 0.01}, "leave out `array.read_noise`"),
        ({"adc_bits": 8}, "leave out `array.adc_bits`"),
        ({"wire_resistance": 1.0}, "leave out `array.wire_resistance`"),
    ],
)
def test_arrays_that_no_flow_is_taught_on_are_refused(settings, words):
    with pytest.raises(InvalidValue, match=words):
        check(ArraySettings(**{"device": "epiram", "rule": "mixed-precision"} | settings))
