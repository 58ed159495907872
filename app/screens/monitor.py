"""Monitor: rewards in production per day, alarms, and feedback: low answers to the raters, rated ones to training."""

from datetime import datetime, timedelta

import pandas as pd
import streamlit as st

from app.pages import link_to
from app.ui.actions import attempt, show_failed
from app.ui.audit_data import standing
from app.ui.chart import show_chart
from app.ui.completion import show_completion, show_prompt
from app.ui.language import grouped, language, number, queued, t, task_name
from app.ui.overview import gates_line
from app.ui.state import open_store
from app.ui.times import day, local_time
from backend.access import who
from backend.charts.production import day_chart
from backend.serving.drift import FEWEST, MOST_DAYS, WEEK, learning, whole_days
from backend.serving.feedback import next_prompt_set, rated_from_production, send_to_raters
from backend.store.answers import alarms, daily_answers, example_end, given_to_raters, lowest_answers
from backend.store.engine import reading, writing
from backend.store.tables import Alarm, Answer, utc_now
from backend.suites import MonitorSettings, by_task, default_profile, suite_of, task_names, tasks

_DONE = "monitor_done"
_LOWEST = 20


def known_days(days: pd.DataFrame, now: datetime) -> dict[str, int]:
    """Task -> how many whole days of it are known to the tests.

    Args:
        days: as ``daily_answers`` has them; the current one is not counted.
        now: whose day is the current one.
    """
    today = pd.Timestamp(now.date())
    days = days[days["day"] >= today - pd.Timedelta(days=MOST_DAYS)]
    return {
        str(task): len(whole_days(of_task.loc[of_task["day"] < today, "answers"].astype(int).tolist()))
        for task, of_task in days.groupby("task", sort=False)
    }


def show_learning(known: dict[str, int]) -> None:
    """What raises no alarm yet, a line per task."""
    lines = [f"- **{task_name(task)}** · {t(*words)}" for task, n in known.items() if (words := learning(n))]
    if lines:
        few = t(
            f"A day counts from {FEWEST} answers on; days with fewer are put together.",
            f"Um dia conta a partir de {FEWEST} respostas; dias com menos são juntados.",
        )
        st.info("\n".join([*lines, "", few]), icon=":material/hourglass_top:")


def show_alarms(found: list[Alarm], tested: bool) -> None:
    """Open alarms; the closed ones are in an expander. Without any, this is said only where something was tested."""
    now = [a for a in found if a.closed_at is None]
    over = [a for a in found if a.closed_at is not None]
    if now:
        st.error("\n".join(f"- {alarm_words(alarm)}" for alarm in now), icon=":material/notifications_active:")
    elif tested:
        st.success(t("No alarm is open.", "Nenhum alarme aberto."), icon=":material/check_circle:")
    if over:
        closed = t(
            f"{len(over)} alarm{'s'[: len(over) != 1]} over", f"{len(over)} alarme{'s'[: len(over) != 1]} no passado"
        )
        with st.expander(closed, expanded=not now):
            st.caption("\n".join(f"- {alarm_words(alarm)}" for alarm in over))


def alarm_words(alarm: Alarm) -> str:
    """One alarm in a line: its task and kind, its days (it opens and closes after the end of a day), what was found."""
    ends = [at for at in (alarm.opened_at, alarm.closed_at) if at is not None]
    days = " – ".join(day(at - timedelta(days=1)) for at in ends)
    found = alarm.words.get(language(), "")
    return f"**{task_name(alarm.task)} · {kind_words(alarm.kind)}**, {days}: {found}"


def kind_words(kind: str) -> str:
    """What an alarm is about."""
    words = {
        "mean": t("mean reward too low", "recompensa média baixa"),
        "reward": t("rewards unlike the evaluation", "recompensas diferentes da avaliação"),
        "unparsable": t("answers without JSON", "respostas sem JSON"),
        "length": t("lengths unlike the evaluation", "tamanhos diferentes da avaliação"),
        "change in reward": t("rewards have changed", "as recompensas mudaram"),
        "change in unparsable": t("more answers without JSON", "mais respostas sem JSON"),
        "change in length": t("lengths have changed", "os tamanhos mudaram"),
        "slow fall": t("rewards are falling", "as recompensas estão caindo"),
    }
    return words.get(kind, kind)


def show_numbers(days: pd.DataFrame) -> None:
    """The last seven days, a cell per task."""
    recent = days[days["day"] > days["day"].max() - pd.Timedelta(days=7)]
    row = st.container(horizontal=True)
    for task, of_task in by_task(recent):
        share = of_task["answers"] / of_task["answers"].sum()
        row.metric(
            task_name(task),
            number(float((of_task["reward"] * share).sum())),
            help=t("Mean reward of the last seven days.", "Recompensa média dos últimos sete dias."),
            width="content",
        )
    count = int(recent["answers"].sum())
    slow = float((recent["milliseconds"] * recent["answers"]).sum() / max(1, count))
    row.metric(t("answers, 7 days", "respostas, 7 dias"), grouped(count), width="content")
    if slow:  # the example's answers have no time
        row.metric(t("mean time", "tempo médio"), f"{number(slow, 0)} ms", width="content")


def show_trust(names: list[str]) -> None:
    """That a high mean says little where people have not found the reward right."""
    gates = standing(default_profile())
    names = [name for name in task_names() if name in names]
    if any(name not in gates or gates[name].verdict != "pass" for name in names):
        little = t(
            "A high reward says little where it has not passed its audit",
            "Recompensa alta diz pouco se não passou na auditoria",
        )
        st.caption(f":orange[:material/gpp_maybe:] {little}: {t(*gates_line(gates, names).text)}")


def show_days(days: pd.DataFrame) -> None:
    """Charts per day: the reward first, then answers without JSON and lengths."""
    reward = t("mean reward", "recompensa média")
    show_chart(
        day_chart(days, "reward", reward, _mean_limit(days), language()),
        alt=t(
            "Mean reward per day and task, and the limit of an alarm", "Recompensa média por dia e tarefa, e o limite"
        ),
    )
    st.caption(
        t(
            "Single days may lie below the limit (dashed): an alarm needs the mean of one to two weeks to lie below it by "
            "more than chance.",
            "Dias isolados podem ficar abaixo do limite (tracejado): um alarme exige que a média de uma a duas semanas "
            "fique abaixo dele, além do acaso.",
        )
    )
    left, right = st.columns(2)
    with left:
        share = t("answers without JSON", "respostas sem JSON")
        of_json = days[days["task"].isin([task.name for task in tasks().values() if task.json is not None])]
        show_chart(day_chart(of_json, "unparsable", share, lang=language()), alt=share)
    with right:
        length = t("characters", "caracteres")
        show_chart(
            day_chart(days, "characters", length, lang=language()),
            alt=t("Mean length per day", "Tamanho médio por dia"),
        )


def _mean_limit(days: pd.DataFrame) -> float:
    """The alarm's limit for the chart: the highest of the suites whose tasks are shown."""
    limits = [suite_of(task).monitor.mean_limit for task in days["task"].unique() if task in task_names()]
    return max(limits, default=MonitorSettings().mean_limit)


def send(answers: list[int]) -> None:
    """Add these answers to the raters' queue."""
    with writing() as session:
        sent = send_to_raters(session, answers)
    st.session_state[_DONE] = queued(sent, "{n:answer is|answers are}", "{n:resposta está|respostas estão}")


def make_next_set() -> None:
    """Make the next training round's prompt set, with the rated prompts of production."""
    with writing() as session:
        set_id, added, left_out = next_prompt_set(session)
    st.session_state[_DONE] = t(
        f"Prompt set {set_id} is there, with {added} from production ({left_out} too alike to an eval prompt left out). "
        "Choose it on Train.",
        f"O conjunto {set_id} está pronto, com {added} da produção ({left_out} parecidos demais com os da avaliação ficaram "
        "de fora). Escolha-o em Treinar.",
    )


def example_words() -> str:
    """What is said of the example's month."""
    return t(
        ":material/science: Example, composed: no gateway gave these answers. Each day deals out what the recorded run's tuned "
        "model answered when it was evaluated; for four days one task gets the base model's answers, as if the adapter had "
        "not been loaded. Rewards and alarms are real, and the raters are those of the example. It goes when a gateway of yours starts.",
        ":material/science: Exemplo, composto: nenhum gateway deu estas respostas. Cada dia distribui o que o modelo treinado do "
        "exemplo respondeu ao ser avaliado; por quatro dias uma tarefa recebe as respostas do modelo base, como se o "
        "adaptador não tivesse sido carregado. Recompensas e alarmes são reais, e os avaliadores são os do exemplo. Ele some quando um "
        "gateway seu começa.",
    )


def show_given(given: int, rated: int, mean: float | None) -> None:
    """What has gone to the raters so far, and what they said."""
    if given:
        score = t(f", {number(mean, 1)} of 5 on average", f", em média {number(mean, 1)} de 5") if rated else ""
        st.write(
            t(
                f"**{given}** answers have gone to the raters; **{rated}** of them are rated{score}.",
                f"**{given}** respostas foram aos avaliadores; **{rated}** delas já têm nota{score}.",
            )
        )


def show_way_back(lowest: list[Answer], rated: int, is_example: bool) -> None:
    """The two feedback buttons, and the answers with the lowest rewards."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button(
        t(f"Send the {len(lowest)} lowest to the raters", f"Enviar as {len(lowest)} piores aos avaliadores"),
        icon=":material/rate_review:",
        type="primary",
        disabled=not lowest or not who().may(),
        on_click=attempt,
        args=(send, [a.id for a in lowest]),
    )
    row.button(
        t("Make the next prompt set", "Fazer o próximo conjunto de prompts")
        + ("" if is_example else t(f" ({rated} rated)", f" ({rated} avaliados)")),
        icon=":material/dataset:",
        disabled=not rated or not who().may(),
        help=t(
            "The example's answers are to its eval prompts, which no training may see.",
            "As respostas do exemplo são aos prompts da avaliação, que nenhum treino pode ver.",
        )
        if is_example
        else None,
        on_click=attempt,
        args=(make_next_set,),
    )
    if not lowest:
        st.caption(
            t(
                "No answer with its text is left that raters have not been given.",
                "Não resta resposta com texto que os avaliadores não tenham recebido.",
            )
        )
        return
    labels = {a.id: f"{number(a.reward)} · {task_name(a.task)} · {(a.text or '').strip()[:80]}" for a in lowest}
    chosen = st.selectbox(
        t("Lowest answers", "Piores respostas"), list(labels), format_func=labels.__getitem__, key="monitor_answer"
    )
    answer = next(a for a in lowest if a.id == chosen)
    prompt, said = st.columns([2, 3], gap="medium")
    with prompt:
        show_prompt("\n".join(m["content"] for m in answer.messages or [] if m["role"] == "user"))
        st.caption(f"{local_time(answer.at)} · {answer.engine}")
    with said, st.container(border=True):
        show_completion(answer.task, answer.text or "")


def page() -> None:
    """Draw the page."""
    title, choice = st.columns(2, vertical_alignment="bottom")
    title.title(t("Monitor", "Monitor"), anchor=False)
    show_failed()
    if done := st.session_state.pop(_DONE, None):
        st.success(done, icon=":material/check_circle:")
        link_to("annotate")
        link_to("train")
    span = choice.segmented_control(
        t("Days", "Dias"), [7, 30, 90], default=30, key="monitor_days", bind="query-params", required=True
    )
    with reading() as session:
        end = example_end(session)
        days, looked_at = daily_answers(session, int(span), end), daily_answers(session, MOST_DAYS + 1, end)
        lowest = lowest_answers(session, days=int(span), most=_LOWEST, end=end)
        found, rated, given = alarms(session), len(rated_from_production(session)), given_to_raters(session)
    if days.empty and not found:
        st.info(
            t(
                "Nothing from production yet. Export a run on Results, After training, and serve it: `workbench serve gateway` "
                "(docs/serving.md).",
                "Nada da produção ainda. Exporte um treino em Resultados, Depois do treino, e sirva-o: `workbench serve gateway` "
                "(docs/serving.md).",
            ),
            icon=":material/sensors:",
        )
        return
    if end is not None:
        st.caption(example_words())
    known = known_days(looked_at, end or utc_now())
    show_alarms(found, tested=any(n >= WEEK for n in known.values()))
    show_learning(known)
    if not days.empty:
        show_numbers(days)
        show_trust([str(task) for task in days["task"].unique()])
        show_days(days)
    st.subheader(t("From production back", "Da produção de volta"), anchor=False)
    show_given(*given)
    show_way_back(lowest, rated, end is not None)


open_store()
page()
