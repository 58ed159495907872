"""Runs: the curves of one or several runs, live while they train, with the thresholds of the stop rules."""

from pathlib import Path

import pandas as pd
import streamlit as st

from app.pages import link_to
from app.ui.actions import show_failed, tell_failed
from app.ui.chart import show_chart
from app.ui.language import change_words, language, number, t, task_name
from app.ui.live_run import evaluated_tasks
from app.ui.outage import fragment
from app.ui.rollouts import show_rollouts
from app.ui.run_compare import show_differences, show_watch_table
from app.ui.run_gap import show_gap
from app.ui.run_status import show_status
from app.ui.state import example_note, open_store
from app.ui.upload import import_upload
from backend.charts.runs import metric_line, task_curves
from backend.evaluation.paired import mean_interval
from backend.evaluation.words import prompts_words
from backend.runs.imported import import_run
from backend.runs.processes import last_lines
from backend.runs.watch import current_runs, firings
from backend.store.engine import reading
from backend.store.evaluations import answered, run_evaluations, run_scores
from backend.store.runs import drawn_metrics, metric_names
from backend.store.tables import Run
from backend.suites import by_task, pay_from_0_to_1, tasks
from backend.training.stop_rules import limit_of
from backend.wording import Text

SHARES = ("task_reward/mean", "zero_variance/mean", "completions/clipped_ratio", "distinct/mean")
"""Metrics from 0 to 1, unless a reward has no bounds; their charts have the whole range. Of the others, all but the loss begin at zero."""
DETAILS: dict[str, tuple[str, str]] = {
    "task_reward/mean": ("training reward", "recompensa no treino"),
    "entropy/rollouts": ("entropy of rollouts (nats)", "entropia das amostras (nats)"),
    "entropy": ("entropy (the trainer's)", "entropia (do treinador)"),
    "zero_variance/mean": ("groups without signal (share)", "grupos sem sinal (fração)"),
    "completions/mean_length": ("completion length (tokens)", "tamanho da resposta (tokens)"),
    "completions/clipped_ratio": ("cut at the ceiling (share)", "cortadas no teto (fração)"),
    "grad_norm": ("gradient norm", "norma do gradiente"),
    "loss": ("loss", "perda"),
    "distinct/mean": ("distinct in a group (share)", "distintas no grupo (fração)"),
    "gpu_memory_gb": ("GPU memory (GB)", "memória da GPU (GB)"),
}


def choose_runs(runs: list[Run]) -> list[str]:
    """Ids of the runs to draw; stored in the address."""
    names = {run.id: f"{run.name} · {run.id}" for run in runs}
    if any(run_id not in names for run_id in st.session_state.get("runs", [])):
        del st.session_state["runs"]
    return st.multiselect(
        t("Runs", "Treinos"),
        list(names),
        default=[next((run for run in runs if run.metrics_read), runs[0]).id],
        format_func=names.__getitem__,
        key="runs",
        bind="query-params",
        max_selections=20,
    )


# A run's numbers are read again only when it has logged more: ``version`` is how much of its file the store has.
@st.cache_data(show_spinner=False, max_entries=64)
def _names(run_id: str, version: str) -> list[str]:
    with reading() as session:
        return metric_names(session, run_id)


@st.cache_data(show_spinner=False, max_entries=64)
def _points(run_id: str, names: tuple[str, ...], most: int, version: str) -> pd.DataFrame:
    with reading() as session:
        return drawn_metrics(session, run_id, list(names), most)


@st.cache_data(show_spinner=False, max_entries=64)
def _curves(run_id: str, version: str) -> pd.DataFrame:
    """The mean per task on the eval prompts with its 95 % interval: columns step, task, value, low, high, n."""
    with reading() as session:
        scores = run_scores(session, run_id)
    rows = []
    for (step, task), of in scores.groupby(["step", "task"], sort=False):
        values = of["value"].to_numpy(float)
        rows.append((step, task, values.mean(), *mean_interval([values]), len(values)))
    return pd.DataFrame(rows, columns=["step", "task", "value", "low", "high", "n"])


@st.cache_data(show_spinner=False, max_entries=64)
def _prompts_of(run_id: str, version: str) -> dict[str, tuple[str, str]]:
    """Label -> the prompts its last evaluation is on, in words, in both languages."""
    with reading() as session:
        last = {e.label: e for e in run_evaluations(session, run_id)}
        words = {label: prompts_words(e.split, *answered(session, e.id)) for label, e in last.items()}
    return {label: (on.en, on.pt) for label, on in words.items()}


@st.cache_data(show_spinner=False, max_entries=64)
def _best_step(run_id: str, version: str) -> int | None:
    """The step whose adapter was kept: that of the tuned model, or while there is none the best so far on the eval prompts."""
    with reading() as session:
        tuned = [e.step for e in run_evaluations(session, run_id) if e.label == "tuned"]
        scores = run_scores(session, run_id)
    means = scores[scores["step"] > 0].groupby("step")["value"].mean()
    return tuned[-1] if tuned else int(means.idxmax()) if len(means) else None


def _version(run: Run) -> str:
    with reading() as session:
        where = session.get_bind().engine.url.render_as_string()
    return f"{where} {run.metrics_read} {run.status}"


def points_of(runs: list[Run], names: list[str]) -> pd.DataFrame:
    """The runs' metrics of these names, few enough to draw; ``run`` is the run's name."""
    most = max(30, 400 // len(runs))
    frames = [_points(run.id, tuple(names), most, _version(run)).assign(run=_label(run, runs)) for run in runs]
    return pd.concat(frames, ignore_index=True)


def _label(run: Run, runs: list[Run]) -> str:
    """The run's name; with its id if another run has the same name."""
    return run.name if sum(other.name == run.name for other in runs) == 1 else f"{run.name} · {run.id}"


def live(chosen: list[str]) -> None:
    """Status and curves; while a run is active, redrawn every three seconds without the rest of the page."""
    tell_failed()
    runs = [run for run in current_runs() if run.id in chosen]
    for run in runs[:3]:
        show_status(run)
    known = sorted({name for run in runs for name in _names(run.id, _version(run))})
    if not known:
        st.info(
            t(
                "No numbers yet; the first come with the base model's evaluation.",
                "Ainda sem números; os primeiros vêm com a avaliação do modelo base.",
            )
            if any(run.status in ("queued", "running") for run in runs)
            else t(
                "No numbers: it ended before the base model's evaluation.",
                "Sem números: terminou antes da avaliação do modelo base.",
            )
        )
    else:
        if len(runs) > 1:
            show_differences(runs, [_label(run, runs) for run in runs])
        else:
            show_watch_table(runs[0], known)
        show_evaluations(runs, known)
        if len(runs) == 1:
            show_gap(runs[0])
        show_details(runs, known)
        show_by_task(runs, known)
    for run in runs[:3]:
        show_log(run)


def show_evaluations(runs: list[Run], known: list[str]) -> None:
    """Reward on the eval prompts per task: for one run with intervals; for several runs one chart per task with all runs."""
    words = t("Reward on the eval prompts, per task", "Recompensa nos prompts de avaliação, por tarefa")
    if len(runs) == 1 and not (curves := _curves(runs[0].id, _version(runs[0]))).empty:
        evaluated, best = curves.assign(run=runs[0].name), _best_step(runs[0].id, _version(runs[0]))
    else:
        names = {f"eval/{task}": task for task in evaluated_tasks(known)}
        if not names:
            return
        evaluated, best = points_of(runs, list(names)), None
        evaluated["task"] = evaluated["name"].map(names)
    if len(runs) > 1:
        st.markdown(f"**{words}**")
        charts = st.container(horizontal=True)
        for task, rows in by_task(evaluated):
            with charts.container(width=500):
                chart = metric_line(rows, task_name(task), legend=len(runs) <= 8, height=290, lang=language())
                show_chart(chart, alt=f"{task_name(task)}. {_in_words(rows)}")
        return
    st.markdown(f"**{words}**")
    unit = _from_0_to_1() if pay_from_0_to_1(evaluated["task"].unique()) else ""
    show_chart(
        task_curves(evaluated, t("mean reward", "recompensa média") + unit, best, language()),
        alt=f"{words}. {_in_words(evaluated)}",
    )
    band = t("bands: 95 % intervals over the prompts", "faixas: intervalos de 95 % sobre os prompts")
    st.caption(_in_words(evaluated) + (f" ({band})" if "low" in evaluated else ""))
    if on := _prompts_of(runs[0].id, _version(runs[0])):
        st.caption(_on_which(on))


def _on_which(on: dict[str, tuple[str, str]]) -> str:
    """The prompts that the curve is on, and those that Results judges the run on."""
    base, curve = on.get("base"), on.get("step", on.get("base", ("", "")))
    words = t(f"The curve is on {curve[0]}.", f"A curva está em {curve[1]}.")
    if base is None:
        return words
    if base != curve:
        return words + t(
            f" Base and tuned on Results are on {base[0]}, where no step was chosen.",
            f" Base e treinado, em Resultados, estão em {base[1]}, onde nenhum passo foi escolhido.",
        )
    return words + t(
        " Tuned on Results is the best step, answered once more on the same prompts.",
        " Treinado, em Resultados, é o melhor passo, com novas respostas nos mesmos prompts.",
    )


def _from_0_to_1() -> str:
    return t(" (0 to 1)", " (0 a 1)")


def _in_words(evaluated: pd.DataFrame) -> str:
    """The first and last value of each task, as text."""
    parts = []
    for _, of_run in evaluated.sort_values("step", kind="stable").groupby("run", sort=False):
        parts += [f"{task_name(task)} {change_words(rows['value'])}" for task, rows in by_task(of_run)]
    return " · ".join(parts[:8])


def show_details(runs: list[Run], known: list[str]) -> None:
    """Charts of the metrics that show whether training goes well, with the thresholds of the stop rules."""
    details = DETAILS | {
        f"eval/{truth.name}": Text(f"{truth.label.en} (share)", f"{truth.label.pt} (fração)")
        for truth in (task.truth for task in tasks().values())
        if truth is not None
    }
    names = [name for name in details if name in known]
    if not names:
        return
    points = points_of(runs, [*names, *(f"{name}_unread" for name in names if f"{name}_unread" in known)])
    stopped = _stopped_at(runs[0]) if len(runs) == 1 else None
    charts = st.container(horizontal=True)  # four in a row where there is room, fewer where not
    for name in names:
        rows, title = points[points["name"] == name], t(*details[name])
        unread = points.loc[points["name"] == f"{name}_unread", "value"]
        limit = limit_of(name, rows["value"].tolist(), known, runs[0].config.get("max_completion_length"))
        limit = float(unread.iloc[-1]) if limit is None and len(unread) else limit
        shown = limit if limit is not None and _in_sight(limit, rows["value"]) else None
        is_share = name in SHARES or name.startswith("eval/")
        if name == "task_reward/mean":
            is_share = pay_from_0_to_1(evaluated_tasks(known))
            title += _from_0_to_1() * is_share
        with charts.container(width=236):
            chart = metric_line(
                rows,
                title,
                shown,
                stopped,
                lang=language(),
                domain=(0, 1) if is_share else None,
                from_zero=name != "loss",
            )
            show_chart(chart, alt=_summary(title, rows, limit))
    st.caption(
        t(
            "Over training steps. Dashed: a rule's limit, where it is near; with facts right, what is right without reading.",
            "Por passos de treino. Tracejado: o limite de uma regra, onde está perto; nos fatos certos, o que se acerta sem ler.",
        )
    )


def _in_sight(limit: float, values: pd.Series) -> bool:
    """Whether the limit is near enough to draw: not further from the curve than twice the curve's range."""
    low, high = float(values.min()), float(values.max())
    reach = 2 * max(high - low, 1e-9)
    return low - reach <= limit <= high + reach


def _summary(title: str, rows: pd.DataFrame, limit: float | None) -> str:
    values = rows["value"]
    rule = t(f"; rule at {number(limit)}", f"; regra em {number(limit)}") if limit is not None else ""
    return t(
        f"{title}: {number(values.iloc[0])} at first, {number(values.iloc[-1])} at last, "
        f"between {number(values.min())} and {number(values.max())}{rule}",
        f"{title}: {number(values.iloc[0])} no início, {number(values.iloc[-1])} no fim, "
        f"entre {number(values.min())} e {number(values.max())}{rule}",
    )


def _stopped_at(run: Run) -> int | None:
    """The step at which a stop rule ended the run."""
    steps = [firing["step"] for firing in firings(run) if firing["action"] == "stop"]
    return steps[0] if steps and run.status == "stopped" else None


def show_by_task(runs: list[Run], known: list[str]) -> None:
    """Series that have one line per task or component: reward, weights, groups without signal, components."""
    families = {
        "task_reward": t("training reward per task", "recompensa no treino, por tarefa"),
        "task_weight": t("task weights", "pesos das tarefas"),
        "sampling_weight": t("weights for drawing prompts", "pesos do sorteio de prompts"),
        "zero_variance": t("groups without signal", "grupos sem sinal"),
        "entropy/rollouts": t("entropy of rollouts per task", "entropia das amostras, por tarefa"),
        **{
            f"eval/{task}": t(f"components: {task_name(task)}", f"componentes: {task_name(task)}")
            for task in evaluated_tasks(known)
        },
        **_shadow_families(known),
    }
    found = {
        family: [n for n in known if n.rpartition("/")[0] == family and not n.endswith("/mean")] for family in families
    }
    found = {family: names for family, names in found.items() if names}
    if not found:
        return
    family = st.selectbox(
        t("By task and component", "Por tarefa e componente"), list(found), format_func=families.__getitem__, width=320
    )
    points = points_of(runs, found[family])
    points["task"] = points["name"].str.rpartition("/")[2]
    show_chart(task_curves(points, families[family], lang=language()), alt=f"{families[family]}. {_in_words(points)}")


def _shadow_families(known: list[str]) -> dict[str, str]:
    """Metrics of the measures that only watch: in training, and on the eval prompts."""
    found = {}
    for family in dict.fromkeys(name.rpartition("/")[0] for name in known):
        where, _, measure = family.rpartition("/")
        if where == "shadow":
            found[family] = t(f"only watches, in training: {measure}", f"só observa, no treino: {measure}")
        elif where == "eval/shadow":
            found[family] = t(f"only watches, eval prompts: {measure}", f"só observa, prompts de avaliação: {measure}")
    return found


def show_log(run: Run) -> None:
    """The end of the run's log."""
    text = last_lines(Path(run.folder) / "log.txt", 25)
    if text:
        with st.expander(t(f"Log of {run.id}", f"Registro de {run.id}")):
            st.code(text, language=None, wrap_lines=True)


def show_import() -> None:
    """Import a run of another program from its logs."""
    with st.expander(t("Import a run from its logs", "Importar um treino por seus registros")):
        st.caption(
            t(
                "Hugging Face's trainer_state.json, or JSONL with one logged step a line.",
                "O trainer_state.json da Hugging Face, ou JSONL com um passo por linha.",
            )
        )
        import_upload(t("File of logs", "Arquivo de registros"), ["json", "jsonl"], _import)


def _import(path: Path) -> str:
    run_id = import_run(path)
    return t(f"Imported as {run_id}; choose it above.", f"Importado como {run_id}; escolha-o acima.")


def page() -> None:
    """Draw the page."""
    st.title(t("Runs", "Treinos"), anchor=False)
    show_failed()
    runs = current_runs()
    if not runs:
        st.info(t("No run yet. Launch one from Train.", "Nenhum treino ainda. Inicie um em Treinar."))
        link_to("train")
    else:
        ids = choose_runs(runs)
        chosen = [run for run in runs if run.id in ids]
        example_note(any(run.is_example for run in chosen))
        if [run.status for run in chosen] == ["finished"]:
            row = st.container(horizontal=True, vertical_alignment="center")
            row.caption(
                t(
                    "A reward that rises does not say that the answers got better; that is judged on",
                    "Uma recompensa que sobe não diz que as respostas melhoraram; isso se julga em",
                ),
                width="content",
            )
            with row:
                link_to("results")
        if chosen:
            lives = any(run.status in ("queued", "running") for run in chosen)
            fragment(live, run_every=3 if lives else None)(ids)
        if len(chosen) == 1:
            fragment(show_rollouts)(chosen[0])
    show_import()


open_store()
page()
