"""Reports of progress."""

from __future__ import annotations

from ganzoo.utils.progress import report, reporting_to


def test_reports_go_to_whoever_listens_and_to_nobody_else() -> None:
    outer: list[tuple[str, int, int]] = []
    inner: list[tuple[str, int, int]] = []
    report("before", 0, 1)
    with reporting_to(lambda *each: outer.append(each)):
        report("one", 1, 3)
        with reporting_to(lambda *each: inner.append(each)):
            report("two", 2, 3)
        report("three", 3, 3)
    report("after", 1, 1)
    assert outer == [("one", 1, 3), ("three", 3, 3)]
    assert inner == [("two", 2, 3)]
