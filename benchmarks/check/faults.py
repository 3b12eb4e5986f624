"""The faults of the bench: for each kind of finding, ways to bring it into a clean set, at several strengths.

Those of single files stand in `file_faults.py`, of masks in `mask_faults.py`, of several pictures in `set_faults.py`.
"""

from faultkind import Fault
from file_faults import FILE_FAULTS
from mask_faults import MASK_FAULTS
from set_faults import SET_FAULTS
from shift_faults import SHIFT_FAULTS

FAULTS: tuple[Fault, ...] = (*FILE_FAULTS, *MASK_FAULTS, *SHIFT_FAULTS, *SET_FAULTS)
