from .cells import OhmicCell as OhmicCell
from .cells import PolynomialCell as PolynomialCell
from .cells import SelectedCell as SelectedCell
from .cells import SinhCell as SinhCell
from .nonlinear import CellSolution as CellSolution
from .nonlinear import solve_cells as solve_cells
from .solver import WireSolution as WireSolution
from .solver import effective_matrix as effective_matrix
from .solver import output_currents as output_currents
from .solver import solve as solve

__all__ = [
    "CellSolution",
    "OhmicCell",
    "PolynomialCell",
    "SelectedCell",
    "SinhCell",
    "WireSolution",
    "effective_matrix",
    "output_currents",
    "solve",
    "solve_cells",
]
