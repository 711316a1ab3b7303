"""The files that come with Hopbar: device and technology tables, digits, classifiers (data/README.md).

They lie in `data/` of a checkout; the wheel carries them inside this package, as no name so general as `data` may land
beside other people's packages.
"""

from __future__ import annotations

from pathlib import Path

_PLACES = (Path(__file__).parent / "_data", Path(__file__).parent.parent / "data")


def folder() -> Path:
    """Return the folder of the shipped files, in a checkout or in an installed wheel.

    Examples
    --------
    >>> (folder() / "devices" / "epiram.toml").is_file()
    True
    """
    return next(place for place in _PLACES if place.is_dir())
