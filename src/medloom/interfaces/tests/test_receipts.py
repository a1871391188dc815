"""The way from a record to the log's root, made of kept subtrees and of few leaves."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from medloom.exchange.tests.test_sequencer import items, sequencer  # noqa: F401 - a fixture
from medloom.interfaces.web.receipts import receipt_of
from medloom.kernel.access import ALL, seeing
from medloom.kernel.ledger import append
from medloom.kernel.models import Entry, Leaf, Subtree
from medloom.wire.merkle import KEPT_LEVEL
from medloom.wire.receipt import check_receipt

pytestmark = [pytest.mark.database, pytest.mark.django_db(transaction=True)]

BLOCK = 1 << KEPT_LEVEL


def test_the_path_holds_at_every_edge_of_a_kept_subtree_and_reads_few_leaves(sequencer) -> None:  # noqa: F811
    size = 4 * BLOCK + 3
    append(items(size), author="A")
    assert sequencer.round() == size
    kept = {(row.level, row.index) for row in Subtree.objects.all()}
    assert kept == {(8, 0), (8, 1), (8, 2), (8, 3), (9, 0), (9, 1), (10, 0)}
    with seeing(ALL):
        for index in (0, 1, BLOCK - 1, BLOCK, 3 * BLOCK + 7, size - 3, size - 1):
            entry = Entry.objects.get(seq=Leaf.objects.get(index=index).seq)
            with CaptureQueriesContext(connection) as asked:
                receipt = receipt_of(entry)
            assert all(one.holds for one in check_receipt(receipt)), index
            assert len(asked) <= 5


def test_a_log_that_goes_on_keeps_the_same_subtrees(sequencer) -> None:  # noqa: F811
    for number in range(3):
        append(items(BLOCK // 2 + 1 + number), author="A")
        sequencer.round()
    assert [(row.level, row.index) for row in Subtree.objects.all()] == [(8, 0)]
