"""Navigation, nothing else: each reader's pages, and the language switch."""

import streamlit as st

from app.ui.language import choose_language, t

st.set_page_config(page_title="Reward Workbench", page_icon=":material/rule:", layout="wide")
choose_language()

pages = {
    t("Annotators", "Avaliadores"): [
        st.Page(
            "screens/annotate.py", title=t("Annotate", "Avaliar"), icon=":material/rate_review:", url_path="annotate"
        )
    ],
    t("Product", "Produto"): [
        st.Page(
            "screens/results.py", title=t("Results", "Resultados"), icon=":material/query_stats:", url_path="results"
        ),
        st.Page("screens/runs.py", title=t("Runs", "Treinos"), icon=":material/timeline:", url_path="runs"),
    ],
    t("Engineering", "Engenharia"): [
        st.Page(
            "screens/audit.py",
            title=t("Reward audit", "Auditoria da recompensa"),
            icon=":material/fact_check:",
            url_path="audit",
        ),
        st.Page("screens/train.py", title=t("Train", "Treinar"), icon=":material/model_training:", url_path="train"),
        st.Page("screens/data.py", title=t("Data", "Dados"), icon=":material/database:", url_path="data"),
    ],
}
st.navigation(pages).run()
