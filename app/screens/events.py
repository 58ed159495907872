"""Log: who did what, and when."""

import pandas as pd
import streamlit as st

from app.ui.language import t
from app.ui.state import open_store
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
    events["detail"] = [", ".join(f"{k}: {v}" for k, v in d.items()) for d in events["detail"]]
    st.dataframe(
        events,
        hide_index=True,
        alt=t("Who did what", "Quem fez o quê"),
        column_config={
            "at": st.column_config.DatetimeColumn(t("when", "quando")),
            "person": t("who", "quem"),
            "what": t("did", "fez"),
            "about": t("to", "a"),
            "detail": st.column_config.TextColumn(t("more", "mais"), width="large"),
        },
    )
    st.caption(
        t(
            "The newest 500 entries; nothing in this log can be changed or deleted. Ratings have a history of their own.",
            "As 500 entradas mais novas; nada neste registro pode ser mudado ou apagado. As avaliações têm histórico próprio.",
        )
    )


open_store()
page()
