"""A fitted device as a TOML file that `crossbar.presets.load` reads."""

from __future__ import annotations

import json

from crossbar.fitting import Fit


def fitted_toml(result: Fit, origin: str) -> str:
    """Return the TOML text of a fit to the file `origin`: parameters with error bars as comments, conductances."""
    lines = [
        f"title = {json.dumps('Fitted to ' + origin)}", f'law = "{result.law.name}"', "", "[sources]",
        f"fit = {json.dumps('hopbar devices fit ' + origin)}", "", "[parameters]",
    ]  # fmt: skip
    bounds = {"w_min": result.law.w_min, "w_max": result.law.w_max}
    for key, value in bounds.items():
        if key not in result.parameters:
            lines.append(entry(key, value, "weight"))
    units = {"dw_min": "weight", "w_min": "weight", "w_max": "weight", "p_max": "pulses"}
    for key, fitted in result.parameters.items():
        lines.append(f"{entry(key, fitted.value, units.get(key, '1'))}  # +- {fitted.error:.2g}")
    scale = (result.g_max - result.g_min) / 2
    middle = (result.g_max + result.g_min) / 2
    lines += ["", "[conductance]"]
    lines += [
        entry("g_min", max(middle + scale * bounds["w_min"], 0.0), "S"),
        entry("g_max", middle + scale * bounds["w_max"], "S"),
    ]
    return "\n".join(lines) + "\n"


def entry(key: str, value: float, unit: str) -> str:
    """Return one line: a number with its unit and source."""
    return f'{key} = {{ value = {value!r}, unit = "{unit}", source = "fit" }}'
