"""Asking the user for consent, by whatever means the program has; without any, the answer is no."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Answer = Callable[[str], bool]

_answer: ContextVar[Answer] = ContextVar("answer", default=lambda _question: False)


def consents(question: str) -> bool:
    """Return whether the user says yes."""
    return _answer.get()(question)


@contextmanager
def answering(answer: Answer) -> Iterator[None]:
    """Let a function answer questions inside a ``with`` block."""
    token = _answer.set(answer)
    try:
        yield
    finally:
        _answer.reset(token)


def trusting(given: bool) -> AbstractContextManager[None]:
    """Answer yes inside a ``with`` block to whatever is asked, if the user has said so before."""
    return answering(lambda _question: True) if given else nullcontext()
