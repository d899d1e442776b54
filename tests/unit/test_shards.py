"""Shards: the hash must not change under files and rows that were laid out by it."""

import numpy as np
import pandas as pd
import pytest

from journey_pipelines.engine.shards import ALL, SHARDS, Shards, shard_of


def test_the_hash_is_the_same_for_ever():
    assert shard_of(["", "a", "c000000001", "Zoë", "顧客"]).tolist() == [97, 774, 948, 485, 326]


def test_nobody_has_no_shard():
    assert shard_of([]).tolist() == []
    assert Shards(1, 2).mask(pd.Index([])).tolist() == []


@pytest.mark.parametrize("form", [list, pd.Index, pd.Series, lambda ids: pd.Series(ids, dtype=object)])
def test_every_form_of_a_column_gives_the_same_shards(form):
    ids = ["a", "b", "c" * 300]

    assert shard_of(form(ids)).tolist() == shard_of(ids).tolist()


def test_customers_spread_evenly():
    counts = np.bincount(shard_of([f"c{number}" for number in range(100 * SHARDS)]), minlength=SHARDS)

    assert len(counts) == SHARDS
    assert counts.min() > 50
    assert counts.max() < 160


def test_parts_cover_all_shards_once():
    parts = list(ALL.split(7))

    assert [shard for part in parts for shard in range(part.first, part.end)] == list(range(SHARDS))
    assert {len(part) for part in parts} == {146, 147}
    assert len(list(Shards(3, 5).split(8))) == 2


def test_a_mask_tells_who_belongs_to_a_range():
    ids = pd.Index([f"c{number}" for number in range(1000)])
    masks = [part.mask(ids) for part in ALL.split(3)]

    assert np.sum(masks, axis=0).tolist() == [1] * 1000
    assert ALL.mask(ids).all()


@pytest.mark.parametrize(("first", "end"), [(0, 0), (-1, 4), (5, SHARDS + 1), (9, 3)])
def test_no_range_is_empty_or_beyond_all(first, end):
    with pytest.raises(ValueError, match="no range"):
        Shards(first, end)
