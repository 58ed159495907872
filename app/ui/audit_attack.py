"""Attack a reward: cheap texts that it scores high, shown beside ρ and put before the raters."""

import pandas as pd
import streamlit as st

from app.ui.actions import attempt
from app.ui.chart import show_chart
from app.ui.language import grouped, language, number, queued, t
from app.ui.state import shown_errors
from app.ui.task_choice import choose_task
from backend.access import who
from backend.audit.attack import Attacked, attack_task, finds_waiting, queue_finds
from backend.audit.attacks import keep_attack, standing_attacks
from backend.charts.audit import climb_chart
from backend.store.engine import reading, writing
from backend.suites import fingerprint, task_names
from rewards.attack import Find

SECONDS = 60.0
"""The longest that the page searches; the result says where it was cut."""


@st.cache_data(show_spinner=False, max_entries=32)
def _attack(task: str, profile: str, rules: str, version: str) -> Attacked:
    with reading() as session:
        attacked = attack_task(session, task, profile, seconds=SECONDS)
    with writing() as session:
        keep_attack(session, attacked)
    return attacked


def show_attack(profile: str, having: list[str], version: str) -> None:
    """Choose one of the tasks that have completions, attack its reward, read what was found."""
    st.caption(
        t(
            "A search that sees only texts and their scores looks for cheap ones that score high, as training will. A reward "
            "can agree with people on ordinary answers and still be broken.",
            "Uma busca que só vê textos e suas notas procura os baratos que pontuam alto, como fará o treino. Uma recompensa "
            "pode concordar com as pessoas em respostas comuns e mesmo assim estar quebrada.",
        )
    )
    tasks = [task for task in having if task in task_names()]
    if not tasks:
        st.caption(
            t("No suite here has a reward for these tasks.", "Nenhuma suíte daqui tem recompensa para estas tarefas.")
        )
        return
    row = st.container(horizontal=True, vertical_alignment="bottom")
    with row:
        task = choose_task(tasks, "attack_task")
    about = (task, profile, fingerprint(task, profile), version)
    wanted: set[tuple[str, ...]] = st.session_state.setdefault("attacked", set())
    if row.button(
        t("Attack", "Atacar"), icon=":material/swords:", type="primary" if about not in wanted else "secondary"
    ):
        with shown_errors(), st.spinner(t("searching, up to a minute", "procurando, até um minuto"), show_time=True):
            _attack(*about)
            wanted.add(about)
            st.rerun()  # what it found stands in the page's first lines
    if about in wanted:
        _show(_attack(*about))
    with reading() as session:
        waiting = finds_waiting(session).get(task, 0)
        made = standing_attacks(session, profile).get(task)
    if made is not None and about not in wanted:
        st.markdown(t("So far: ", "Até aqui: ") + t(*made.words) + ".")
        for text in made.texts:
            st.code(text, language=None, wrap_lines=True)
    if waiting:
        st.caption(
            t(
                f"{waiting} finds wait for raters; those scored 1 or 2 become probes.",
                f"{waiting} achados esperam avaliação; os que receberem 1 ou 2 viram sondas.",
            )
        )


def _show(attacked: Attacked) -> None:
    found = attacked.found
    others = len(attacked.prompt_ids) - 1
    cut = t(" (the time was up)", " (o tempo acabou)") if found.timed_out else ""
    if found.to_target is None:
        st.success(
            t(
                f"No cheap text reached {number(found.target)} in {grouped(found.calls)} calls{cut}; the best had {number(found.best)}. "
                "That is no proof that there is none.",
                f"Nenhum texto barato chegou a {number(found.target)} em {grouped(found.calls)} chamadas{cut}; o melhor teve "
                f"{number(found.best)}. Isso não prova que não exista.",
            ),
            icon=":material/shield:",
        )
    else:
        st.error(
            t(
                f"Broken after {grouped(found.to_target)} calls: a cheap text reaches {number(found.target)}. Training will find it too.",
                f"Quebrada em {grouped(found.to_target)} chamadas: um texto barato chega a {number(found.target)}. O treino também acha.",
            ),
            icon=":material/gpp_bad:",
        )
    if len(found.climb) > 1:
        climb = pd.DataFrame(found.climb, columns=["calls", "best"])
        show_chart(
            climb_chart(climb, found.target, language()), alt=t("Best total by calls", "Melhor total por chamadas")
        )
    for find in found.finds:
        _show_find(find, others)
    if found.higher is not None:
        st.caption(
            t(
                "The finds were made as short as they can be and still score high; the highest total of all had:",
                "Os achados foram encurtados enquanto ainda pontuam alto; o total mais alto de todos foi de:",
            )
        )
        _show_find(found.higher, others)
    if found.finds:
        st.button(
            t("Put them before the raters", "Dar aos avaliadores"),
            icon=":material/playlist_add:",
            disabled=not who().may(),
            on_click=attempt,
            args=(_queue, attacked),
            help=t(
                "Blind, among the others. What people score 1 or 2 becomes a probe of the task.",
                "Às cegas, entre as outras. O que receber 1 ou 2 vira sonda da tarefa.",
            ),
        )


def _show_find(find: Find, others: int) -> None:
    """A text, its total, and on how many of the other attacked prompts it scores high."""
    with st.container(border=True):
        st.caption(
            t(
                f"reward {number(find.total)} · also on {find.holds} of the {others} other prompts attacked",
                f"recompensa {number(find.total)} · também em {find.holds} dos outros {others} prompts atacados",
            )
        )
        st.code(find.text, language=None, wrap_lines=True)
        parts = sorted(find.components.items(), key=lambda part: -part[1])
        st.caption(" · ".join(f"{name} {number(value)}" for name, value in parts))


def _queue(attacked: Attacked) -> None:
    with writing() as session:
        new = queue_finds(session, attacked)
    st.toast(queued(new, "{n:find is|finds are}", "{n:achado está|achados estão}"))
