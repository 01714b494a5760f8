"""One module per kind of source: each hands over tables of text with their lines (`tables`)."""

from __future__ import annotations

from pathlib import Path

from data_prep.errors import DataError
from data_prep.sources.generated import read_generated
from data_prep.sources.movielens import read_movielens
from data_prep.sources.tables import Source
from data_prep.sources.text_files import read_files
from experiments.config import Experiment, Generated, MovieLens


def open_source(experiment: Experiment, *, file: Path, data: Path | None) -> Source:
    """The experiment's source; `file`: the experiment's YAML; `data`: the folder given on the command line."""
    match experiment.data:
        case Generated():
            if data is not None:
                raise DataError.of(
                    file, f"data: kind generated needs no data, but the folder {data} was given: leave it out"
                )
            return read_generated(experiment, experiment.data, file=file)
        case MovieLens():
            return read_movielens(experiment, experiment.data, file=file, data=data)
        case _:
            return read_files(experiment, experiment.data, file=file, data=data)
