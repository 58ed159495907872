"""The fields of a run's configuration: their names on the page, the form, and what is wrong with a value in the page's words."""

from typing import Any

import streamlit as st

from app.ui.language import language, t
from app.ui.state import shown_errors
from app.ui.times import local_time
from backend.errors import UserError
from backend.runs.grid import parse_seeds
from backend.settings import as_setting
from backend.store.engine import reading
from backend.store.prompts import prompt_sets
from backend.suites import profiles, prompt_sources
from backend.training.config import (
    Problem,
    TrainConfig,
    WrongFields,
    all_presets,
    allowed,
    differences,
    get_preset,
    override,
)
from backend.wording import Text

LABELS = {
    "preset": Text("Preset", "Predefinição"),
    "name": Text("Name (optional)", "Nome (opcional)"),
    "max_steps": Text("Steps", "Passos"),
    "learning_rate": Text("Learning rate", "Taxa de aprendizado"),
    "num_generations": Text("Completions per prompt", "Respostas por prompt"),
    "prompts": Text("Prompts", "Prompts"),
    "profile": Text("Reward profile", "Perfil da recompensa"),
    "seed": Text("Seed", "Semente"),
    "shadow": Text("Only watch (weight 0)", "Só observar (peso 0)"),
    "rate_per_evaluation": Text("To rate per evaluation", "A avaliar por avaliação"),
    "rollout_share": Text("Rollouts kept (share)", "Amostras guardadas (fração)"),
}
"""Field -> its label; any other field stands under its own name, in "Other fields"."""
FIELDS = tuple(field for field in LABELS if field not in ("preset", "name"))
"""The fields that people change most; each has a widget of its own."""
OTHER_FIELDS = tuple(field for field in TrainConfig.model_fields if field not in LABELS)
"""All others; each has a text box."""
NOT_COMPARED = ("name", "override_reason")
"""Fields that make no configuration another."""


def label(field: str) -> str:
    """What the page calls a field."""
    return t(*LABELS.get(field, Text(field, field)))


def _recall() -> None:
    """Fill the form with what it held when another page was opened: Streamlit forgets the widgets of a page that is left.

    What was held while another suite was open is not: it may name presets and profiles that this one does not have.
    """
    choices = [*all_presets(), *profiles()]
    if st.session_state.get("form_of") != choices:
        st.session_state.update(form={}, form_of=choices)
    for key, value in st.session_state["form"].items():
        st.session_state.setdefault(key, value)


def _keep(start: TrainConfig) -> None:
    """Keep what the form holds."""
    keys = (*_in_widgets(start), *_ALL_PRESETS)
    st.session_state["form"].update({k: st.session_state[k] for k in keys if k in st.session_state})


_ALL_PRESETS = ("preset", "run_name", "seeds", "override", "where", "notes", "tags")
"""The keys of the form's widgets that are the same under every preset."""


def choose_config() -> tuple[TrainConfig, list[int]] | None:
    """Preset, the most used fields, and the others below them; None while a value is wrong."""
    _recall()
    presets = {name: f"{name}: {t(*preset.note)}" for name, preset in all_presets().items()}
    preset = st.selectbox(label("preset"), list(presets), format_func=presets.__getitem__, key="preset")
    start = get_preset(preset)
    for key, value in _in_widgets(start).items():
        st.session_state.setdefault(key, value)
    one, two, three = (st.columns(of, vertical_alignment="bottom") for of in (4, [2, 1, 1], 4))
    changes: dict[str, object] = {"name": one[0].text_input(label("name"), key="run_name")}
    for column, field, more in (
        (one[1], "max_steps", {"step": 10}),
        (one[2], "learning_rate", {"step": 1e-6, "format": "%.1e"}),
        (one[3], "num_generations", {"step": 1}),
        (two[2], "seed", {"step": 1}),
        (three[3], "rollout_share", {"step": 0.1}),
    ):
        changes[field] = column.number_input(
            label(field), key=field_key(field, preset), help=allowed(field, language()), **more
        )
    with two[0]:
        changes["prompts"] = choose_prompts(field_key("prompts", preset))
    changes["profile"] = two[1].selectbox(
        label("profile"), list(profiles()), key=field_key("profile", preset), help=_profile_words()
    )
    seeds = three[0].text_input(
        t("Several seeds", "Várias sementes"), placeholder="42, 123, 456", key="seeds",
        help=t("One run each, one after the other, compared together.", "Um treino cada, em sequência, comparados juntos."),
    )  # fmt: skip
    changes["shadow"] = three[1].text_input(
        label("shadow"),
        key=field_key("shadow", preset),
        help=t(
            "Measures logged at every step that the policy never sees, with commas between them: `truth`, a profile ",
            "Medidas registradas a cada passo que o modelo nunca vê, separadas por vírgulas: `truth`, um perfil ",
        )
        + f"({', '.join(profiles())})"
        + t(
            ", or a reward function as file.py or module:function",
            ", ou uma função como file.py ou module:function",
        ),
    )
    changes["rate_per_evaluation"] = three[2].number_input(
        label("rate_per_evaluation"),
        step=4,
        key=field_key("rate_per_evaluation", preset),
        help=t(
            "So many completions of every evaluation, and as many rollouts, go to Annotate while it trains; "
            "with them Runs draws people's score beside the reward. 8 is a good start; 0 asks nobody.",
            "Tantas respostas de cada avaliação, e outras tantas do treino, vão para Avaliar durante o treino; "
            "com elas, Treinos mostra a nota das pessoas ao lado da recompensa. 8 é um bom começo; 0 não pede nada.",
        ),
    )
    changes |= _other_fields(start)
    _keep(start)
    with shown_errors():
        return checked(start, changes), _seeds(seeds)
    return None


def choose_prompts(key: str) -> str:
    """A prompt source, a stored set with train prompts, or the path of a file that is typed in."""
    with reading() as session:
        sets = prompt_sets(session)
    names = {
        name: t(f"{name}: as the data are now", f"{name}: como os dados estão agora") for name in prompt_sources()
    } | {
        row.id: f"{row.name}: {row.train} + {row.eval} + {row.test} · {local_time(row.created_at)}"
        for row in sets[(sets["train"] > 0) & (sets["eval"] > 0)].itertuples()
    }
    if names and not st.session_state[key]:  # a suite without a source of prompts: the newest set
        st.session_state[key] = next(iter(names))
    chosen = st.session_state[key]
    return str(
        st.selectbox(
            label("prompts"),
            list(names) if chosen in names else [chosen, *names],
            format_func=lambda name: names.get(name, name),
            key=key,
            accept_new_options=True,
            help=t(
                "Sets made on Data, with their train + eval + test prompts; or type the path of a JSONL file.",
                "Conjuntos feitos em Dados, com seus prompts de treino + avaliação + teste; ou escreva o caminho de um JSONL.",
            ),
        )
    )


def _profile_words() -> str:
    return "\n".join(f"- **{name}**: {t(*profile.summary)}" for name, profile in profiles().items())


def _other_fields(start: TrainConfig) -> dict[str, str]:
    """The other fields that are changed, as text: field -> value."""
    before = _in_widgets(start)
    with st.expander(t("Other fields", "Outros campos")), st.container(horizontal=True):
        now = {
            field: st.text_input(field, key=field_key(field, start.preset), help=allowed(field, language()), width=220)
            for field in OTHER_FIELDS
        }
    return {field: value for field, value in now.items() if value.strip() != before[field_key(field, start.preset)]}


def _seeds(text: str) -> list[int]:
    try:
        return parse_seeds(text)
    except UserError as error:
        wrong = t(
            f"give two or more whole numbers, with commas between them, not {text!r}",
            f"dê dois ou mais números inteiros, separados por vírgulas, e não {text!r}",
        )
        raise UserError(f"{t('Several seeds', 'Várias sementes')}: {wrong}") from error


def checked(start: TrainConfig, changes: dict[str, object]) -> TrainConfig:
    """The configuration with these changes.

    Raises:
        UserError: a value is wrong; the message calls the field what the page calls it.
    """
    try:
        return override(start, changes)
    except WrongFields as error:
        raise UserError("\n".join(map(problem_words, error.problems))) from error


def problem_words(problem: Problem) -> str:
    """What is wrong with a field, in the page's words."""
    if not problem.field:
        return problem.message
    value = t(f"{problem.value!r} does not do", f"{problem.value!r} não serve")
    if not problem.is_range:
        return f"{label(problem.field)}: {value} ({problem.message})"
    return f"{label(problem.field)}: {value}; {t('allowed', 'permitido')}: {allowed(problem.field, language())}"


def difference_words(config: TrainConfig, now: TrainConfig) -> str:
    """In which fields two configurations differ, the first one's values first."""
    found = differences(config, now)
    names = [field for field in found if field not in NOT_COMPARED]
    return ", ".join(
        f"{label(field)} {value_words(found[field][0])} ({t('here', 'aqui')} {value_words(found[field][1])})"
        for field in names
    )


def value_words(value: Any) -> str:
    """A field's value, as it is stored, for people."""
    if isinstance(value, dict):
        return ", ".join(f"{k}={v}" for k, v in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value)) or "–"
    return "–" if value is None or value == "" else str(value)


def _in_widgets(config: TrainConfig) -> dict[str, Any]:
    """What the form's widgets hold for a configuration: a widget's key -> its value."""
    values = config.model_dump()
    held = {f: ", ".join(values[f]) if isinstance(values[f], tuple) else values[f] for f in FIELDS}
    held |= {f: as_setting(values[f]) for f in OTHER_FIELDS}
    return {field_key(f, config.preset): value for f, value in held.items()}


def field_key(field: str, preset: str) -> str:
    """The key of the widget that holds a field under a preset."""
    return f"{field}_{preset}"


def fill_form(config: TrainConfig) -> None:
    """Fill the form with a configuration."""
    st.session_state["preset"] = config.preset
    st.session_state.update(_in_widgets(config))
