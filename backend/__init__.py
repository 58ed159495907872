"""Everything that is not a screen: suites, store, data, models, training, evaluation, audit, runs, serving, releases."""
