"""What a run sampled: the completions of one step, in groups or as a list, and a search over one step or all."""

from pathlib import Path

import pandas as pd
import streamlit as st

from app.ui.completion import show_completion, show_prompt
from app.ui.language import filled, number, t, task_name
from backend.data.rollouts import SHADOW, find_in_rollouts, measures_of, read_rollouts, rollout_steps
from backend.store.engine import reading
from backend.store.prompts import user_texts
from backend.store.tables import Run

_MOST = 200
"""Rows that a list shows."""


@st.cache_data(show_spinner=False, max_entries=32)
def _rollouts(folder: str, step: int, version: int) -> pd.DataFrame:
    return read_rollouts(Path(folder), step)


@st.cache_data(show_spinner=False, max_entries=8)
def _found(folder: str, text: str, version: int) -> pd.DataFrame:
    return find_in_rollouts(Path(folder), text, _MOST)


@st.cache_data(show_spinner=False, max_entries=32)
def _prompts(ids: tuple[str, ...], run_id: str) -> dict[str, str]:
    with reading() as session:
        return user_texts(session, list(ids))


def show_rollouts(run: Run) -> None:
    """Choose a step and how its completions are shown; nothing where the run kept none."""
    steps = rollout_steps(Path(run.folder))
    if not steps:
        return
    st.markdown(f"**{t('What it sampled in training', 'O que gerou no treino')}**")
    step = _choose_step(run, steps)
    bar = st.container(horizontal=True, vertical_alignment="bottom")
    views = {"groups": t("Groups", "Grupos"), "list": t("List", "Lista")}
    view = bar.segmented_control(
        t("Show as", "Mostrar como"),
        list(views),
        format_func=views.__getitem__,
        default="groups",
        key=f"rollout_view_{run.id}",
        required=True,
    )
    text = bar.text_input(
        t("Search the completions", "Buscar nas respostas"),
        key=f"rollout_text_{run.id}",
        width=260,
        icon=":material/search:",
    )
    everywhere = bool(text) and bar.toggle(
        t("in all kept steps", "em todos os passos guardados"), key=f"rollout_all_{run.id}"
    )
    frame = _frame(run, step, text, everywhere)
    if frame.empty:
        st.caption(t("No completion holds that text.", "Nenhuma resposta contém esse texto."))
    elif view == "list" or everywhere:
        _show_list(run, frame)
    else:
        _show_group(run, frame)


def _choose_step(run: Run, steps: list[int]) -> int:
    key = f"rollout_step_{run.id}"
    if st.session_state.get(key) not in steps:
        st.session_state.pop(key, None)
    if len(steps) == 1:
        return steps[0]
    return int(st.select_slider(t("Step", "Passo"), steps, value=steps[-1], key=key))


def _frame(run: Run, step: int, text: str, everywhere: bool) -> pd.DataFrame:
    if everywhere:
        return _found(run.folder, text, run.metrics_read)
    frame = _rollouts(run.folder, step, run.metrics_read)
    return frame[frame["completion"].str.contains(text, case=False, regex=False)] if text else frame


def _show_group(run: Run, frame: pd.DataFrame) -> None:
    """The completions of one prompt side by side, highest advantage first."""
    groups = {str(prompt): of for prompt, of in frame.groupby("prompt_id", sort=False)}
    asked = _prompts(tuple(groups), str(run.id))
    chosen = st.selectbox(
        t("Prompt", "Prompt"),
        list(groups),
        format_func=lambda prompt: _group_name(groups[prompt], asked.get(prompt, "")),
        key=f"rollout_prompt_{run.id}",
    )
    group = groups[chosen].sort_values("advantage", ascending=False, kind="stable")
    with st.expander(t("The prompt", "O prompt")):
        show_prompt(asked.get(chosen) or str(group["prompt"].iloc[0]))
    if group["reward"].nunique() == 1 and len(group) > 1:
        st.caption(
            t(
                "All have the same reward: if their components do not differ either, this group teaches nothing.",
                "Todas têm a mesma recompensa: se os componentes também não diferem, este grupo não ensina nada.",
            )
        )
    cards, measures = st.container(horizontal=True, gap="small"), measures_of(group)
    for _, row in group.iterrows():
        with cards.container(border=True, width=330):
            _show_card(row, measures)


def _group_name(group: pd.DataFrame, asked: str) -> str:
    low, high = group["reward"].min(), group["reward"].max()
    words = " ".join(asked.split())[:70]
    return f"{task_name(str(group['task'].iloc[0]))} · {number(low)}–{number(high)} · {words}"


def _show_card(row: pd.Series, measures: list[str]) -> None:
    advantage = float(row["advantage"])
    colour = "green" if advantage > 0 else "red" if advantage < 0 else "gray"
    st.markdown(
        f"{t('reward', 'recompensa')} **{number(row['reward'])}** · "
        f":{colour}[{t('advantage', 'vantagem')} {number(advantage, signed=True)}]"
    )
    show_completion(str(row["task"]), str(row["completion"]))
    st.caption(" · ".join(f"{_measure_name(name)} {number(row[name])}" for name in measures if pd.notna(row[name])))


def _measure_name(column: str) -> str:
    if column.startswith(SHADOW):
        return f"{column.removeprefix(SHADOW)} ({t('only watches', 'só observa')})"
    return column.rpartition("/")[2]


def _show_list(run: Run, frame: pd.DataFrame) -> None:
    orders = {
        ("reward", False): t("highest reward first", "maior recompensa primeiro"),
        ("reward", True): t("lowest reward first", "menor recompensa primeiro"),
        ("advantage", False): t("highest advantage first", "maior vantagem primeiro"),
        ("step", True): t("earliest step first", "passo mais antigo primeiro"),
    }
    column, ascending = st.selectbox(
        t("Order", "Ordem"),
        list(orders),
        format_func=orders.__getitem__,
        key=f"rollout_order_{run.id}",
        width=260,
    )
    rows = frame.sort_values(column, ascending=ascending, kind="stable").head(_MOST)
    table = rows.assign(task=[task_name(task) for task in rows["task"]])[
        ["step", "task", "reward", "advantage", "completion"]
    ]
    chosen = st.dataframe(
        table,
        hide_index=True,
        height=280,
        on_select="rerun",
        selection_mode="single-row",
        key=f"rollout_list_{run.id}",
        alt=t("Completions sampled in training", "Respostas geradas no treino"),
        column_config={
            "step": t("step", "passo"),
            "task": t("task", "tarefa"),
            "reward": st.column_config.NumberColumn(t("reward", "recompensa"), format="%.2f"),
            "advantage": st.column_config.NumberColumn(t("advantage", "vantagem"), format="%+.2f"),
            "completion": st.column_config.TextColumn(t("completion", "resposta"), width="large"),
        },
    )
    st.caption(_count_words(len(frame)))
    picked = [place for place in chosen["selection"]["rows"] if place < len(rows)]
    if picked:
        row = rows.iloc[picked[0]]
        left, right = st.columns([2, 3], gap="medium")
        with left:
            show_prompt(
                _prompts((str(row["prompt_id"]),), str(run.id)).get(str(row["prompt_id"])) or str(row["prompt"])
            )
        with right:
            _show_card(row, measures_of(rows.iloc[[picked[0]]]))


def _count_words(count: int) -> str:
    if count >= _MOST:
        return t(f"The first {_MOST}; click a row to read it.", f"As primeiras {_MOST}; clique numa linha para lê-la.")
    return filled(
        "{n} {n:completion|completions}; click a row to read it.",
        "{n} {n:resposta|respostas}; clique numa linha para lê-la.",
        n=count,
    )
