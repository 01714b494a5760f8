"""Where an experiment's data come from: generated, a folder of MovieLens, or any files with a mapping of columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contract import fields
from experiments.parts import Part, unknown, wrong

MAX_GENERATED = 20_000_000
"""Users times items of generated data."""


class Generated(Part):
    """Generated data with a known structure: sessions, drifting taste, repeats, item metadata, new items."""

    kind: Literal["generated"]
    users: Annotated[int, Field(ge=50, le=1_000_000)] = 600
    items: Annotated[int, Field(ge=50, le=100_000)] = 400
    events_per_user: Annotated[int, Field(ge=5, le=1000)] = 60
    seed: Annotated[int, Field(ge=0)] = 7
    occasions: bool = False
    """Whether visits have an occasion (the column OCCASION) on which it depends what visitors turn to: a context."""

    @model_validator(mode="after")
    def _in_memory(self) -> Generated:
        if self.users * self.items > MAX_GENERATED:
            raise ValueError(f"users times items must be at most {MAX_GENERATED:,}: generated data are made in memory")
        return self


class MovieLens(Part):
    """A folder in one of the MovieLens layouts (`DATA=` or `path`): ml-100k, ml-1m, latest-small or later."""

    kind: Literal["movielens"]
    path: str | None = None
    min_rating: Annotated[float, Field(ge=0, le=5)] = 0
    """Ratings below this are left out."""


class DataFile(Part):
    """One file and how its columns map to the dataset's: CSV with a header (also .gz), or .parquet."""

    path: str
    columns: dict[str, str]
    """{column of the schema: column of the file}"""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","
    timestamp: Annotated[str, Field(pattern=r"^(seconds|milliseconds|iso|.*%.*)$")] = "seconds"
    """How TIMESTAMP and CREATION_TIMESTAMP are written: `seconds`, `milliseconds`, `iso`, or a strptime format with %
    (UTC unless the text has a zone)."""
    decimal: Literal[".", ","] = "."
    """What stands before the decimals of a number; with `,` points are taken for thousands."""
    lists: dict[str, Annotated[str, Field(min_length=1, max_length=1)]] = Field(default_factory=dict)
    """{column of the schema: what separates several values in its cells}, where it is not |."""
    title: str | None = None
    """Column of the file with what reports call an item. It is not uploaded to Personalize."""

    @model_validator(mode="after")
    def _names_columns(self) -> DataFile:
        if self.title is not None and fields.ITEM_ID not in self.columns:
            raise wrong("is given, but no column holds ITEM_ID", at=("title",))
        for name in self.lists:
            if name not in self.columns:
                raise unknown("column of the schema", name, known=self.columns, at=("lists", name))
        return self


class Files(Part):
    """Any files with a column mapping; paths are relative to `DATA=` or to the experiment's file."""

    kind: Literal["files"]
    interactions: DataFile
    users: DataFile | None = None
    items: DataFile | None = None


Source = Annotated[Generated | MovieLens | Files, Field(discriminator="kind")]
