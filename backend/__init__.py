"""Everything that is not a screen: store, data, models, training, evaluation, audit, runs."""
