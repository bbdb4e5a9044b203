"""Batches that cannot be divided among processes."""

from __future__ import annotations

import pytest

from pretrace.common.errors import PretraceError
from pretrace.training.distributed.data_parallel import check_batch_size
from pretrace.training.distributed.group import Group


def test_batch_that_cannot_be_divided_is_refused() -> None:
    check_batch_size(4, False, Group(0, 3))
    check_batch_size(4, True, Group(0, 4))
    with pytest.raises(PretraceError, match="5 processes share batches of 4 sequences"):
        check_batch_size(4, False, Group(0, 5))
    with pytest.raises(PretraceError, match="equal shares of a batch of 4 sequences"):
        check_batch_size(4, True, Group(0, 3))
