"""The form for a new run: its configuration, its prompts, time and cost, its checks, and the launch button."""

from typing import Any, get_args

import pandas as pd
import streamlit as st

from app.ui.actions import attempt, tell_failed
from app.ui.audit_data import standing
from app.ui.language import duration, number, t, task_name
from app.ui.markdown import message
from app.ui.outage import fragment
from app.ui.state import shown_errors
from app.ui.verdicts import gate_words
from backend.errors import UserError
from backend.records import Split
from backend.runs.create import create_run, create_several, run_prompts
from backend.runs.grid import parse_seeds
from backend.runs.handle import LOCAL
from backend.runs.jobs import preflight_checks, preflight_job, start_preflight
from backend.runs.launchers import places
from backend.runs.places import Room, rooms
from backend.runs.queue import enqueue
from backend.store.engine import writing
from backend.store.runs import describe
from backend.store.tables import Run
from backend.suites import profiles, prompt_sources, task_names
from backend.training.config import (
    TrainConfig,
    all_presets,
    allowed,
    config_as_settings,
    get_preset,
    override,
    parse_settings,
)
from backend.training.estimate import estimate

FIELDS = (
    "max_steps", "seed", "learning_rate", "num_generations", "profile", "prompts", "shadow", "rate_per_evaluation",
    "rollout_share",
)  # fmt: skip
"""The fields that people change most; each has a widget of its own."""


def choose_config() -> tuple[TrainConfig, list[int]] | None:
    """Preset, the most used fields, and any other field as ``field=value``; None while a value is wrong."""
    presets = all_presets()
    preset = st.selectbox(
        t("Preset", "Predefinição"),
        list(presets),
        format_func=lambda name: f"{name}: {presets[name].note}",
        key="preset",
    )
    start = get_preset(preset)
    for field in FIELDS:
        st.session_state.setdefault(f"{field}_{preset}", _in_widget(getattr(start, field)))
    one, two, three = st.columns(4), st.columns(4), st.columns(4)
    changes: dict[str, object] = {
        "name": one[0].text_input(t("Name (optional)", "Nome (opcional)"), key="run_name"),
        "max_steps": one[1].number_input(
            t("Steps", "Passos"), step=10, help=allowed("max_steps"), key=f"max_steps_{preset}"
        ),
        "learning_rate": one[2].number_input(
            t("Learning rate", "Taxa de aprendizado"),
            format="%.1e",
            step=1e-6,
            help=allowed("learning_rate"),
            key=f"learning_rate_{preset}",
        ),
        "num_generations": one[3].number_input(
            t("Completions per prompt", "Respostas por prompt"),
            step=1,
            help=allowed("num_generations"),
            key=f"num_generations_{preset}",
        ),
        "profile": two[0].selectbox(
            t("Reward profile", "Perfil da recompensa"), list(profiles()), key=f"profile_{preset}"
        ),
        "seed": two[1].number_input(t("Seed", "Semente"), step=1, help=allowed("seed"), key=f"seed_{preset}"),
        "prompts": two[3].text_input(
            t("Prompts", "Prompts"),
            key=f"prompts_{preset}",
            help=", ".join(prompt_sources())
            + t(
                ", the id of a prompt set (Data), or the path of a JSONL file",
                ", o id de um conjunto (Dados), ou o caminho de um JSONL",
            ),
        ),
    }
    changes |= {
        "shadow": three[0].text_input(
            t("Only watch (weight 0)", "Só observar (peso 0)"),
            key=f"shadow_{preset}",
            help=t(
                "Measures logged at every step that the policy never sees, with commas between them: `truth`, a profile ",
                "Medidas registradas a cada passo que o modelo nunca vê, separadas por vírgulas: `truth`, um perfil ",
            )
            + f"({', '.join(profiles())})"
            + t(
                ", or a reward function as file.py or module:function",
                ", ou uma função como file.py ou module:function",
            ),
        ),
        "rate_per_evaluation": three[1].number_input(
            t("To rate per evaluation", "A avaliar por avaliação"),
            step=4,
            key=f"rate_per_evaluation_{preset}",
            help=t(
                "So many completions of every evaluation, and as many rollouts, go to Annotate while it trains; "
                "with them Runs draws people's score beside the reward. 8 is a good start; 0 asks nobody.",
                "Tantas respostas de cada avaliação, e outras tantas do treino, vão para Avaliar durante o treino; "
                "com elas, Treinos mostra a nota das pessoas ao lado da recompensa. 8 é um bom começo; 0 não pede nada.",
            ),
        ),
        "rollout_share": three[2].number_input(
            t("Steps whose rollouts are kept (share)", "Passos com respostas guardadas (fração)"),
            step=0.1,
            help=allowed("rollout_share"),
            key=f"rollout_share_{preset}",
        ),
    }
    seeds = two[2].text_input(
        t("Several seeds", "Várias sementes"), placeholder="42, 123, 456", key="seeds",
        help=t("One run each, one after the other, compared together.", "Um treino cada, em sequência, comparados juntos."),
    )  # fmt: skip
    with st.expander(t("Other fields", "Outros campos")):
        text = st.text_area(
            t("One `field=value` per line", "Um `campo=valor` por linha"),
            key="other_fields",
            placeholder="temperature=0.9",
        )
        fields = [
            {"field": f, "value": str(getattr(start, f)), "allowed": allowed(f)} for f in TrainConfig.model_fields
        ]
        st.dataframe(pd.DataFrame(fields), hide_index=True, height=260)
    with shown_errors():
        others = parse_settings([line for line in text.splitlines() if line.strip()])
        return override(start, {**changes, **others}), parse_seeds(seeds)
    return None


def _in_widget(value: Any) -> Any:
    """A field's value as its widget holds it."""
    return ", ".join(value) if isinstance(value, tuple) else value


def show_gates(config: TrainConfig) -> list[str]:
    """The audit's current decision on each task under the chosen profile; returns the tasks that have not passed."""
    gates = standing(config.profile)
    counts = _counts(config.prompts, config.tasks, config.test_prompts)
    tasks = config.tasks or task_names() if isinstance(counts, str) else tuple(counts)
    verdicts = {task: gates[task].verdict if task in gates else "" for task in tasks}
    words = [
        f"{task_name(task)}: **{gate_words(verdict) if verdict else t('not audited', 'não auditada')}**"
        for task, verdict in verdicts.items()
    ]
    bad = [task for task, verdict in verdicts.items() if verdict != "pass"]
    note = t("Reward audit", "Auditoria da recompensa") + f" ({config.profile}) · " + " · ".join(words)
    icon = ":orange[:material/gpp_maybe:]" if bad else ":green[:material/verified:]"
    st.caption(f"{icon} {note}")
    return bad


def show_estimate(config: TrainConfig, runs: int) -> None:
    """Hours, dollars and memory from the steps this machine has measured."""
    counts = _counts(config.prompts, config.tasks, config.test_prompts)
    if isinstance(counts, str):
        return
    found = estimate(config, {split: sum(of[split] for of in counts.values()) for split in get_args(Split)}, runs)
    if found is None:
        st.caption(
            t(
                ":material/schedule: no run of this model on this machine yet, so no estimate",
                ":material/schedule: nenhum treino deste modelo nesta máquina ainda; sem estimativa",
            )
        )
        return
    time = duration(3600 * found.hours)
    memory = "" if found.memory_gb is None else f" · {number(found.memory_gb, 1)} GB"
    st.caption(
        t(
            f":material/schedule: about {time} and ${number(found.dollars)}{memory} "
            f"({number(found.step_seconds, 1)} s a step, measured in {found.run})",
            f":material/schedule: cerca de {time} e US$ {number(found.dollars)}{memory} "
            f"({number(found.step_seconds, 1)} s por passo, medidos em {found.run})",
        )
    )


@st.cache_data(show_spinner=False, max_entries=32, ttl=60)
def _counts(prompts: str, tasks: tuple[str, ...], test_prompts: int | None) -> dict[str, dict[str, int]] | str:
    """task -> split -> number of prompts of a run with these settings; or why the prompts cannot be read."""
    try:
        changes = {"prompts": prompts, "tasks": tasks, "test_prompts": test_prompts}
        records = run_prompts(override(get_preset("nano"), changes))
    except UserError as error:
        return str(error)
    table: dict[str, dict[str, int]] = {}
    for record in records:
        row = table.setdefault(record.task, dict.fromkeys(get_args(Split), 0))
        row[record.split] += 1
    return table


def show_data(config: TrainConfig) -> bool:
    """Prompts per task and split; returns whether they can be read."""
    counts = _counts(config.prompts, config.tasks, config.test_prompts)
    if isinstance(counts, str):
        st.error(message(counts), icon=":material/error:")
        return False
    words = [f"{task_name(task)} {' + '.join(map(str, c.values()))}" for task, c in counts.items()]
    st.caption(
        t(
            ":material/dataset: prompts, train + eval + test: ",
            ":material/dataset: prompts, treino + avaliação + teste: ",
        )
        + " · ".join(words)
    )
    return True


def show_preflight(config: TrainConfig, busy: bool) -> None:
    """The button, and the result table if there is one; refreshed every two seconds while the checks run."""
    job = preflight_job(config)
    fragment(_preflight, run_every=2 if job is not None and job.running else None)(config, busy)


def _preflight(config: TrainConfig, busy: bool) -> None:
    tell_failed()
    job = preflight_job(config)
    row = st.container(horizontal=True, vertical_alignment="center")
    row.button(
        t("Run preflight", "Fazer a verificação"),
        icon=":material/checklist:",
        disabled=busy or (job is not None and job.running),
        help=t(
            "Looks for known failures; under three minutes on nano.",
            "Procura falhas conhecidas; menos de 3 min no nano.",
        ),
        on_click=attempt,
        args=(start_preflight, config),
    )
    if job is None:
        row.caption(
            t("Every run does this first; here you see it before.", "Todo treino começa por isto; aqui você vê antes.")
        )
        return
    if job.running:
        row.caption(t(":material/hourglass_top: checking…", ":material/hourglass_top: verificando…"))
        if not st.session_state.get("preflight_running"):
            st.session_state["preflight_running"] = True
            st.rerun()  # start refreshing every two seconds
        return
    if st.session_state.pop("preflight_running", False):
        st.rerun()  # the launch button depends on it
    if job.failed:
        st.code(job.words, language=None, wrap_lines=True)
        return
    _show_checks(preflight_checks(config))


def _show_checks(checks: list[dict[str, Any]]) -> None:
    icons = {"pass": "✅", "warn": "⚠️", "fail": "⛔"}
    order = {"fail": 0, "warn": 1, "pass": 2}
    rows = sorted(checks, key=lambda c: order[c["status"]])
    st.dataframe(
        pd.DataFrame([{**c, "status": f"{icons[c['status']]} {c['status']}"} for c in rows]),
        hide_index=True,
        alt=t("Preflight's checks", "Itens da verificação"),
        column_config={
            "name": t("check", "item"),
            "status": t("result", "resultado"),
            "found": st.column_config.TextColumn(t("found", "encontrado"), width="large"),
            "story": st.column_config.TextColumn(t("would have caught", "teria evitado"), width="large"),
        },
    )


def launch(config: TrainConfig, seeds: list[int], notes: str, tags: list[str], where: str = LOCAL) -> None:
    if seeds and where != LOCAL:
        raise UserError(
            t(
                "Several seeds train on this machine; elsewhere launch a run for each.",
                "Várias sementes treinam nesta máquina; em outro lugar, inicie um treino para cada.",
            )
        )
    run_id = create_several(config, {"seed": seeds}) if seeds else create_run(config, here=where == LOCAL)
    if notes or tags:
        with writing() as session:
            describe(session, run_id, notes, tags)
    enqueue(run_id, where)


def choose_place(busy: bool) -> tuple[str, bool]:
    """Where the run will train, and whether it waits there; nothing to choose where launch.toml names no place.

    Args:
        busy: whether it would wait on this machine.
    """
    with shown_errors():
        if not places():
            return LOCAL, busy
        found = rooms()
        chosen = st.selectbox(
            t("Where", "Onde"),
            list(found),
            format_func=lambda name: f"{_place_name(name)} · {_room_words(found[name])}",
            key="where",
            width=420,
        )
        return chosen, busy if chosen == LOCAL else not found[chosen].free
    return LOCAL, busy


def _place_name(name: str) -> str:
    return t("this machine", "esta máquina") if name == LOCAL else name


def _room_words(room: Room) -> str:
    if room.free:
        return t(f"{room.free} of {room.at_once} free", f"{room.free} de {room.at_once} livre(s)")
    return t(
        f"busy: {room.under_way} under way, {room.waiting} waiting",
        f"ocupado: {room.under_way} em andamento, {room.waiting} na fila",
    )


def show_launch(config: TrainConfig, seeds: list[int], readable: bool, bad: list[str], busy: bool) -> None:
    """The launch button; it needs a written reason if preflight or the gate failed."""
    failed = [check["name"] for check in preflight_checks(config) if check["status"] == "fail"]
    objections = [f"preflight: {', '.join(failed)}"] if failed else []
    if bad and config.gate == "required":
        objections.append(t("reward not audited: ", "recompensa não auditada: ") + ", ".join(map(task_name, bad)))
    reason = config.override_reason
    if objections:
        st.warning(
            t("This speaks against launching: ", "Isto desaconselha o treino: ") + "; ".join(objections),
            icon=":material/gpp_maybe:",
        )
        reason = st.text_input(
            t("Launch all the same, because…", "Treinar mesmo assim, porque…"),
            key="override",
            max_chars=2000,
            help=t("Kept with the run and shown with its results.", "Fica com o treino e aparece nos resultados."),
        )
    where, busy = choose_place(busy)
    left, right = st.columns([3, 1])
    notes = left.text_input(t("Notes (optional)", "Notas (opcional)"), key="notes", max_chars=10_000)
    tags = right.multiselect(t("Tags", "Etiquetas"), [], accept_new_options=True, key="tags", max_selections=20)
    st.button(
        t("Queue", "Pôr na fila") if busy else t("Launch", "Iniciar"),
        type="primary",
        icon=":material/playlist_add:" if busy else ":material/rocket_launch:",
        disabled=not readable or bool(objections and not reason.strip()),
        help=t("It starts when those before it there have ended.", "Começa quando os anteriores ali terminarem.")
        if busy
        else None,
        on_click=attempt,
        args=(launch, config.model_copy(update={"override_reason": reason.strip()}), seeds, notes, tags, where),
    )  # fmt: skip


def clone(run: Run) -> None:
    """Fill the form with a run's configuration."""
    start = get_preset(run.preset)
    config = TrainConfig.model_validate({**start.model_dump(), **run.config})  # of an older run some fields are missing
    settings = config_as_settings(config, start)
    st.session_state["preset"] = run.preset
    for field in FIELDS:
        st.session_state[f"{field}_{run.preset}"] = _in_widget(getattr(config, field))
    st.session_state["other_fields"] = "\n".join(f"{k}={v}" for k, v in settings.items() if k not in (*FIELDS, "name"))
