"""A run's rollouts: what training sampled, kept beside its metrics as Parquet in the columns of TRL's ``log_completions``.

``rollouts/completions_00012.parquet`` holds the completions of step 12: step, prompt (as the model read it), completion, one
column per reward component as TRL got it, then columns of our own (``shadow/<measure>``, prompt_id, task, and ``reward``, the
task's total), and last ``advantage``, the one the policy was trained with.

Whole steps are kept, so that a group can be compared. A share below 1 keeps steps that lie evenly over the run, the first among
them; when the folder grows over its limit, the share is halved and the steps that no longer belong to it are removed.
"""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from pathlib import Path
from typing import Any

import pandas as pd

from backend.files import name_aside, read_json, write_json

FOLDER = "rollouts"
_SHARE = "share.json"
OWN = ("step", "prompt", "completion", "prompt_id", "task", "reward", "advantage")
"""Columns that are neither a component nor a shadow measure."""
SHADOW = "shadow/"


class Rollouts:
    """Writes a run's rollouts.

    Args:
        run_folder: the run's folder.
        share: of the steps, 0 to 1.
        most_bytes: the most that all files may take together.
    """

    def __init__(self, run_folder: Path, share: float, most_bytes: int) -> None:
        self._folder, self._most = run_folder / FOLDER, most_bytes
        self._share = min(share, (read_json(self._folder / _SHARE) or {"share": share})["share"])
        self._bytes = {step: path.stat().st_size for step, path in _files(self._folder).items()}

    def wants(self, step: int) -> bool:
        """Whether the step belongs to the share that is kept; every step of half a share belongs to the whole."""
        return ceil(step * self._share) > ceil((step - 1) * self._share)

    def add(self, step: int, columns: Mapping[str, Sequence[Any]]) -> None:
        """Keep a step's completions; a reader sees the whole file or none.

        Args:
            step: from 1.
            columns: name -> one value for each completion, in the order of the file; groups are consecutive.
        """
        if not self.wants(step):
            return
        import pyarrow
        import pyarrow.parquet

        count = len(next(iter(columns.values())))
        texts = ("prompt", "completion", "prompt_id", "task")
        table = {"step": pyarrow.array([step] * count, pyarrow.int64())}
        kinds = {name: pyarrow.string() if name in texts else pyarrow.float64() for name in columns}
        table |= {
            name: pyarrow.array(v, kinds[name], from_pandas=True) for name, v in columns.items()
        }  # NaN: not there
        path = self._folder / f"completions_{step:05d}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = name_aside(path)
        pyarrow.parquet.write_table(pyarrow.table(table), aside, compression="zstd")
        aside.replace(path)
        self._bytes[step] = path.stat().st_size
        self._stay_within()

    def _stay_within(self) -> None:
        while sum(self._bytes.values()) > self._most:
            if len(self._bytes) == 1:  # one step alone is too large
                self._remove(next(iter(self._bytes)))
                return
            self._share /= 2
            write_json(self._folder / _SHARE, {"share": self._share})
            for step in [s for s in self._bytes if not self.wants(s)]:
                self._remove(step)

    def _remove(self, step: int) -> None:
        (self._folder / f"completions_{step:05d}.parquet").unlink(missing_ok=True)
        del self._bytes[step]


def rewind_rollouts(run_folder: Path, step: int) -> None:
    """Remove the rollouts of later steps, and what a killed process left half-written."""
    folder = run_folder / FOLDER
    for of, path in _files(folder).items():
        if of > step:
            path.unlink()
    for part in folder.glob("*.part"):
        part.unlink()


def rollout_steps(run_folder: Path) -> list[int]:
    """The steps whose rollouts are kept, in order."""
    return sorted(_files(run_folder / FOLDER))


def read_rollouts(run_folder: Path, step: int) -> pd.DataFrame:
    """A step's rollouts, one row per completion; empty where the step is not kept (any more)."""
    try:
        return pd.read_parquet(run_folder / FOLDER / f"completions_{step:05d}.parquet")
    except FileNotFoundError:
        return pd.DataFrame(columns=list(OWN))


def find_in_rollouts(run_folder: Path, text: str, most: int = 200) -> pd.DataFrame:
    """The rollouts of all steps whose completion holds a text, whatever its case, earliest first.

    Returns:
        At most ``most`` rows, with the columns of ``read_rollouts`` and ``matches``: how many the row's step has.
    """
    found, rows = [], 0
    for hits in _hits(run_folder, text):
        found.append(hits.assign(matches=len(hits)))
        rows += len(hits)
        if rows >= most:
            break
    return pd.concat(found, ignore_index=True).head(most) if found else pd.DataFrame(columns=[*OWN, "matches"])


def _hits(run_folder: Path, text: str) -> Iterator[pd.DataFrame]:
    for step in rollout_steps(run_folder):
        frame = read_rollouts(run_folder, step)
        hits = frame[frame["completion"].str.contains(text, case=False, regex=False)]
        if len(hits):
            yield hits


def measures_of(frame: pd.DataFrame) -> list[str]:
    """The columns of components and shadow measures that apply to any of these rollouts."""
    return [name for name in frame.columns if name not in OWN and frame[name].notna().any()]


def _files(folder: Path) -> dict[int, Path]:
    return {
        int(number): path
        for path in folder.glob("completions_*.parquet")
        if (number := path.stem.removeprefix("completions_")).isdigit()
    }
