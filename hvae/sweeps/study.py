"""The Optuna study of a sweep: where it is kept, how it is opened, and what its best trial is."""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from pathlib import Path

import optuna
from optuna.exceptions import OptunaError
from optuna.storages import BaseStorage, JournalStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.trial import FrozenTrial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from crossbar.errors import CorruptFile, InvalidValue, MissingFile
from hvae.config import toml_file
from hvae.config.run import RunConfig, table_3
from hvae.sweeps import batches, workers
from hvae.sweeps.space import Sweep

JOURNAL = "journal.log"
_RETRIES = 3  # a trial that has killed so many workers is given up


def open_study(sweep: Sweep, folder: Path, storage: str | None = None) -> optuna.Study:
    """Return the study of `sweep`: in the journal of `folder`, or in any Optuna `storage` URL; made where it is new.

    Raises
    ------
    InvalidValue
        Optuna cannot open `storage`, or the study there varies other things.
    """
    if storage is None:
        folder.mkdir(parents=True, exist_ok=True)
        if (folder / JOURNAL).exists():
            _cut_tail(folder / JOURNAL)
    opened = _journal(folder / JOURNAL) if storage is None else _url(storage)
    study = optuna.create_study(
        storage=opened,
        study_name=sweep.name,
        direction="minimize",
        load_if_exists=True,
    )
    recorded = {key: asdict(sweep)[key] for key in ("model", "base", "parameters")}
    recorded |= {} if sweep.batch == 1 else {"batch": sweep.batch}  # studies that do not say it have batches of one
    what = json.dumps(recorded, sort_keys=True)
    if study.user_attrs.setdefault("sweep", what) != what:
        raise InvalidValue(
            f"the study {sweep.name!r} there varies other things than this sweep, or in batches of another size: "
            "choose another --out, or another `name` under [sweep]"
        )
    study.set_user_attr("sweep", what)
    return study


def recover(study: optuna.Study) -> list[int]:
    """Give back the trials whose workers are gone, to be tried again with the same values; return their numbers."""
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    gone = [trial for trial in running if workers.is_gone(trial.user_attrs.get("worker", _since(trial)))]
    return [trial.number for trial in gone if give_back(study, trial, deaths(trial) + 1)]


def deaths(trial: FrozenTrial) -> int:
    """Return how many workers have died at the values of `trial`."""
    return int(trial.user_attrs.get("retries", 0))


def give_back(study: optuna.Study, trial: FrozenTrial, deaths: int) -> bool:
    """Fail `trial` and queue its values again, unless too many workers died at them: `deaths`, an interrupt is none.

    Values that were not all drawn yet are drawn again, as before. Return False where another worker was quicker.
    """
    place = batches.place(study.get_trials(deepcopy=False), trial.number)
    try:
        study.tell(trial.number, state=TrialState.FAIL)
    except (ValueError, RuntimeError):  # already told
        return False
    if deaths <= _RETRIES:
        run = trial.user_attrs.get("run")
        attributes = {"retries": deaths, "continues": run or "nowhere", batches.PLACE: place}
        study.enqueue_trial({} if run is None else trial.params, user_attrs=attributes)
    return True


def best_config(study: optuna.Study) -> RunConfig:
    """Return the configuration of the best finished trial of `study`."""
    return toml_file.loads(study.best_trial.user_attrs["config"], "the config of the sweep's best trial")


def load_finished(source: str) -> optuna.Study:
    """Return the study in a sweep's folder, a journal file or at an Optuna URL (``URL#STUDY``).

    Raises
    ------
    MissingFile, CorruptFile, InvalidValue
        There is no sweep; the file is none; several studies and none named, or no finished trial.
    """
    url, _, name = source.partition("#")
    if "://" in url:
        storage = _url(url)
    else:
        path = Path(url) / JOURNAL if Path(url).is_dir() else Path(url)
        if not path.is_file():
            raise MissingFile(
                f"no sweep at {source}: there is no {path}; `hopbar sweep SWEEP.toml --out {url}` makes one"
            )
        storage = _journal(path)
    names = [one.study_name for one in storage.get_all_studies()]
    if not name and len(names) != 1:
        raise InvalidValue(f"{source} holds the studies {', '.join(names) or '(none)'}: name one as {url}#STUDY")
    if name and name not in names:
        raise InvalidValue(f"{url} holds no study {name!r}, but {', '.join(names) or 'none'}")
    study = optuna.load_study(study_name=name or names[0], storage=storage)
    if not study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)):
        raise InvalidValue(f"the sweep at {source} has no finished trial yet: run `hopbar sweep` on")
    return study


def overrides(source: str, model: str) -> list[str]:
    """Return the configuration of the best trial of the sweep at `source` as ``key=value``, for `config_file.resolve`.

    What differs from Table 3, without what a full training sets for itself: data set, epochs, seed.

    Raises
    ------
    MissingFile, InvalidValue
        As `load_finished`; the sweep is of another model.
    """
    config = best_config(load_finished(source))
    if config.model.name != model:
        raise InvalidValue(f"the sweep at {source} is of {config.model.name!r}, but the command asks for {model!r}")
    found, usual = (
        {f"{table}.{key}": value for table, keys in asdict(one).items() for key, value in keys.items()}
        for one in (config, table_3(model))
    )
    kept = {key for key in found if not key.startswith("data.")} - {"training.epochs", "training.seed"}
    return [f"{key}={json.dumps(found[key])}" for key in found if key in kept and found[key] != usual[key]]


def _journal(path: Path) -> BaseStorage:
    if path.exists():
        _check_lines(path)
    try:
        return JournalStorage(JournalFileBackend(str(path)))
    except (ValueError, KeyError, TypeError, AssertionError) as error:  # no JSON, or JSON of another kind
        raise CorruptFile(f"{path} is no journal of a sweep ({error}); name the folder that --out of it was") from error


def _check_lines(path: Path) -> None:
    """Refuse a journal with a damaged line: Optuna would fail at it in whatever it is asked."""
    lines = path.read_bytes().split(b"\n")[:-1]  # a last one without its end is being written, or was cut by a kill
    for number, line in enumerate(lines, 1):
        try:
            json.loads(line)
        except (ValueError, RecursionError) as error:
            kind = "is no journal of a sweep" if number == 1 else "is damaged, as by a full disk or a loss of power"
            raise CorruptFile(
                f"{path} {kind} (line {number}: {error}); if it is one, remove line {number}, keep all others, and "
                "give the command again: the sweep goes on without what that line told"
            ) from error


def _cut_tail(path: Path) -> None:
    """Take off the line that a killed worker did not finish: the next one would be written on behind it."""
    lock = JournalFileSymlinkLock(str(path))
    lock.acquire()
    try:
        content = path.read_bytes()
        os.truncate(path, content.rfind(b"\n") + 1)
    finally:
        lock.release()


def _url(url: str) -> BaseStorage:
    try:
        return get_storage(url)
    except (ImportError, ValueError, OptunaError, SQLAlchemyError) as error:
        raise InvalidValue(f"Optuna cannot open the storage {url!r}: {error}") from error


def _since(trial: FrozenTrial) -> dict[str, object]:
    """Return the mark of a worker that has left none: it is given the grace from the trial's start."""
    return {"beat": trial.datetime_start.timestamp() if trial.datetime_start else 0.0}
