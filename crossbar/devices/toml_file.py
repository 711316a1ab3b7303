"""A fitted device as a TOML file that `crossbar.devices.presets.load` reads."""

from __future__ import annotations

import json

from crossbar.devices.fitting import Fit

ASSUMED = "Not given by the measurement; assumed here, as for phase-change pairs. Change it at will"


def fitted_toml(result: Fit, origin: str) -> str:
    """Return the TOML text of a fit to the file `origin`: parameters with error bars as comments, conductances."""
    lines = [
        f"title = {text('Fitted to ' + origin)}", f'law = "{result.law.name}"', "", "[sources]",
        f"fit = {text('hopbar devices fit ' + origin)}", f"assumed = {text(ASSUMED)}", "", "[parameters]",
    ]  # fmt: skip
    bounds = {"w_min": result.law.w_min, "w_max": result.law.w_max}
    for key, value in bounds.items():
        if key not in result.parameters:
            lines.append(entry(key, value, "weight"))
    units = {"dw_min": "weight", "w_min": "weight", "w_max": "weight", "p_max": "pulses"}
    for key, fitted in result.parameters.items():
        lines.append(f"{entry(key, fitted.value, units.get(key, '1'))}  # +- {fitted.error:.2g}")
    for key in result.law.nodes:
        lines.append(entry(key, json.dumps(getattr(result.law, key)), "weight" if key.startswith("jumps") else "1"))
    if result.law.one_sided:
        lines.append('one_sided = { value = true, unit = "yes or no", source = "fit" }')
    low, high = result.bounds
    lines += ["", "[conductance]", entry("g_min", low, "S"), entry("g_max", high, "S")]
    if result.law.one_sided:  # without it a pair whose devices have both risen learns no more
        lines += ["", "[array]", 'refresh_every = { value = 1, unit = "updates", source = "assumed" }']
    return "\n".join(lines) + "\n"


def text(words: str) -> str:
    """Return a basic string of TOML: JSON's escapes are TOML's, but for pairs of surrogates and DEL."""
    readable = words.encode("utf-8", "replace").decode("utf-8")
    return json.dumps(readable, ensure_ascii=False).replace("\x7f", "\\u007f")


def entry(key: str, value: float | str, unit: str) -> str:
    """Return one line: a number, or a list as text, with its unit and source."""
    return f'{key} = {{ value = {value}, unit = "{unit}", source = "fit" }}'
