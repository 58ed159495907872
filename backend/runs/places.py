"""The places where runs can be started, and how much room each has."""

from dataclasses import dataclass

from backend.runs.handle import LOCAL, Handle, this_host
from backend.runs.launchers import places
from backend.runs.queue import is_in
from backend.store.engine import reading
from backend.store.runs import active_runs


@dataclass(frozen=True)
class Room:
    """How many runs a place has at most, how many are under way there and how many wait, all of this machine's."""

    at_once: int
    under_way: int
    waiting: int

    @property
    def free(self) -> int:
        """How many more would start at once."""
        return max(0, self.at_once - self.under_way - self.waiting)


def rooms() -> dict[str, Room]:
    """Place -> its room: this machine first, then the sections of launch.toml.

    Raises:
        UserError: launch.toml is wrong.
    """
    with reading() as session:
        active = active_runs(session)
    at_once = {LOCAL: 1, **{name: place.at_once for name, place in places().items()}}
    found = {}
    for name, most in at_once.items():
        here = Handle(name, this_host())  # a child on this machine is in its parent's turn
        mine = [run for run in active if is_in(run, here) and not (name == LOCAL and run.parent_id)]
        waiting = sum(run.place is not None for run in mine)
        found[name] = Room(most, len(mine) - waiting, waiting)
    return found


def in_words(room: Room) -> str:
    """A room as a line for a terminal."""
    return f"{room.free} of {room.at_once} free, {room.under_way} under way, {room.waiting} waiting"
