"""Break a reward before training does: a seeded search for cheap texts that score high.

The search sees text in and score out, as a policy does, and nothing of the reward's code but its string constants. It splices,
repeats, drops, shuffles and swaps pieces of the data's own completions and prompts, and climbs. GRPO is a stronger optimiser
than this: what is found here in some thousand calls is found there too. What it does not find is not proved safe.
"""

import ast
import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from time import monotonic

CALLS = 20_000
"""Calls of the reward for one task."""
LONGEST = 4_000
"""Characters of a candidate."""
_ROUND = 32
"""Candidates that are scored together."""
_BEAM = 12
"""Candidates that the next round starts from."""
_PATIENCE = 40
"""Rounds without a gain after which the search begins anew, on the next prompt."""
_SHORTENING = 12
"""Rounds in which a find is made shorter."""
_SAME = 0.6
"""Two finds that share this part of their words are one."""

ScoreTexts = Callable[[int, Sequence[str]], Sequence[tuple[float, Mapping[str, float]]]]
"""(which prompt, texts) -> (total, components) of each."""


@dataclass(frozen=True)
class Bank:
    """What texts are made of.

    Attributes:
        completions: whole texts of the data.
        pieces: their lines and sentences, those of the prompts, and the reward's string constants.
        words: single words, numbers and values, the frequent ones more often.
    """

    completions: tuple[str, ...]
    pieces: tuple[str, ...]
    words: tuple[str, ...]


@dataclass(frozen=True)
class Find:
    """A cheap text that scores high.

    Attributes:
        text: as short as the search could make it.
        total, components: its score.
        prompt: on which prompt it was found (an index).
        calls: how many calls had been made when it was found.
        holds: on how many of the other prompts it also reaches the target.
    """

    text: str
    total: float
    components: Mapping[str, float]
    prompt: int
    calls: int
    holds: int = 0


@dataclass(frozen=True)
class Attack:
    """What a search found.

    Attributes:
        target: the total that counts as high.
        calls: how many were made; fewer than asked only where the time was up.
        best: the highest total that was seen in a text that is no copy.
        to_target: calls until the target was reached first; None in ``calls`` calls.
        climb: (calls, best total so far), a point for each gain.
        finds: distinct texts that reach the target, the shortest first.
        top: the text with the best total, as it was found: a find is made shorter, for as long as it reaches the target.
        timed_out: whether the time was up before the calls were.
    """

    target: float
    calls: int
    best: float
    to_target: int | None
    climb: tuple[tuple[int, float], ...]
    finds: tuple[Find, ...]
    timed_out: bool = False
    top: Find | None = None

    @property
    def higher(self) -> Find | None:
        """The text with the best total, where that is more than every find's."""
        most = max((find.total for find in self.finds), default=float("inf"))
        return self.top if self.top is not None and self.top.total > most + 1e-9 else None


def make_bank(completions: Sequence[str], prompts: Sequence[str], sources: Iterable[str] = ()) -> Bank:
    """The pieces and words of a task's data.

    Args:
        completions, prompts: of the data.
        sources: Python source of the reward, for its string constants.
    """
    constants = [text for source in sources for text in string_constants(source)]
    texts = [*completions, *prompts]
    pieces = {piece.strip() for text in texts for piece in re.split(r"\n+|(?<=[.!?]) +", text)}
    words = [word for text in texts for word in re.findall(r"\"[^\"\n]{0,40}\"|[^\s\"]+", text)]
    words += [word for text in constants for word in text.split()]
    return Bank(
        tuple(dict.fromkeys(completions)),
        tuple(sorted(piece for piece in pieces | set(constants) if piece)),
        tuple(words) or ("a",),
    )


def string_constants(source: str) -> list[str]:
    """The string constants of Python source, without docstrings; of source that is no Python, none."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    said = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    constants = (node for node in ast.walk(tree) if isinstance(node, ast.Constant) and id(node) not in said)
    return [node.value for node in constants if isinstance(node.value, str) and node.value.strip()]


def attack(
    score: ScoreTexts,
    bank: Bank,
    prompts: int,
    target: float = 0.9,
    calls: int = CALLS,
    seed: int = 42,
    seconds: float | None = None,
    is_copy: Callable[[str], bool] = lambda text: False,
    most_finds: int = 5,
    on_progress: Callable[[int, float], None] = lambda calls, best: None,
) -> Attack:
    """Search for cheap texts with a total of at least ``target``.

    Args:
        score: of texts on one of the prompts.
        bank: what texts are made of.
        prompts: how many prompts there are; the search goes from one to the next.
        target: the total that counts as high.
        calls: of the reward.
        seed: of every choice: the same seed, data and reward give the same search.
        seconds: a cap on the time; where it is hit, the result says so.
        is_copy: whether a text is a near copy of a completion that people may find good; it is then no find.
        most_finds: the search ends when it has as many.
        on_progress: called after every round with the calls so far and the best total.
    """
    search = _Search(score, bank, prompts, target, calls, random.Random(seed), is_copy, seconds, on_progress)
    place = 0
    while search.goes_on() and len(search.finds) < most_finds:
        search.climb_on(place % prompts)
        place += 1
    finds = [search.elsewhere(find) for find in search.finds]
    found = Attack(
        target,
        search.used,
        search.best,
        search.to_target,
        tuple(search.gains),
        tuple(sorted(finds, key=lambda f: (len(f.text), f.text))),
        search.timed_out,
        search.top,
    )
    return found if found.higher is None else replace(found, top=search.elsewhere(found.higher))


_Scored = tuple[float, int, str]
"""(total, minus its length, text): the order of a beam."""


@dataclass
class _Search:
    """The state of a search."""

    score: ScoreTexts
    bank: Bank
    prompts: int
    target: float
    budget: int
    rng: random.Random
    is_copy: Callable[[str], bool]
    seconds: float | None
    on_progress: Callable[[int, float], None]
    used: int = 0
    best: float = float("-inf")
    gains: list[tuple[int, float]] = field(default_factory=list)
    finds: list[Find] = field(default_factory=list)
    top: Find | None = None
    timed_out: bool = False
    began: float = field(default_factory=monotonic)

    def goes_on(self) -> bool:
        """Whether calls, and time, are left."""
        self.timed_out = self.seconds is not None and monotonic() - self.began > self.seconds
        return self.used < self.budget and not self.timed_out

    @property
    def to_target(self) -> int | None:
        """Calls until the target was reached."""
        return next((calls for calls, total in self.gains if total >= self.target - 1e-9), None)

    def climb_on(self, prompt: int) -> None:
        """Climb on one prompt until a find, or until nothing is gained any more."""
        seen: set[str] = set()
        beam = self._scored(prompt, [self._start() for _ in range(2 * _ROUND)], seen)[:_BEAM]
        still, top = 0, max((total for total, _, _ in beam), default=float("-inf"))
        while self.goes_on() and beam and still < _PATIENCE and top < self.target - 1e-9:
            children = [self._child(beam) for _ in range(_ROUND)]
            beam = sorted({*beam, *self._scored(prompt, children, seen)}, reverse=True)[:_BEAM]
            still, top = (0, beam[0][0]) if beam[0][0] > top + 1e-9 else (still + 1, top)
        if top >= self.target - 1e-9:
            self._keep(prompt, beam)

    def elsewhere(self, find: Find) -> Find:
        """A find with the number of other prompts on which it holds."""
        others = [place for place in range(self.prompts) if place != find.prompt]
        holds = sum(self.score(place, [find.text])[0][0] >= self.target - 1e-9 for place in others)
        return replace(find, holds=holds)

    def _scored(self, prompt: int, texts: Iterable[str], seen: set[str]) -> list[_Scored]:
        """New texts with their totals, best first; copies, and texts seen before, are left out."""
        fresh = [text for text in dict.fromkeys(texts) if text not in seen and not self.is_copy(text)]
        fresh = fresh[: max(0, self.budget - self.used)]
        seen.update(fresh)
        if not fresh:
            return []
        scored = self.score(prompt, fresh)
        totals = [total for total, _ in scored]
        for text, (total, components) in zip(fresh, scored, strict=True):
            self.used += 1
            if total > self.best + 1e-9:
                self.best = total
                self.gains.append((self.used, total))
                self.top = Find(text, total, components, prompt, self.used)
        self.on_progress(self.used, self.best)
        return sorted(((t, -len(text), text) for t, text in zip(totals, fresh, strict=True)), reverse=True)

    def _keep(self, prompt: int, beam: list[_Scored]) -> None:
        """Make the best text shorter, and keep it if it is no variant of another find."""
        found_at, text, seen = self.used, beam[0][2], {beam[0][2]}
        for _ in range(_SHORTENING):
            shorter = [_without_a_piece(text, self.rng) for _ in range(_ROUND)]
            high = [t for total, _, t in self._scored(prompt, shorter, seen) if total >= self.target - 1e-9]
            if not high or not self.goes_on():
                break
            text = min(high, key=len)
        if text.strip() and all(_alike(text, find.text) < _SAME for find in self.finds):
            ((total, components),) = self.score(prompt, [text])
            self.finds.append(Find(text, total, components, prompt, found_at))

    def _start(self) -> str:
        """A first text: pieces put together, words, or a completion of the data with its words exchanged."""
        kind = self.rng.randrange(3)
        if kind == 0 or not self.bank.completions:
            return "\n".join(self.rng.choices(self.bank.pieces or self.bank.words, k=self.rng.randint(1, 4)))
        if kind == 1:
            return " ".join(self.rng.choices(self.bank.words, k=self.rng.randint(1, 12)))
        text = self.rng.choice(self.bank.completions)
        for _ in range(self.rng.randint(2, 8)):
            text = self._swapped_word(text)
        return text[:LONGEST]

    def _child(self, beam: list[_Scored]) -> str:
        """A text of the beam after one to three changes; the better ones are taken more often."""
        text = beam[min(int(self.rng.expovariate(0.4)), len(beam) - 1)][2]
        for _ in range(self.rng.randint(1, 3)):
            text = self.rng.choice(
                (self._spliced, self._repeated, self._dropped, self._shuffled, self._swapped_word, self._swapped_piece)
            )(text)
            if self.rng.random() < 0.05:
                other = self.rng.choice(beam)[2]
                text = text[: len(text) // 2] + other[len(other) // 2 :]
        return text[:LONGEST]

    def _any_piece(self) -> str:
        return self.rng.choice(self.bank.pieces if self.bank.pieces and self.rng.random() < 0.5 else self.bank.words)

    def _spliced(self, text: str) -> str:
        parts, glue = _parts(text, self.rng)
        parts.insert(self.rng.randint(0, len(parts)), self._any_piece())
        return glue.join(parts)

    def _repeated(self, text: str) -> str:
        parts, glue = _parts(text, self.rng)
        i = self.rng.randrange(len(parts))
        return glue.join([*parts[:i], *[parts[i]] * self.rng.randint(2, 4), *parts[i + 1 :]])

    def _dropped(self, text: str) -> str:
        return _without_a_piece(text, self.rng)

    def _shuffled(self, text: str) -> str:
        parts, glue = _parts(text, self.rng)
        i, j = self.rng.randrange(len(parts)), self.rng.randrange(len(parts))
        parts[i], parts[j] = parts[j], parts[i]
        return glue.join(parts)

    def _swapped_piece(self, text: str) -> str:
        parts, glue = _parts(text, self.rng)
        parts[self.rng.randrange(len(parts))] = self._any_piece()
        return glue.join(parts)

    def _swapped_word(self, text: str) -> str:
        """One word, number or quoted value in place of another; what stands around it stays."""
        places = [m.span() for m in re.finditer(r"\"[^\"\n]{0,40}\"|[\w%$.,-]+", text)]
        if not places:
            return self._any_piece()
        start, end = self.rng.choice(places)
        return text[:start] + self.rng.choice(self.bank.words) + text[end:]


def _parts(text: str, rng: random.Random) -> tuple[list[str], str]:
    """A text's lines, or its words, with what joins them."""
    glue = "\n" if "\n" in text and rng.random() < 0.5 else " "
    return text.split(glue), glue


def _without_a_piece(text: str, rng: random.Random) -> str:
    parts, glue = _parts(text, rng)
    i = rng.randrange(len(parts))
    return glue.join(parts[:i] + parts[i + rng.randint(1, max(1, len(parts) // 4)) :])


def _alike(a: str, b: str) -> float:
    """The share of words that two texts have in common (Jaccard)."""
    left, right = set(a.lower().split()), set(b.lower().split())
    return len(left & right) / max(1, len(left | right))
