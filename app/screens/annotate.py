"""Annotate: rate one completion at a time, blind, with one key per score.

Everything below the rater's name is one fragment, so that a key press redraws only this fragment. The button's callback
saves a rating in the store at once. The completion on the screen is claimed in the store, so a rater who leaves and comes
back continues with it, and two raters do not get the same one by accident.
"""

import time

import streamlit as st

from app.pages import link_to
from app.ui.completion import show_asked, show_completion
from app.ui.criteria import KEYS, show_criteria
from app.ui.item_tokens import item_token
from app.ui.language import language, t, task_name
from app.ui.markdown import harmless, message
from app.ui.outage import fragment
from app.ui.rater import choose_rater
from app.ui.rating_steps import (
    ask_for_help,
    keep_draft,
    pick,
    rate,
    save_picked,
    set_skipping,
    show_item,
    take_back,
)
from app.ui.state import open_store
from backend.rating.criteria import criteria_of
from backend.rating.queue import claim_next, draft_of, progress
from backend.rating.ratings import FLAGS, SKIP_REASONS
from backend.store.completions import one_completion
from backend.store.engine import in_transaction, reading
from backend.store.ratings import self_agreement
from backend.suites import find_task, guideline_of

_BATCH = 50
_RECOUNT = 25  # after this many ratings "to go" is counted in the store; between them it only counts down


def welcome() -> None:
    """Explain the page, until there is a name."""
    st.title(t("Annotate", "Avaliar"), anchor=False)
    st.write(
        t(
            "Score completions from 1 to 5. Your scores decide whether a reward may be trained on. "
            "You see neither the reward nor the model's name.",
            "Dê notas de 1 a 5 às respostas. Suas notas decidem se uma recompensa pode ser usada no treino. "
            "Você não vê a recompensa nem o nome do modelo.",
        )
    )


def choose_mode() -> bool:
    """Whether a score's key saves and goes to the next completion at once; otherwise Enter saves.

    A widget that keeps the focus would take the keys: the control is drawn anew after each change, and loses it.
    """
    modes = {"one": t("At once", "Na hora"), "two": t("On Enter", "Com Enter")}
    mode = st.session_state.setdefault("mode", st.query_params.get("mode", "one"))
    mode = mode if mode in modes else "one"
    key = f"mode_{mode}"

    def change() -> None:
        st.session_state["mode"] = st.query_params["mode"] = st.session_state[key]

    st.sidebar.segmented_control(
        t("A score is saved", "A nota é salva"),
        list(modes),
        format_func=modes.__getitem__,
        key=key,
        default=mode,
        required=True,
        on_change=change,
    )
    return mode != "two"


def current_item(rater_id: int) -> int | None:
    """The completion on screen; the next one of the queue when there is none."""
    if "item" not in st.session_state:
        item = in_transaction(lambda session: claim_next(session, rater_id))
        if item is None:
            return None
        show_item(item)
    return int(st.session_state["item"])


def show_progress(rater_id: int) -> None:
    """How many ratings are done and left, and the seconds per rating."""
    counts = st.session_state.get("counts")
    if counts is None or counts[0] % _RECOUNT == 0:
        with reading() as session:
            counts = st.session_state["counts"] = progress(session, rater_id)
    done, left = counts
    st.session_state.setdefault("started", (time.time(), done))
    pace = _pace(done)
    words = t(f"{done} done · {left} to go", f"{done} feitas · faltam {left}")
    if pace is not None:
        words += t(f" · {pace:.0f} s each", f" · {pace:.0f} s cada")
    st.progress(done / max(1, done + left), text=words)


def _pace(done: int) -> float | None:
    """Seconds per rating since the page was opened; None before the first."""
    started, first = st.session_state["started"]
    return (time.time() - started) / (done - first) if done > first else None


def show_scores(item: int, rater_id: int, one_key: bool) -> None:
    """The five scores, skip and undo, each with its key."""
    labels = {
        1: t("useless", "inútil"),
        2: t("poor", "fraca"),
        3: t("usable", "usável"),
        4: t("good", "boa"),
        5: t("excellent", "ótima"),
    }
    with st.container(horizontal=True, horizontal_alignment="left", gap="xsmall"):
        for score, label in labels.items():
            is_picked = st.session_state.get("picked") == score
            st.button(
                label,
                key=f"score_{score}" + "_picked" * is_picked,  # drawn anew, so that Enter is not a click on it
                shortcut=str(score),
                type="primary" if is_picked else "secondary",
                on_click=rate if one_key else pick,
                args=(item, rater_id, score) if one_key else (score,),
            )
        if not one_key:
            st.button(
                t("Save", "Salvar"),
                key="save",
                shortcut="enter",
                icon=":material/check:",
                disabled="picked" not in st.session_state,
                on_click=save_picked,
                args=(item, rater_id),
            )
    with st.container(horizontal=True, horizontal_alignment="left"):
        st.button(t("Skip", "Pular"), key="skip", shortcut="s", type="tertiary", on_click=set_skipping, args=(True,))
        st.button(
            t("Undo", "Desfazer"),
            key="undo",
            shortcut="backspace",
            type="tertiary",
            icon=":material/undo:",
            on_click=take_back,
            args=(rater_id,),
        )
        st.button(
            t("Help", "Ajuda"), key="help", shortcut="h", type="tertiary", icon=":material/help:", on_click=ask_for_help
        )


def show_skip_reasons(item: int, rater_id: int) -> None:
    """The reasons to skip, in place of the scores."""
    words = {
        "not sure": t("I cannot judge it", "Não sei julgar"),
        **{flag: flag_words(flag) for flag in FLAGS},
    }
    st.caption(t("Skip it, because:", "Pular, porque:"))
    with st.container(horizontal=True, horizontal_alignment="left"):
        for key, reason in enumerate(SKIP_REASONS, start=1):
            st.button(
                words[reason],
                key=f"reason_{key}",
                shortcut=str(key),
                on_click=rate,
                args=(item, rater_id, None, reason),
            )
        st.button(
            t("Do not skip", "Não pular"),
            key="unskip",
            shortcut="backspace",
            type="tertiary",
            on_click=set_skipping,
            args=(False,),
        )


def flag_words(flag: str) -> str:
    """A flag in the chosen language."""
    words = {
        "wrong task": t("wrong task", "tarefa errada"),
        "unsafe": t("unsafe", "inseguro"),
        "unreadable": t("unreadable", "ilegível"),
    }
    return words[flag]


def show_help(one_key: bool, criteria: int) -> None:
    """The list of keys; the same button opens and closes it."""
    several = t(
        "a criterion; pressed again: met, in part, not met, none",
        "um critério; de novo: cumpre, em parte, não cumpre, nenhum",
    )
    keys = [
        ("1–5", t("score and move on", "dá a nota e avança") if one_key else t("choose a score", "escolhe a nota")),
        *([] if one_key else [("Enter", t("save and move on", "salva e avança"))]),
        *([(" ".join(KEYS[:criteria]).upper(), several)] if criteria else []),
        ("S", t("skip, then 1–4 for the reason", "pula; depois 1–4 dá o motivo")),
        ("Backspace", t("take the last one back", "desfaz a última")),
        ("Tab", t("leave the comment, so that keys score again", "sai do comentário; as teclas voltam a dar nota")),
        ("H", t("open or close this help", "abre ou fecha esta ajuda")),
    ]
    with st.container(border=True):
        st.markdown("\n".join(f"- `{key}` {what}" for key, what in keys))
        st.caption(
            t(
                "A score counts as soon as the next completion appears. A comment is kept when you leave its field.",
                "A nota vale assim que a próxima resposta aparece. O comentário fica guardado ao sair do campo.",
            )
        )


def show_guideline(task: str) -> None:
    """The task's question and anchors."""
    g, lang = guideline_of(task), language()
    anchors = [(score, text.within(lang)) for score, text in ((1, g.one), (3, g.three), (5, g.five)) if text.en]
    question = harmless(g.question.within(lang))
    lines = [f"- **{score}** · {text}" for score, text in anchors]
    st.markdown("\n".join([f"**{question}**", "", *lines]) if anchors else question)


def show_last() -> None:
    """What was saved, and an error if there was one."""
    if error := st.session_state.pop("rating_error", None):
        st.warning(message(error))
    last = st.session_state.get("last")
    if last is not None:
        st.caption(t(f":green[:material/check:] saved: {last}", f":green[:material/check:] salva: {last}"))


def show_pause(rater_id: int) -> None:
    """After every fifty: how many, how fast, and how steady; and that a pause keeps scores steady."""
    done, left = st.session_state.get("counts", (0, 0))
    if not done or (done % _BATCH and left):
        return
    words = t(f"{done} done.", f"{done} feitas.")
    if (pace := _pace(done)) is not None:
        words += t(f" About {pace:.0f} s each in this session.", f" Cerca de {pace:.0f} s cada nesta sessão.")
    with reading() as session:
        mine = self_agreement(session, rater_id)
    if not mine.empty:
        same, n = mine["same"].iloc[0], mine["repeats"].iloc[0]
        words += t(
            f" Of {n} shown to you twice, {same:.0%} got the same score again.",
            f" De {n} mostradas duas vezes, {same:.0%} tiveram a mesma nota.",
        )
    if left:
        words += t(" A short pause keeps scores steady.", " Uma pausa curta mantém as notas firmes.")
    st.info(words, icon=":material/coffee:")


def show_done(rater_id: int) -> None:
    """The page when no completion is left, or when the queue is still empty."""
    if st.session_state.get("counts", (0, 0)) == (0, 0):
        st.info(
            t(
                "There is nothing to rate yet: an engineer fills the queue with `workbench data sample`.",
                "Ainda não há o que avaliar: um engenheiro enche a fila com `workbench data sample`.",
            ),
            icon=":material/inbox:",
        )
        return
    st.success(
        t(
            "Nothing is left for you to rate. Thank you! The result is on Reward audit.",
            "Não há mais nada para você avaliar. Obrigado! O resultado está em Auditoria da recompensa.",
        ),
        icon=":material/celebration:",
    )
    show_pause(rater_id)
    link_to("audit")
    st.button(t("Undo the last one", "Desfazer a última"), key="undo", on_click=take_back, args=(rater_id,))


def rating(rater_id: int, one_key: bool) -> None:
    """The item, the scores, and what goes with them."""
    item = current_item(rater_id)
    row, task = None, None
    if item is not None:
        with reading() as session:
            row, draft = one_completion(session, item), draft_of(session, item, rater_id)
            task = find_task(row["task"]) if row is not None else None
            if task is not None and task.criteria and "criteria" not in st.session_state:
                st.session_state["criteria"] = criteria_of(session, item, rater_id)
    show_progress(rater_id)
    if item is None or row is None:
        show_done(rater_id)
        return
    token = item_token(rater_id, item)
    reading_side, scoring_side = st.columns([5, 4], gap="medium")  # one below the other on a phone
    with reading_side:
        st.subheader(task_name(row["task"]), anchor=False)
        show_asked(row["task"], row["messages"], row["facts"])
        show_completion(row["task"], row["text"], border=True)
    with scoring_side:
        if st.session_state.get("skipping"):
            show_skip_reasons(item, rater_id)
        else:
            show_scores(item, rater_id, one_key)
        show_last()
        show_pause(rater_id)
        if st.session_state.get("helping"):
            show_help(one_key, len(task.criteria) if task is not None else 0)
        show_guideline(row["task"])
        if task is not None and task.criteria and not st.session_state.get("skipping"):
            show_criteria(item, rater_id, task.criteria, st.session_state["criteria"], token)
        if not st.session_state.get("skipping"):  # there they are reasons
            st.pills(
                t("Something is wrong with the item", "Há algo errado com o item"),
                list(FLAGS),
                selection_mode="multi",
                format_func=flag_words,
                key=f"flags_{token}",
                wrap=True,
            )
        st.session_state.setdefault(f"comment_{token}", draft)
        st.text_area(
            t("Comment (optional)", "Comentário (opcional)"),
            key=f"comment_{token}",
            height=68,
            max_chars=2000,
            on_change=keep_draft,
            args=(item, rater_id),
        )


def page() -> None:
    """Draw the page."""
    rater_id = choose_rater(welcome)
    if rater_id is not None:
        fragment(rating, keep=("comment_", "flags_"))(rater_id, choose_mode())


open_store()
page()
