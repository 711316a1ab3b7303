"""What a configuration says of images of one's own, looked up in their file when a run is made."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from crossbar.errors import unknown_name
from hvae.config.run import DataConfig
from hvae.data.own.found import OWN
from hvae.data.sources import names


def looked_up(config: DataConfig) -> DataConfig:
    """Return `config` with the shape and the sum of the images of one's own that it names; others as they are.

    Raises
    ------
    MissingFile, CorruptFile, InvalidValue
        As `hvae.data.own.loading.load`.
    """
    if config.name != OWN:
        return config
    from hvae.data.own import loading as own  # Pillow and HDF5 take their time to load

    assert config.file is not None
    path = str(Path(config.file).resolve())
    found = own.load(path, config.rows, config.columns, config.channels, config.fit)
    rows, columns, channels = found.shape
    sums = {"checksum": found.checksum} if config.checksum is None else {}
    return replace(config, file=path, rows=rows, columns=columns, channels=channels, **sums)  # type: ignore[arg-type]


def settings(dataset: str) -> list[str]:
    """Return the `key=value` of `dataset`, the name of a data set or the path of images of one's own.

    Raises
    ------
    UnknownName
        It is neither.
    """
    known = names()
    if dataset in known:
        return [f"data.name={dataset}"]
    path = Path(dataset)
    if not path.exists():
        raise unknown_name("data set, or no file or folder,", dataset, known)
    return [f"data.name={OWN}", f"data.file={json.dumps(str(path.resolve()))}"]
