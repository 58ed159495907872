"""The data of the audit's page, cached until the ratings change."""

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from app.ui.language import t
from backend.audit.attacks import Standing
from backend.audit.best_of_n import BestOf, of_people, of_truth
from backend.audit.gate import Gate
from backend.audit.gates import ratings_hashes, standing_gates
from backend.audit.policies import PolicyRho, by_policy
from backend.audit.strongest import Finding, strongest
from backend.audit.table import People, audit_table, people_of
from backend.store.completions import (
    MOST_RATED,
    MOST_WITH_RATERS,
    all_ratings,
    ensure_scores,
    gap_counts,
    human_scores,
    rated_scores,
    sampled_scores,
    unscored,
)
from backend.store.engine import in_parts, reading, writing
from backend.store.ratings import ratings_version, self_agreement
from backend.suites import fingerprint_of_all, task_names, tasks


@st.cache_data(show_spinner=False, max_entries=4)
def _with_raters(version: str) -> pd.DataFrame:
    with reading() as session:
        return human_scores(session, MOST_WITH_RATERS)


def _human(version: str) -> pd.DataFrame:
    """What an audit reads of it: a sample in the sample."""
    sample = _with_raters(version)
    return sample[sample["place"] <= MOST_RATED]


@st.cache_data(show_spinner=False, max_entries=16)
def _rated(profile: str, rules: str, version: str) -> pd.DataFrame:
    with reading() as session:
        return rated_scores(session, profile, _human(version))


@st.cache_data(show_spinner=False, max_entries=16)
def _audit(profile: str, rules: str, version: str) -> pd.DataFrame:
    with reading() as session:
        without = gap_counts(session, profile)
    return audit_table(_rated(profile, rules, version), people(version), gaps=without)


@st.cache_data(show_spinner=False, max_entries=4)
def people(version: str) -> dict[str, People]:
    """What is known of each task's raters."""
    with reading() as session:
        return people_of(all_ratings(session, _with_raters(version)["completion_id"]), self_agreement(session))


@st.cache_data(show_spinner=False, max_entries=4)
def _hashes(version: str) -> dict[str, str]:
    with reading() as session:
        return ratings_hashes(session)


@st.cache_data(show_spinner=False, max_entries=16)
def best_of(profile: str, rules: str, version: str) -> dict[str, list[BestOf]]:
    """Task -> best-of-n by what people say."""
    return {str(task): of_people(rows) for task, rows in _rated(profile, rules, version).groupby("task")}


@st.cache_data(show_spinner=False, max_entries=16)
def best_by_truth(profile: str, rules: str, version: str) -> dict[str, list[BestOf]]:
    """Task -> best-of-n by the truth behind its prompts, for tasks that have a measure of it."""
    with reading() as session:
        return {
            name: of_truth(sampled_scores(session, name, profile), task.truth)
            for name, task in tasks().items()
            if task.truth is not None
        }


@st.cache_data(show_spinner=False, max_entries=16)
def _policies(profile: str, rules: str, version: str) -> list[PolicyRho]:
    return by_policy(_rated(profile, rules, version))


def whose(profile: str, version: str) -> list[PolicyRho]:
    """ρ on each policy's completions."""
    return _policies(profile, fingerprint_of_all(task_names(), profile), version)


def findings(profile: str, version: str, attacks: Mapping[str, Standing]) -> list[Finding]:
    """What the audit has found, the strongest first."""
    about = (profile, fingerprint_of_all(task_names(), profile), version)
    return strongest(_rated(*about), _audit(*about), attacks, best_of(*about), _policies(*about))


def load(profile: str) -> tuple[pd.DataFrame, pd.DataFrame, str]:
    """(rated completions with their scores, the audit, version of the ratings); missing scores are computed first."""
    with reading() as session:
        version = ratings_version(session)
    rules = fingerprint_of_all(task_names(), profile)
    if st.session_state.get("scored") != (profile, rules, version):
        with reading() as session:
            missing = unscored(session, profile, _human(version)["completion_id"].tolist())
        if missing:
            rescore(profile, missing)
        st.session_state["scored"] = (profile, rules, version)
    return _rated(profile, rules, version), _audit(profile, rules, version), version


def standing(profile: str) -> dict[str, Gate]:
    """The recorded decision on each task's reward; ``stale`` if the ratings or the rules have changed since."""
    with reading() as session:
        version = ratings_version(session)
        return standing_gates(session, profile, lambda: _hashes(version))


def rescore(profile: str, missing: list[int]) -> None:
    """Score completions that have no score under these rules, with a progress bar."""
    n, done = len(missing), 0
    bar = st.progress(0.0, text=t(f"scoring {n} completions", f"pontuando {n} respostas"))
    for part in in_parts(missing, 2_000):
        with writing() as session:
            ensure_scores(session, profile, part)
        done += len(part)
        bar.progress(done / n)
    bar.empty()


def held_out_words() -> str:
    """Said where one could tune a reward by what is shown."""
    return t(
        "From half of the prompts: the other half is held out, so that a reward tuned by what stands here can be judged on it.",
        "De metade dos prompts: a outra metade fica reservada, para julgar nela uma recompensa ajustada pelo que está aqui.",
    )
