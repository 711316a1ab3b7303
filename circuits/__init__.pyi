from .api.area import AreaResult as AreaResult
from .api.area import area as area
from .api.circuit import Circuit as Circuit
from .api.settled import CircuitStates as CircuitStates
from .api.verdict import Verdict as Verdict
from .api.verdict import verify as verify
from .circuit.electrical import Wires as Wires
from .measuring.own import memristor as memristor

__all__ = ["AreaResult", "Circuit", "CircuitStates", "Verdict", "Wires", "area", "memristor", "verify"]
