"""The command lines, on top of everything: a module per sub-command of ``workbench``, each with its typer ``app``."""
