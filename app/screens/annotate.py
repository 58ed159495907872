"""Annotate: one completion at a time, blind, a key per score."""

import time

import streamlit as st

from app.ui.completion import show_completion, show_prompt
from app.ui.guidelines import guideline
from app.ui.language import t, task_name
from app.ui.state import open_store
from backend.errors import UserError
from backend.settings import get_settings
from backend.store.completions import one_completion
from backend.store.engine import reading, writing
from backend.store.ratings import get_rater, next_to_rate, progress, save_rating, undo_last

_LEAST_SECONDS = 0.4  # a key held down must not rate what nobody has seen


def choose_rater() -> int | None:
    """The rater's id, once a name is given; the name stays in the address."""
    name = st.sidebar.text_input(t("Your name", "Seu nome"), key="rater", bind="query-params", max_chars=120)
    if not name.strip():
        st.title(t("Annotate", "Avaliar"))
        st.write(
            t(
                "Score completions from 1 to 5. Your scores decide whether a reward may be trained on. "
                "You see neither the reward nor the model's name.",
                "Dê notas de 1 a 5 às respostas. Suas notas decidem se uma recompensa pode ser usada no treino. "
                "Você não vê a recompensa nem o nome do modelo.",
            )
        )
        st.info(
            t("Write your name in the sidebar to start.", "Escreva seu nome na barra lateral para começar."),
            icon=":material/badge:",
        )
        return None
    if st.session_state.get("rater_known") != name:
        with writing() as session:
            st.session_state["rater_id"] = get_rater(session, name).id
        st.session_state["rater_known"] = name
        st.session_state.pop("item", None)
    return int(st.session_state["rater_id"])


def rate(completion_id: int, rater_id: int, score: int | None = None, skip_reason: str | None = None) -> None:
    """Button callback: save at once, then let the next run show the next item."""
    seconds = time.time() - st.session_state.get("shown_at", time.time())
    if st.session_state.get("item") != completion_id or seconds < _LEAST_SECONDS:
        return
    comment = st.session_state.get(f"comment_{completion_id}", "")
    try:
        with writing() as session:
            save_rating(session, completion_id, rater_id, score, skip_reason, comment, seconds)
    except UserError as error:
        st.session_state["rating_error"] = str(error)
        return
    st.session_state["last"] = score if score is not None else "–"
    st.session_state.pop("item", None)


def take_back(rater_id: int) -> None:
    """Button callback: undo this rater's last rating and show that item again."""
    with writing() as session:
        completion_id = undo_last(session, rater_id)
    if completion_id is not None:
        st.session_state["item"] = completion_id
        st.session_state["shown_at"] = time.time()
        st.session_state.pop("last", None)


def current_item(rater_id: int) -> int | None:
    """The completion on screen; the next one of the queue when there is none."""
    if "item" not in st.session_state:
        with reading() as session:
            item = next_to_rate(session, rater_id, get_settings().raters_per_completion)
        if item is None:
            return None
        st.session_state["item"] = item
        st.session_state["shown_at"] = time.time()
    return int(st.session_state["item"])


def score_row(item: int, rater_id: int) -> None:
    """The five scores, skip and undo, each with its key."""
    labels = {
        1: t("useless", "inútil"),
        2: t("poor", "fraca"),
        3: t("usable", "usável"),
        4: t("good", "boa"),
        5: t("excellent", "ótima"),
    }
    with st.container(horizontal=True, horizontal_alignment="left"):
        for score, label in labels.items():
            st.button(
                label,
                key=f"score_{score}",
                shortcut=str(score),
                on_click=rate,
                args=(item, rater_id, score),
            )
        st.button(
            t("Skip", "Pular"),
            key="skip",
            shortcut="s",
            type="tertiary",
            on_click=rate,
            args=(item, rater_id, None, "skipped"),
        )
        st.button(
            t("Undo", "Desfazer"),
            key="undo",
            shortcut="backspace",
            type="tertiary",
            icon=":material/undo:",
            on_click=take_back,
            args=(rater_id,),
        )


def show_guideline(task: str) -> None:
    """The task's question and anchors."""
    g = guideline(task)
    st.markdown(f"**{g.question}**")
    st.markdown(f"- **1** · {g.one}\n- **3** · {g.three}\n- **5** · {g.five}")


def page() -> None:
    """Draw the page."""
    rater_id = choose_rater()
    if rater_id is None:
        return
    item = current_item(rater_id)
    with reading() as session:
        done, left = progress(session, rater_id, get_settings().raters_per_completion)
        row = one_completion(session, item) if item is not None else None
    st.progress(done / max(1, done + left), text=t(f"{done} rated · {left} to go", f"{done} avaliadas · faltam {left}"))
    if error := st.session_state.pop("rating_error", None):
        st.error(error)
    if item is None or row is None:
        st.success(
            t(
                "Nothing is left for you to rate. Thank you! The result is on Reward audit.",
                "Não há mais nada para você avaliar. Obrigado! O resultado está em Auditoria da recompensa.",
            ),
            icon=":material/celebration:",
        )
        st.button(t("Undo the last one", "Desfazer a última"), on_click=take_back, args=(rater_id,))
        return
    prompt, answer = st.columns([2, 3], gap="medium")
    with prompt:
        st.subheader(task_name(row["task"]), anchor=False)
        show_prompt(row["user_text"])
        show_guideline(row["task"])
    with answer:
        st.subheader(t("Completion", "Resposta"), anchor=False)
        with st.container(border=True):
            show_completion(row["task"], row["text"])
        score_row(item, rater_id)
        last = st.session_state.get("last")
        saved = t(f"saved: {last} · ", f"salva: {last} · ") if last is not None else ""
        st.caption(
            saved
            + t(
                "Keys: 1–5 score and move on, S skips, Backspace takes the last one back.",
                "Teclas: 1–5 dão a nota e avançam, S pula, Backspace desfaz a última.",
            )
        )
        st.text_area(t("Comment (optional)", "Comentário (opcional)"), key=f"comment_{item}", height=68, max_chars=2000)


open_store()
page()
