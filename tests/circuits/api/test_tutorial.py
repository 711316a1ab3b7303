"""From weights to a circuit, to ngspice and a verdict, in at most eight statements."""

import numpy as np
import pytest
from tutorials import run, statements

MOST = 8


@pytest.mark.spice
@pytest.mark.usefixtures("needs_ngspice")
def test_the_journey_is_short_and_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert len(statements("chip_to_spice")) <= MOST
    names, shown = run("chip_to_spice")
    path, (theirs, ours, agrees), silicon = shown
    assert (tmp_path / path).stat().st_size > 1000
    np.testing.assert_allclose(theirs, ours, atol=1e-6)
    assert agrees
    assert names["found"].engine.startswith("ngspice")
    assert silicon.total.p50 > 0
