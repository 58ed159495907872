"""How wide a table may be, said in one place."""

MOST_COLUMNS = 2_000


def too_wide(columns: int) -> str:
    """Why a table of so many columns is not read; "" where it is."""
    return f"{columns} columns; at most {MOST_COLUMNS} are read" if columns > MOST_COLUMNS else ""
