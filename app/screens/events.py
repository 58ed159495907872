"""Log: who did what, and when."""

import pandas as pd
import streamlit as st

from app.ui.language import t
from app.ui.log_words import about_words, detail_words, did_words
from app.ui.state import open_store
from app.ui.table import show_rows
from app.ui.times import zone
from backend.access import OPERATOR
from backend.store.engine import reading
from backend.store.events import latest_events


def page() -> None:
    """Draw the page."""
    st.title(t("Log", "Registro"), anchor=False)
    with reading() as session:
        events = latest_events(session)
    if events.empty:
        st.info(t("Nothing has been done yet.", "Nada foi feito ainda."), icon=":material/history:")
        return
    events["at"] = pd.to_datetime(events["at"], utc=True)
    events["person"] = events["person"].replace(OPERATOR.name, t(OPERATOR.name, "operador"))
    events["what"] = [did_words(what) for what in events["what"]]
    events["about"] = [about_words(about) for about in events["about"]]
    events["detail"] = [detail_words(detail) for detail in events["detail"]]
    show_rows(
        events,
        "events",
        t("Who did what", "Quem fez o quê"),
        columns={
            "at": st.column_config.DatetimeColumn(
                t("when", "quando"), format=t("YYYY-MM-DD HH:mm", "DD/MM/YYYY HH:mm"), timezone=zone()
            ),
            "person": t("who", "quem"),
            "what": t("did", "fez"),
            "about": t("to", "a"),
            "detail": st.column_config.TextColumn(t("more", "mais"), width="large"),
        },
    )
    st.caption(
        t(
            f"Times of {zone()}. The newest 500 entries; nothing in this log can be changed or deleted. Ratings have a history "
            "of their own.",
            f"Horários de {zone()}. As 500 entradas mais novas; nada neste registro pode ser mudado ou apagado. As avaliações "
            "têm histórico próprio.",
        )
    )


open_store()
page()
