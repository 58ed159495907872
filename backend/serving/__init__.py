"""The tuned model in production: a gateway that routes, checks and scores; a monitor; and the way back to the raters."""
