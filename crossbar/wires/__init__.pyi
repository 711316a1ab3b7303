from .access import Access as Access
from .access import access as access
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
from .writing import WritePulse as WritePulse
from .writing import write_pulse as write_pulse
from .writing import write_volts as write_volts

__all__ = [
    "Access",
    "CellSolution",
    "OhmicCell",
    "PolynomialCell",
    "SelectedCell",
    "SinhCell",
    "WireSolution",
    "WritePulse",
    "access",
    "effective_matrix",
    "output_currents",
    "solve",
    "solve_cells",
    "write_pulse",
    "write_volts",
]
