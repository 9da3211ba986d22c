"""What a load adds to the metrics, field by field."""

from datetime import timedelta

import pytest

from tests.support.builders import holder, resident
from worker.core import counting
from worker.core.domain import Warmth


def loaded(load_s, *, model):
    warmth = Warmth(resident=resident("a"), left=timedelta(minutes=5), load_s=load_s)
    return counting.of_load(
        warmth, holder=holder("a"), host="gpu", model=model, is_gentle=True
    )


@pytest.mark.parametrize(
    ("load_s", "bucket"),
    [
        *((0.1, "0.5"), (0.5, "0.5"), (1.0, "1"), (2.5, "2.5"), (2.6, "5")),
        *((5.0, "5"), (5.1, "10"), (10.0, "10"), (10.1, "30"), (30.0, "30")),
        *((30.1, "60"), (60.0, "60"), (60.1, "120"), (120.0, "120")),
        *((120.1, "300"), (300.0, "300"), (300.1, "600"), (600.0, "600")),
        *((600.1, "1800"), (1_800.0, "1800"), (1_800.1, "inf")),
    ],
)
def test_a_load_is_counted_in_the_first_bucket_that_holds_it(load_s, bucket):
    assert loaded(load_s, model="a").amounts == {
        "load|keep_warm|success|gpu|a": 1,
        f"load_s|{bucket}|gpu|a": 1,
        "load_s|sum|gpu|a": load_s,
    }


def test_of_a_model_that_nobody_declared_only_the_load_is_counted():
    told = loaded(2.0, model="other")

    assert told.amounts == {"load|keep_warm|success|gpu|other": 1}
    assert told.typical_s == {}
