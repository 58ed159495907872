"""Navigation, nothing else."""

import streamlit as st

from app.pages import sections
from app.ui.language import choose_language

st.set_page_config(page_title="Reward Workbench", page_icon=":material/rule:", layout="wide", initial_sidebar_state=230)
choose_language()
st.navigation(sections()).run()
