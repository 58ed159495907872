"""The app's entry script: sign-in and the navigation for a person's roles."""

from pathlib import Path

import streamlit as st

from app.pages import sections
from app.ui.language import choose_language
from app.ui.outage import show_outage
from app.ui.person import (
    ask_to_sign_in,
    current_person,
    not_served,
    say_no_role,
    say_not_served,
    show_person,
    signs_in,
)
from backend.access import NOBODY, identify_by
from backend.store.engine import StoreAway

st.set_page_config(
    page_icon=str(Path(__file__).with_name("icon.svg")),  # an icon by name would be fetched from outside
    layout="wide",
    initial_sidebar_state=260,
)
identify_by(current_person)
choose_language()
person = current_person()
if not_served():
    st.navigation([st.Page(say_not_served, title="Reward Workbench")], position="hidden").run()
elif person == NOBODY:
    st.navigation([st.Page(ask_to_sign_in, title="Reward Workbench")], position="hidden").run()
elif not person.roles:
    show_person(person)
    st.navigation(
        [st.Page(lambda: say_no_role(person), title="Reward Workbench", url_path="home")], position="hidden"
    ).run()
else:
    if signs_in():
        show_person(person)
    try:
        page = st.navigation(sections(person))
        st.set_page_config(page_title=f"{page.title} · Reward Workbench")
        page.run()
    except StoreAway as error:
        show_outage(error)
