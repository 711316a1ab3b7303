"""The silicon of Hopbar: its chips as circuits, proved in circuit simulators and measured in mm2.

The public names below are imported when they are first used; ``__init__.pyi`` tells their types. `area` is a folder
that can be called, so that both ``circuits.area(chip)`` and ``from circuits.area.estimate import ...`` work.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    ["area"],
    {
        "api.area": ["AreaResult"],
        "api.circuit": ["Circuit"],
        "api.settled": ["CircuitStates"],
        "api.verdict": ["Verdict", "verify"],
        "circuit.electrical": ["Wires"],
        "measuring.own": ["memristor"],
    },
)
