"""aws-similar-items: items that go together in people's histories, and items that are alike.

Two views of an item, as the developer guide's page on the Similar-Items recipe describes them:

- **company**: who is met within WINDOW steps of whom, a pair d steps apart counting 1/sqrt(d). The pointwise mutual
  information of these counts (positive part, context counts to the power 0.75, discounted by count / (count + 2)
  against chance) is factorised into `item_id_hidden_dim` dimensions: Levy, Goldberg, Dagan: "Improving Distributional
  Similarity with Lessons Learned from Word Embeddings" (TACL 2015); the discount is of Pantel, Lin: "Discovering Word
  Senses from Text" (KDD 2002);
- **likeness**: the item's metadata features, rare ones weighing more (inverse document frequency), reduced to
  `item_metadata_hidden_dim` dimensions; two items are as alike as the cosine of theirs.

    score(i -> j) = company_i · context_j + 0.3 cos(likeness_i, likeness_j) + 0.5 (1 - discount) log(1 + met_j)

with met_j the sum of j's counts. An item that few have met is mostly what its likeness lets expect: a ridge regression
from likeness to company, as "cold-start" mappings do (Gantner et al.: "Learning Attribute-to-Feature Mappings for
Cold-Start Recommendations", ICDM 2010), weighs 1 / (1 + interactions). Items that neither company nor metadata tell
anything about cannot be placed, and asked about they are answered by popularity.

The constants were chosen on a validation part of ML-100K's past.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from personalize_engine.data.features import Described
from personalize_engine.data.past import Past
from personalize_engine.data.vocabulary import Vocabulary
from personalize_engine.models.base import Model, Progress, Query, no_progress
from personalize_engine.models.factors import factors

WINDOW = 20
"""Steps between two items of a history that still count as company."""
MAX_PAIRS = 40_000_000
"""Pairs counted at most; larger data have a shorter window, so that memory stays below about two gigabytes."""

_CONTEXT_POWER = 0.75
_DISCOUNT = 2.0
_LIKENESS, _POPULARITY = 0.3, 0.5
_RIDGE = 10.0
_ENOUGH = 50
"""Interactions from which on an item counts fully in the regression."""

Floats = NDArray[np.float32]


class SimilarItemsParameters(BaseModel, frozen=True, extra="forbid"):
    """Hyperparameters of aws-similar-items, with the service's names, defaults and ranges."""

    popularity_discount_factor: Annotated[float, Field(ge=0, le=1)] = 0.0
    """0: popular items come first among those that go together; 1: popularity counts for nothing."""
    item_id_hidden_dim: Annotated[int, Field(ge=30, le=200)] = 100
    """Dimensions of company."""
    item_metadata_hidden_dim: Annotated[int, Field(ge=30, le=200)] = 100
    """Dimensions of likeness; no more than there are features."""


@final
class SimilarItems(Model[SimilarItemsParameters]):
    """An item as what is asked about and as an answer; a score is one product and one sum."""

    Parameters: ClassVar[type[BaseModel]] = SimilarItemsParameters

    def __init__(
        self,
        parameters: SimilarItemsParameters,
        items: Vocabulary,
        *,
        source: Floats,
        target: Floats,
        bias: Floats,
    ) -> None:
        self.parameters = parameters
        self.items = items
        self.source = source
        """(n_items, D): company and likeness of an item that is asked about; zero if nothing is known of it."""
        self.target = target
        """(n_items, D): the same of an item that is an answer."""
        self.bias = bias
        """(n_items,): from popularity; NaN for an item that nothing is known of."""

    @classmethod
    def fit(
        cls, past: Past, parameters: SimilarItemsParameters, *, seed: int, progress: Progress = no_progress
    ) -> Self:
        """Counts, factorises, regresses; the same seed gives the same model."""
        random = np.random.default_rng(seed)
        progress(done=0, total=3, message="counting who is met with whom")
        counts = _company(past)
        met = np.asarray(counts.sum(axis=1), dtype=np.float32).ravel()
        progress(done=1, total=3, message="factorising")
        company, context = factors(_information(counts, met), parameters.item_id_hidden_dim, random)
        progress(done=2, total=3, message="learning from metadata")
        known = met > 0
        parts = [(company, context)]
        if past.item_described is not None:
            likeness = _likeness(past.item_described, parameters.item_metadata_hidden_dim, random)
            own = (past.item_counts / (past.item_counts + 1)).astype(np.float32)[:, None]
            expected = [_expected(likeness, vectors, past.item_counts) for vectors in (company, context)]
            parts = [(own * company + (1 - own) * expected[0], own * context + (1 - own) * expected[1])]
            parts.append((np.sqrt(_LIKENESS, dtype=np.float32) * likeness,) * 2)
            known |= likeness.any(axis=1)
        popularity = _POPULARITY * (1 - parameters.popularity_discount_factor) * np.log1p(met)
        progress(done=3, total=3, message="learned")
        return cls(
            parameters,
            past.items,
            source=np.concatenate([part[0] for part in parts], axis=1),
            target=np.concatenate([part[1] for part in parts], axis=1),
            bias=np.where(known, popularity, np.nan).astype(np.float32),
        )

    def scores(self, queries: Sequence[Query]) -> Floats:
        """(B, n_items): how well an item goes with the one asked about; NaN where that cannot be told."""
        asked = self.items.rows(query.item_id or "" for query in queries)
        told = asked >= 0
        told[told] = ~np.isnan(self.bias[asked[told]])
        scores = np.full((len(queries), len(self.items)), np.nan, np.float32)
        scores[told] = self.source[asked[told]] @ self.target.T + self.bias
        return scores

    def arrays(self) -> Mapping[str, NDArray[np.generic]]:
        """The three."""
        return {"source": self.source, "target": self.target, "bias": self.bias}

    @classmethod
    def from_arrays(
        cls, parameters: SimilarItemsParameters, items: Vocabulary, arrays: Mapping[str, NDArray[np.generic]]
    ) -> Self:
        """The inverse of `arrays`."""
        return cls(
            parameters,
            items,
            source=np.asarray(arrays["source"], dtype=np.float32),
            target=np.asarray(arrays["target"], dtype=np.float32),
            bias=np.asarray(arrays["bias"], dtype=np.float32),
        )


def _company(past: Past) -> Any:
    """(n_items, n_items), sparse and symmetric: how much two different items are met together."""
    from scipy.sparse import csr_matrix  # type: ignore[import-untyped]

    n = len(past.items)
    one_way = csr_matrix((n, n), dtype=np.float32)
    for distance in range(1, min(WINDOW, max(1, MAX_PAIRS // max(len(past), 1))) + 1):
        first, second = past.item[:-distance], past.item[distance:]
        pair = (past.user[:-distance] == past.user[distance:]) & (first != second)
        weight = np.full(int(pair.sum()), distance**-0.5, np.float32)
        one_way += csr_matrix((weight, (first[pair], second[pair])), shape=(n, n))
    return (one_way + one_way.T).tocsr()


def _information(counts: Any, met: Floats) -> Any:
    """Positive pointwise mutual information of the counts, sparse as they are."""
    pairs = counts.tocoo()
    context = np.maximum(met, 1e-9) ** _CONTEXT_POWER
    context /= max(float(context[met > 0].sum()), 1e-9)
    value = np.log(pairs.data / (met[pairs.row] * context[pairs.col])) * pairs.data / (pairs.data + _DISCOUNT)
    pairs.data = np.maximum(value, 0).astype(np.float32)
    return pairs.tocsr()


def _likeness(described: Described, rank: int, random: np.random.Generator) -> Floats:
    """(n_items, at most `rank`) rows of length 1; zero for an item without any feature."""
    from scipy.sparse import csr_matrix, diags

    rows = described.rows
    features = csr_matrix((rows.weight, rows.index, rows.start), shape=(len(rows), described.encoder.size))
    having = np.bincount(rows.index, minlength=described.encoder.size)
    features = (features @ diags(np.log((1 + len(rows)) / (1 + having)))).astype(np.float32)
    dense: Floats = features.toarray() if described.encoder.size <= rank else _projected(features, rank, random)
    length = np.linalg.norm(dense, axis=1, keepdims=True)
    return np.asarray(dense / np.where(length > 0, length, 1), dtype=np.float32)


def _projected(features: Any, rank: int, random: np.random.Generator) -> Floats:
    """(n_items, rank) in the directions in which the features vary most."""
    _, directions = factors(features, rank, random)
    return np.asarray(features @ np.linalg.qr(directions)[0], dtype=np.float32)


def _expected(likeness: Floats, vectors: Floats, counts: NDArray[np.int64]) -> Floats:
    """(n_items, D): what likeness lets expect of `vectors`, learned from items that people have met."""
    weight = np.minimum(counts, _ENOUGH).astype(np.float32)[:, None]
    gram = (likeness * weight).T @ likeness + _RIDGE * np.eye(likeness.shape[1], dtype=np.float32)
    return np.asarray(likeness @ np.linalg.solve(gram, (likeness * weight).T @ vectors), dtype=np.float32)
