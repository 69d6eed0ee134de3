"""The rules that judge whether state fits a job. The how-to says what Flink does, with a test of each line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from sluiceway.domain.fit import Fit, Held, Left, Plan, Planned, Readable, Reason, Why, fit_of

Pair = tuple[str, str]  # two serializers: before, and now
Verdicts = Mapping[Pair, Readable]

LONGEST = 300  # characters of an operator's description in a text
TYPE = "type"  # the part of a state that is no serializer: what kind of state it is
_VALUE = "VALUE_SERIALIZER"
# Their state is bytes that the connector reads and writes itself, so it follows from the connector alone.
_OF_CONNECTORS = ("SourceOperatorFactory", "SinkWriterOperatorFactory", "CommitterOperatorFactory")
_ALIAS = re.compile(r" AS [^,\])]+")
_COLUMNS = re.compile(r", select=\[[^\]]*")
_EQUAL = re.compile(r"\b\w+ = \w+\b")


@dataclass(frozen=True, slots=True)
class Case:
    """All inputs of a judgement."""

    held: Sequence[Held]
    before: Plan | None  # the job that has made the state; None: nobody knows
    now: Plan
    slots: int | None = None  # that are free; None: nobody knows, or there may be more by the time
    native: bool = False  # the state has the form of its backend, and no other can read it
    unknown: str = "nobody knows the job that has made it"  # why there is no `before`


def questions(case: Case) -> set[Pair]:
    """The serializers that only Flink can tell about."""
    before = _by_id(case.before)
    now = _by_id(case.now)
    return {
        pair
        for held in case.held
        if held.stateful and (old := before.get(held.id)) and (new := now.get(held.id))
        for part, pair in _changed(old, new)
        if part != TYPE and all(pair)
    }


def judge(case: Case, verdicts: Verdicts) -> Fit:
    """Whether the state fits. `verdicts` answer the `questions`; missing ones are unknown."""
    if case.now.batch:
        text = "The job would run in batch mode, in which Flink ignores state without a word: it would begin anew."
        return fit_of(Reason(Why.BATCH, text), slots=case.now.slots)
    ledger = _Ledger(case, verdicts)
    for held in case.held:
        ledger.weigh(held)
    ledger.find_new_operators()
    ledger.check_what_a_change_forbids()
    reasons = [*ledger.reasons, *_backend(case), *_slots(case)]
    return fit_of(*reasons, left=tuple(ledger.left), slots=case.now.slots)


def _slots(case: Case) -> Iterator[Reason]:
    if case.slots is not None and case.now.slots > case.slots:
        text = f"The job needs {case.now.slots} slots, and the cluster has {case.slots} free."
        yield Reason(Why.SLOTS, text)


def _backend(case: Case) -> Iterator[Reason]:
    """Canonical savepoints alone can be read by any state backend."""
    if case.before is None or not case.native or case.before.backend == case.now.backend:
        return
    if not any(held.stateful for held in case.held):
        return
    was, is_ = (plan.backend or "the cluster's own" for plan in (case.before, case.now))
    text = f"The state was written by the state backend {was}, in its own format, and would be read by {is_}"
    if case.before.backend and case.now.backend:
        yield Reason(Why.BACKEND, f"{text}, which cannot: take a canonical savepoint, or keep the state backend.")
    else:
        yield Reason(Why.NOT_TOLD, f"{text}: whether it can is seen when it starts.")


@dataclass(slots=True)
class _Ledger:
    """The findings, operator by operator."""

    case: Case
    verdicts: Verdicts
    reasons: list[Reason] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)

    def weigh(self, held: Held) -> None:
        """Look at one operator of the savepoint."""
        now = _by_id(self.case.now).get(held.id)
        before = _by_id(self.case.before).get(held.id)
        if now is None:
            self._gone(held, before)
        elif not self._rescales(held, now) or not held.stateful:
            return
        elif before is None:
            self._untold(now, self.case.unknown)
        else:
            self._compare(held, before, now)

    def _gone(self, held: Held, before: Planned | None) -> None:
        if not held.stateful:
            return
        name = _name(held, before)
        self.left.append(Left(name, held.id, held.bytes))
        text = f"The state of {name} ({held.bytes} bytes) would be left behind: the job has no such operator any more."
        self.reasons.append(Reason(Why.OPERATOR_GONE, text, name))

    def _rescales(self, held: Held, now: Planned) -> bool:
        most = held.max_parallelism
        if 0 < now.max_parallelism != most:
            text = (
                f"{now.name} is given a maximum parallelism of {now.max_parallelism}, and its state was made with "
                f"{most}, which cannot change: set pipeline.max-parallelism to {most}, or leave it out."
            )
        elif now.parallelism > most:
            text = (
                f"{now.name} would run {now.parallelism} in parallel, and its state can be spread over {most} at most: "
                f"set parallelism to {most} or less."
            )
        else:
            return True
        if not any(reason.why is Why.MAX_PARALLELISM for reason in self.reasons):
            self.reasons.append(Reason(Why.MAX_PARALLELISM, text, now.name))
        return False

    def _compare(self, held: Held, before: Planned, now: Planned) -> None:
        if (before.kind, before.content, before.key) == (now.kind, now.content, now.key):
            self._meanings(before, now)
        elif before.states is None or now.states is None or (self.case.native and before.kind != now.kind):
            if before.kind != now.kind or not now.kind.partition(" ")[0].endswith(_OF_CONNECTORS):
                self._untold(now, "it is another one than before, and keeps state in a way of its own")
        else:
            self._states(held, before, now)

    def _states(self, held: Held, before: Planned, now: Planned) -> None:
        found = len(self.reasons)
        assert before.states is not None
        assert now.states is not None
        lost = [name for name in before.states if name not in now.states]
        for part, pair in _changed(before, now):
            self._part(now, part, pair)
        if lost and len(self.reasons) == found:
            self.left.append(Left(now.name, held.id, held.bytes))
            text = (
                f"{now.name} takes the place of {before.name} and has no use for its state ({', '.join(lost)}, of "
                f"{held.bytes} bytes): Flink would start it, and it would begin anew without a word."
            )
            self.reasons.append(Reason(Why.STATE_GONE, text, now.name))
        if len(self.reasons) == found:
            self._meanings(before, now)

    def _meanings(self, before: Planned, now: Planned) -> None:
        """All its state would be taken; say where it would get another meaning."""
        if not now.keyed:
            return
        known = {source for each in self.case.before.operators for source in each.inputs} if self.case.before else set()
        if before.inputs != now.inputs and known.issuperset(now.inputs):
            was, is_ = " and ".join(before.inputs), " and ".join(now.inputs)
            text = f"{now.name} would take state for its own that was made from other input: from {was}, and not {is_}."
        elif _meaning(before) != _meaning(now):
            text = (
                f"{now.name} would go on from what another one has left, as the types are the same: it was "
                f"{_shown(before)}, and is {_shown(now)}."
            )
        else:
            return
        self.reasons.append(Reason(Why.MEANING_CHANGED, text, now.name))

    def _part(self, now: Planned, part: str, pair: Pair) -> None:
        verdict = self.verdicts.get(pair, Readable.UNKNOWN)
        if part == TYPE:
            verdict = Readable.INCOMPATIBLE
        if verdict is Readable.AS_IS or (verdict is Readable.AFTER_MIGRATION and part == _VALUE):
            return
        if verdict is Readable.UNKNOWN:
            self._untold(now, "its type has changed, and whether Flink can turn the one into the other is not known")
        elif not part:
            text = f"The keys of {now.name} are of other types than those of its state: Flink cannot read it."
            self.reasons.append(Reason(Why.KEY_CHANGED, text, now.name))
        else:
            text = f"The state of {now.name} is of another type than the one that was saved: Flink cannot read it."
            if not any(reason.why is Why.TYPE_CHANGED and reason.operator == now.name for reason in self.reasons):
                self.reasons.append(Reason(Why.TYPE_CHANGED, text, now.name))

    def _untold(self, now: Planned, why: str) -> None:
        text = f"Only the start shows whether the state of {now.name} fits: {why}."
        if not any(reason.operator == now.name and reason.why is Why.NOT_TOLD for reason in self.reasons):
            self.reasons.append(Reason(Why.NOT_TOLD, text, now.name))

    def find_new_operators(self) -> None:
        """Find the operators that keep state and have none."""
        known = {held.id for held in self.case.held if held.stateful}
        for now in self.case.now.operators:
            if not known & {now.id, now.alternative} and (now.keyed or now.states):
                text = f"{now.name} begins without state."
                self.reasons.append(Reason(Why.NEW_OPERATOR, text, now.name))

    def check_what_a_change_forbids(self) -> None:
        """Ended operators and records on their way belong to the job as it was."""
        ids = {held.id for held in self.case.held}
        if any(held.finished for held in self.case.held) and ids != {now.id for now in self.case.now.operators}:
            text = "Parts of the job had ended when its state was saved, and it has been changed since."
            self.reasons.append(Reason(Why.NOT_TOLD, text))
        if any(held.in_flight for held in self.case.held) and self.case.before != self.case.now:
            text = (
                "The state is an unaligned checkpoint, with records that were on their way, and the job has been "
                "changed since: whether they fit is seen when it starts. A savepoint has none."
            )
            self.reasons.append(Reason(Why.NOT_TOLD, text))


def _changed(before: Planned, now: Planned) -> Iterator[tuple[str, Pair]]:
    """The differences in states that both have: the part, empty for the keys, and the two."""
    if before.states is None or now.states is None:
        return
    if before.key != now.key:
        yield "", (before.key, now.key)
    for name in before.states.keys() & now.states.keys():
        old, new = before.states[name], now.states[name]
        for part in old.keys() | new.keys():
            if old.get(part) != new.get(part):
                yield part, (old.get(part, ""), new.get(part, ""))


def _by_id(plan: Plan | None) -> Mapping[str, Planned]:
    if plan is None:
        return {}
    others = {each.alternative: each for each in plan.operators if each.alternative}
    return others | {each.id: each for each in plan.operators}


def _name(held: Held, before: Planned | None) -> str:
    return (before.name if before else "") or held.name or f"an operator without a name ({held.id})"


def _meaning(operator: Planned) -> object:
    """The meaning of its state; columns that it merely hands on are no part of that."""
    what = operator.description.partition("(")[0]
    if what.endswith("Join"):
        return frozenset(_EQUAL.findall(operator.description))
    if "Aggregat" in what:
        return _ALIAS.sub("", operator.description)
    return _COLUMNS.sub("", operator.description)


def _shown(operator: Planned) -> str:
    text = _ALIAS.sub("", operator.description)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
