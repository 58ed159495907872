"""The Streamlit app: reads the store, draws, writes a rating or a launch. Nothing here imports a training library."""
