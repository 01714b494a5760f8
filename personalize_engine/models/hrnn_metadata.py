"""Metadata and context beside the recurrent network: what its features' vectors mean, and how requests use them.

- An item is its free vector plus the weighted sum of its features' vectors, and so is its bias: Kula, "Metadata
  Embeddings for User and Item Cold-start Recommendations" (CBRecSys 2015). An item without interactions has its
  features alone. Training leaves the free part out now and then, as in Volkovs, Yu, Poutanen: "DropoutNet" (NIPS
  2017), so that features alone must do.
- The user's features and those of the moment asked about add their vectors to the query: Rendle, "Factorization
  Machines" (ICDM 2010). Metadata of past interactions add theirs to what is read.

When training ends the items' vectors are summed up once: a request finds one matrix, whatever it was made of.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from personalize_engine.data.features import Described, Encoder
from personalize_engine.data.past import Past
from personalize_engine.models import hrnn_network as net
from personalize_engine.models.base import Interaction, Query


class Encoders(BaseModel, frozen=True, extra="forbid"):
    """How rows of the three datasets become features; an encoder without columns where there is no metadata."""

    item: Encoder = Encoder()
    user: Encoder = Encoder()
    event: Encoder = Encoder()

    @classmethod
    def of(cls, past: Past) -> Encoders:
        """Those that described `past`."""
        parts = {"item": past.item_described, "user": past.user_described, "event": past.event_described}
        return cls(**{name: part.encoder for name, part in parts.items() if part is not None})

    def __bool__(self) -> bool:
        return bool(self.item.columns or self.user.columns or self.event.columns)

    def array(self) -> NDArray[np.uint8]:
        """As JSON, in bytes: a saved model is plain arrays."""
        return np.frombuffer(self.model_dump_json().encode(), np.uint8)

    @classmethod
    def from_array(cls, array: NDArray[Any]) -> Encoders:
        """The inverse of `array`."""
        return cls.model_validate_json(array.astype(np.uint8).tobytes())


def whole_items(w: net.Weights, past: Past) -> net.Weights:
    """`w` as trained, with every item's free and described parts summed up in `embedding` and `bias`."""
    if past.item_described is None:
        return w
    vectors, bias = described_items(w, past.item_described, past.item_described.encoder)
    warm = past.item_counts > 0
    whole_bias = np.where(warm, w["bias"], w["cold_bias"]) + bias
    undescribed = ~warm & (np.diff(past.item_described.rows.start) == 0)
    whole_bias[undescribed] = w["bias"].min()
    return {**w, "embedding": np.where(warm[:, None], w["embedding"], 0) + vectors, "bias": whole_bias}


def described_items(
    w: net.Weights, described: Described, encoder: Encoder
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(n, D) and (n,): the described parts of vectors and biases, from rows that any encoder made.

    `encoder` is the one of the training. What another encoder calls a feature is read as the value it stands for: a
    category by its name, a knot by its number; so new data can be described anew without a new training.
    """
    vectors, bias = w["item_features"], w["item_feature_bias"][:, None]
    if described.encoder != encoder:
        values = encoder.encode(_values(described.encoder), n=described.encoder.size)
        vectors, bias = values.dot(vectors), values.dot(bias)
    return described.rows.dot(vectors), described.rows.dot(bias)[:, 0]


def asked(
    w: net.Weights, encoders: Encoders, queries: Sequence[Query], *, read: Sequence[int]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """(B, D) what users' metadata and contexts add to the queries, and (B,) whether anything of them is known.

    `read` (B,): interactions of their histories, which users' metadata give way to.
    """
    added = np.zeros((len(queries), len(w["gain"])), np.float32)
    known = np.zeros(len(queries), bool)
    weight = net.prior_weight(np.array(read, np.float32))[:, None]
    parts: tuple[tuple[Encoder, str, list[Mapping[str, Any]], Any], ...] = (
        (encoders.user, "user_features", [query.user for query in queries], weight),
        (encoders.event, "context_features", [query.context for query in queries], 1),
    )
    for encoder, vectors, rows, share in parts:
        if encoder.columns and any(rows):
            encoded = encoder.encode({name: [row.get(name) for row in rows] for name in encoder.names}, n=len(rows))
            added += encoded.dot(w[vectors]) * share
            known |= np.diff(encoded.start) > 0
    return added, known


def read_with(w: net.Weights, encoders: Encoders, events: Sequence[Interaction]) -> NDArray[np.float32]:
    """(n, D): what the metadata of past interactions add to the items' vectors."""
    names = encoders.event.names
    table = {name: [event.properties.get(name) for event in events] for name in names}
    return encoders.event.encode(table, n=len(events)).dot(w["event_features"])


def _values(encoder: Encoder) -> dict[str, list[Any]]:
    """A table with a row per feature of `encoder`: the category or number that it stands for."""
    table: dict[str, list[Any]] = {}
    first = 0
    for column in encoder.columns:
        cells: list[Any] = [None] * encoder.size
        cells[first : first + column.size] = column.categories or column.knots
        table[column.name] = cells
        first += column.size
    return table
