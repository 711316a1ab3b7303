from .api.array import Array as Array
from .api.devices import fit_device as fit_device
from .api.devices import preset as preset
from .api.equilibrium import Equilibrium as Equilibrium
from .api.network import HopfieldNetwork as HopfieldNetwork
from .api.settle import settle as settle
from .api.wires import Wires as Wires
from .arrays.converters import adc as adc
from .arrays.converters import dac as dac
from .arrays.read_noise import ReadNoise as ReadNoise
from .chip import Chip as Chip
from .chip import load_chip as load_chip
from .devices.nonidealities import FaultLaw as FaultLaw
from .devices.nonidealities import PowerLawDrift as PowerLawDrift
from .programming.write_verify import WriteVerify as WriteVerify
from .wires.solver import output_currents as output_currents

__all__ = [
    "Array",
    "Chip",
    "Equilibrium",
    "FaultLaw",
    "HopfieldNetwork",
    "PowerLawDrift",
    "ReadNoise",
    "Wires",
    "WriteVerify",
    "adc",
    "dac",
    "fit_device",
    "load_chip",
    "output_currents",
    "preset",
    "settle",
]
