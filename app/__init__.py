"""The Streamlit app: it shows what is in the store, and saves ratings and launches. It imports no training library."""
