"""A new run: its prompts, time and cost, and the launch button."""

from typing import get_args

import streamlit as st
from sqlalchemy.orm import Session

from app.ui.actions import attempt
from app.ui.audit_data import standing
from app.ui.language import duration, grouped, number, t, task_name
from app.ui.markdown import message
from app.ui.run_fields import field_key, fill_form
from app.ui.state import shown_errors
from app.ui.verdicts import gate_words
from backend.audit.attacks import broken_rewards, standing_attacks
from backend.audit.gate import Gate
from backend.errors import UserError
from backend.records import Split
from backend.runs.create import create_run, create_several, run_prompts
from backend.runs.handle import LOCAL
from backend.runs.jobs import preflight_checks
from backend.runs.launchers import places
from backend.runs.places import Room, rooms
from backend.runs.queue import enqueue
from backend.store.engine import reading, writing
from backend.store.runs import describe
from backend.store.tables import Run
from backend.suites import profiles, suite_of, task_names
from backend.training.checks import failures
from backend.training.config import TrainConfig, get_preset, override
from backend.training.estimate import estimate


def show_gates(config: TrainConfig) -> list[str]:
    """The audit's current decision on each task under the chosen profile; returns the tasks that have not passed."""
    gates = standing(config.profile)
    counts = _counts(config.prompts, config.tasks, config.test_prompts)
    tasks = config.tasks or task_names() if isinstance(counts, str) else tuple(counts)
    words = [f"{task_name(task)}: **{_decision(gates.get(task))}**" for task in tasks]
    bad = [task for task in tasks if task not in gates or gates[task].verdict != "pass"]
    note = t("Reward audit", "Auditoria da recompensa") + f" ({config.profile}) · " + " · ".join(words)
    with reading() as session:
        broken = [task for task in broken_rewards(standing_attacks(session, config.profile)) if task in tasks]
        better = _withstood(session, broken) if broken else None
    icon = ":orange[:material/gpp_maybe:]" if bad or broken else ":green[:material/verified:]"
    st.caption(f"{icon} {note}")
    if broken:
        names = ", ".join(map(task_name, broken))
        st.caption(
            t(
                f":orange[:material/bug_report:] An attack games the reward of {names}: what trains on it may learn that.",
                f":orange[:material/bug_report:] Um ataque engana a recompensa de {names}: quem treina nela pode aprender isso.",
            )
        )
    if better is not None:
        _offer(*better, config.preset)
    return bad


def _withstood(session: Session, tasks: list[str]) -> tuple[str, int] | None:
    """The profile under which attacks on all of these tasks failed, of several the longest attacked; and the calls each took."""
    found: dict[str, int] = {}
    for profile in profiles():
        attacks = standing_attacks(session, profile)
        if all(task in attacks and not attacks[task].broke for task in tasks):
            found[profile] = min(attacks[task].calls for task in tasks)
    return max(found.items(), key=lambda item: item[1], default=None)


def _offer(profile: str, calls: int, preset: str) -> None:
    """A profile to take in place of the chosen one, which an attack games."""
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(
        t(
            f":material/shield: **{profile}** withstood at least {grouped(calls)} calls of an attack on each of these.",
            f":material/shield: **{profile}** resistiu a pelo menos {grouped(calls)} chamadas de um ataque em cada uma.",
        ),
        width="content",
    )
    row.button(
        t(f"Take {profile}", f"Usar {profile}"),
        key="take_profile",
        on_click=lambda: st.session_state.update({field_key("profile", preset): profile}),
    )


def _decision(gate: Gate | None) -> str:
    if gate is None:
        return gate_words("not audited")
    if gate.verdict != "stale":
        return gate_words(gate.verdict)
    was = gate_words(gate.was)
    return t(f"to be decided again (was: {was})", f"a decidir de novo (era: {was})")


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
    cost = "" if found.dollars is None else t(f" and ${number(found.dollars)}", f" e US$ {number(found.dollars)}")
    memory = "" if found.memory_gb is None else f" · {number(found.memory_gb, 1)} GB"
    st.caption(
        t(
            f":material/schedule: about {time}{cost}{memory} "
            f"({number(found.step_seconds, 1)} s a step, measured in {found.run})",
            f":material/schedule: cerca de {time}{cost}{memory} "
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
    with st.spinner(t("Reading the prompts…", "Lendo os prompts…")):  # a large shop's are written first
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
    new = ", ".join(task_name(task) for task in counts if suite_of(task).corpus is None)
    if new and config.model == "nano":
        st.caption(
            t(
                f":orange[:material/school:] nano was taught the built-in suite's tasks and nothing else: of {new} it knows "
                "nothing. It shows whether the run works; to learn, take a preset with another model.",
                f":orange[:material/school:] nano aprendeu as tarefas da suíte embutida e nada mais: de {new} não sabe nada. "
                "Serve para ver se o treino funciona; para aprender, escolha uma predefinição com outro modelo.",
            )
        )
    return True


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
    st.session_state.update(run_name="", notes="", tags=[], override="", launched=True)  # those were this run's


def choose_place(busy: bool) -> tuple[str, bool]:
    """Where the run will train, and whether it waits there; nothing to choose where launch.toml names no place.

    Args:
        busy: whether it would wait on this machine.
    """
    with shown_errors():
        if not places():
            return LOCAL, busy
        found = rooms()
        if st.session_state.get("where", LOCAL) not in found:  # launch.toml has lost it meanwhile
            del st.session_state["where"]
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
    failed = [t(*check.label) for check in failures(preflight_checks(config))]
    objections = [t("preflight: ", "verificação: ") + ", ".join(failed)] if failed else []
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
    tags = right.multiselect(
        t("Tags", "Etiquetas"),
        [],
        accept_new_options=True,
        key="tags",
        max_selections=20,
        placeholder=t("Add tags", "Acrescentar etiquetas"),
    )
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
    # Said where the button is, and after the redrawing that a launch brings.
    if st.session_state.pop("launched", False):
        words = t("Launched: it stands at the top of this page.", "Iniciado: está no alto desta página.")
        st.success(words, icon=":material/rocket_launch:")


def clone(run: Run) -> None:
    """Fill the form with a run's configuration."""
    start = get_preset(run.preset)
    # Of an older run some fields are missing.
    fill_form(TrainConfig.model_validate({**start.model_dump(), **run.config}))
