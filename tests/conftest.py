"""What every test may ask for."""

import os
import shutil

import numpy as np
import pytest


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator with a fixed seed."""
    return np.random.default_rng(20231115)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what only the compiler makes bearable when it is off."""
    if os.environ.get("NUMBA_DISABLE_JIT") != "1":
        return
    for item in items:
        if "needs_jit" in item.keywords:
            item.add_marker(pytest.mark.skip(reason="needs numba's compiler"))


def pytest_configure() -> None:
    """Fail at once where SPICE tests are required (in CI) and no simulator is installed."""
    if os.environ.get("HOPBAR_REQUIRE_SPICE") == "1" and shutil.which("ngspice") is None:
        message = "HOPBAR_REQUIRE_SPICE=1, but ngspice is not installed: apt-get install ngspice libngspice0"
        raise pytest.UsageError(message)
