"""Two evaluations side by side: the numbers, the completions with their changes, and why a task's reward changed."""

import random
from typing import Any

import pandas as pd
import streamlit as st

from app.ui.completion import show_completion, show_prompt
from app.ui.language import interval, number, numbers, p_value, t, task_name
from app.ui.markdown import literal
from app.ui.table import show_rows
from backend.evaluation.changes import Kind, word_changes
from backend.evaluation.compare import TaskComparison
from backend.evaluation.settings import ComparisonSettings
from backend.evaluation.stored import Compared
from backend.evaluation.words import VERDICTS, balanced_words, length_words, not_worse_words
from backend.suites import find_task
from rewards.types import JsonAnswer

_HIGHLIGHT: dict[Kind, str] = {"removed": "red-background", "added": "green-background"}
_SHOWN = 5


def show_table(comparisons: list[TaskComparison], settings: ComparisonSettings | None = None) -> None:
    """The numbers behind the summary sentence; with settings, also what they say of the margin and of the mean over tasks."""
    frame = pd.DataFrame([c.as_dict() for c in comparisons])
    frame["interval"] = [interval(c.low, c.high) for c in comparisons]
    frame["relative"] = [f"{number(100 * c.delta / c.base, 0, True)} %" if c.base > 0.05 else "–" for c in comparisons]
    frame["wtl"] = [f"{c.wins} / {c.ties} / {c.losses}" for c in comparisons]
    frame["task"] = frame["task"].map(task_name)
    frame["verdict"] = [t(*VERDICTS[c.verdict]) for c in comparisons]
    digits = dict.fromkeys(("base", "tuned", "delta", "effect", "detectable"), 2)
    frame = numbers(frame, digits, signed=["delta", "effect"])
    frame = frame.assign(**{p: frame[p].map(p_value) for p in ("p_holm", "p_mean_holm")})
    columns: dict[str, Any] = {
        "task": st.column_config.TextColumn(t("Task", "Tarefa"), pinned=True),
        "verdict": t("Verdict on the reward", "Veredito da recompensa"),
        "n": "n",
        "base": "base",
        "tuned": t("tuned", "treinado"),
        "delta": "Δ",
        "interval": t("95 % interval", "intervalo de 95 %"),
        "relative": "Δ %",
        "p_holm": st.column_config.TextColumn(
            "p (Holm)", help=t("Wilcoxon, two-sided, corrected over tasks", "Wilcoxon, bilateral, corrigido")
        ),
        "p_mean_holm": st.column_config.TextColumn(
            t("p of the mean", "p da média"),
            help=t(
                "flips of the signs, two-sided, corrected over tasks; it weighs each prompt by how much it moved",
                "troca de sinais, bilateral, corrigido; cada prompt pesa o quanto mudou",
            ),
        ),
        "effect": st.column_config.TextColumn(
            t("effect", "efeito"), help="matched-pairs rank-biserial correlation, -1 to 1"
        ),
        "wtl": st.column_config.TextColumn(
            "+ / = / −",
            help=t("prompts that gained / stayed / lost", "prompts que ganharam / ficaram / perderam"),
        ),
        "detectable": st.column_config.TextColumn(
            t("could see ±", "veria ±"),
            help=t("smallest change found with 80 % power", "menor mudança com poder de 80 %"),
        ),
    }
    show_rows(
        frame[list(columns)], "changes", t("Base against tuned, per task", "Base contra treinado, por tarefa"), columns
    )
    if settings is not None:
        words = [not_worse_words(comparisons, settings), balanced_words(comparisons)]
        st.caption(" ".join(t(*one) for one in words if one))


def show_moves(compared: Compared) -> None:
    """The largest gain and the largest loss in reward, in short: what the numbers mean."""
    moved = compared.paired.assign(d=compared.paired["tuned"] - compared.paired["base"]).sort_values("d", kind="stable")
    texts = compared.texts.set_index("prompt_id")
    ends = [
        (t("Largest gain", "Maior ganho"), moved[moved["d"] > 0].tail(1)),
        (t("Largest loss", "Maior perda"), moved[moved["d"] < 0].head(1)),
    ]
    shown = [(title, pair.iloc[0]) for title, pair in ends if len(pair) and pair.iloc[0]["prompt_id"] in texts.index]
    for column, (title, pair) in zip(st.columns(2, gap="medium"), shown, strict=False):
        of = texts.loc[pair["prompt_id"]]
        with column.container(border=True, height="stretch"):
            st.markdown(f"**{title}** · {task_name(pair['task'])} · Δ {number(pair['d'], signed=True)}")
            for name, side in ((t("base", "base"), "base"), (t("tuned", "treinado"), "tuned")):
                st.markdown(f"{name} {number(pair[side])}: {literal(_cut(of[side]))}")


_BEGINNING, _END = 90, 50
"""Characters of an answer that show what kind it is, also where it ends otherwise than it begins."""


def _cut(text: str) -> str:
    line = " ".join(" ".join(part for part in text.splitlines() if not part.startswith("```")).split())
    if len(line) <= _BEGINNING + _END:
        return line
    return f"{line[:_BEGINNING].rstrip()} … {line[-_END:].lstrip()}"


def show_pairs(compared: Compared) -> None:
    """Completions side by side: the largest gains, the largest losses, or random ones, with changes highlighted."""
    orders = {
        "best": t("best moves", "maiores ganhos"),
        "worst": t("worst moves", "maiores perdas"),
        "random": t("random", "ao acaso"),
    }
    row = st.container(horizontal=True)
    order = row.segmented_control(
        t("Show", "Mostrar"), list(orders), default="best", format_func=orders.__getitem__, required=True
    )
    tasks = ["", *compared.paired["task"].unique()]
    task = row.selectbox(
        t("Task", "Tarefa"), tasks, format_func=lambda x: task_name(x) if x else t("all", "todas"), width=220
    )
    moved = compared.paired.assign(d=compared.paired["tuned"] - compared.paired["base"])
    if task:
        moved = moved[moved["task"] == task]
    if order == "random":
        seed = st.session_state.setdefault("pairs_seed", 0)
        row.button(t("Others", "Outros"), icon=":material/casino:", on_click=_draw_again)
        chosen = moved.loc[random.Random(seed).sample(list(moved.index), min(_SHOWN, len(moved)))]
    else:
        chosen = moved.sort_values("d", ascending=order == "worst", kind="stable").head(_SHOWN)
    if (most := max(compared.answers)) > 1:
        st.caption(
            t(
                f"Of {most} answers the first is shown; rewards are the means over them.",
                f"De {most} respostas mostra-se a primeira; as recompensas são as médias delas.",
            )
        )
    texts = compared.texts.set_index("prompt_id")
    for _, pair in chosen.iterrows():
        if pair["prompt_id"] in texts.index:
            _show_pair(pair, texts.loc[pair["prompt_id"]])


def _draw_again() -> None:
    st.session_state["pairs_seed"] = st.session_state.get("pairs_seed", 0) + 1


def _show_pair(pair: pd.Series, texts: pd.Series) -> None:
    with st.container(border=True):
        st.markdown(f"**{task_name(pair['task'])}** · Δ {number(pair['d'], signed=True)}")
        show_prompt(texts["user_text"])
        known = find_task(pair["task"])
        answer = known.json if known is not None else None
        fields = _fields(answer, texts["base"], texts["tuned"]) if answer is not None else None
        if fields is not None:
            st.dataframe(
                fields,
                hide_index=True,
                column_config={
                    "field": t("field", "campo"),
                    "base": f"base · {number(pair['base'])}",
                    "tuned": f"{t('tuned', 'treinado')} · {number(pair['tuned'])}",
                    "changed": st.column_config.CheckboxColumn(t("changed", "mudou")),
                },
            )
        pieces = word_changes(texts["base"], texts["tuned"])
        sides = (
            ("base", "removed", t("base", "base"), texts["base"]),
            ("tuned", "added", t("tuned", "treinado"), texts["tuned"]),
        )
        for column, (side, shown, label, text) in zip(st.columns(2, gap="medium"), sides, strict=True):
            with column:
                st.caption(f"{label} · {t('reward', 'recompensa')} {number(pair[side])}")
                if fields is None:
                    st.markdown(_highlighted(pieces, shown))  # type: ignore[arg-type]
                with st.expander(t("As the user sees it", "Como o usuário vê")):
                    show_completion(pair["task"], text)


def _highlighted(pieces: list[tuple[Kind, str]], shown: Kind) -> str:
    """One side's text as Markdown that shows it literally, with its changes (of the kind ``shown``) highlighted."""
    out = []
    for kind, text in pieces:
        safe = literal(text)
        if kind == "same":
            out.append(safe)
        elif kind == shown and text.strip():
            lines = safe.split("  \n")
            out.append("  \n".join(f":{_HIGHLIGHT[kind]}[{line}]" if line.strip() else line for line in lines))
    return "".join(out) or "–"


def _fields(answer: JsonAnswer, base: str, tuned: str) -> pd.DataFrame | None:
    """Both JSON objects field by field; None if a text has none."""
    a, b = answer.parse(base).value, answer.parse(tuned).value
    if a is None or b is None:
        return None
    names = list(dict.fromkeys([*a, *b]))
    absent = "–"
    rows = [
        (n, _short(a.get(n, absent)), _short(b.get(n, absent)), a.get(n, absent) != b.get(n, absent)) for n in names
    ]
    return pd.DataFrame(rows, columns=["field", "base", "tuned", "changed"])


def _short(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else str(value)
    return text[:300]


def show_components(compared: Compared) -> None:
    """Why each task's reward changed: what length did, then every component's numbers, the largest change first."""
    for words in length_words(compared.paired):
        st.markdown(f"- {t(*words)}")
    frame = compared.components.assign(task=compared.components["task"].map(task_name))
    frame["interval"] = [interval(*ends) for ends in zip(frame.pop("low"), frame.pop("high"), strict=True)]
    frame = numbers(frame, {"base": 3, "tuned": 3, "delta": 3}, signed=["delta"])
    show_rows(
        frame,
        "components",
        t("Every component's mean before and after", "Média de cada componente antes e depois"),
        heads=2,
        columns={
            "task": t("Task", "Tarefa"),
            "component": t("component", "componente"),
            "base": "base",
            "tuned": t("tuned", "treinado"),
            "delta": "Δ",
            "interval": t("95 % interval of Δ", "intervalo de 95 % do Δ"),
        },
    )
