"""The store: typed tables, the engine, migrations, and one query module per thing stored."""
