"""Answers to what weighings of the domain ask, without a place that gives them."""

from collections.abc import Mapping
from typing import Any, TypeVar

from sluiceway.domain.observed import Answer, NoAnswer, Question, Weighing

T = TypeVar("T")
Answers = Mapping[Question[Any], object]

NO = NoAnswer("it does not answer")


def weigh(weighing: Weighing[T], answers: Answers, now: float = 100.0) -> tuple[T, list[Question[Any]]]:
    """What a weighing comes to, and what it has asked. A question that `answers` does not have fails."""
    asked: list[Question[Any]] = []
    try:
        question = next(weighing)
        while True:
            asked.append(question)
            question = weighing.send(Answer(answers[question], now))
    except StopIteration as end:
        return end.value, asked
