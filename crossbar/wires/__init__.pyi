from .solver import WireSolution as WireSolution
from .solver import effective_matrix as effective_matrix
from .solver import output_currents as output_currents
from .solver import solve as solve

__all__ = ["WireSolution", "effective_matrix", "output_currents", "solve"]
