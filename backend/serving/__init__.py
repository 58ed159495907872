"""The tuned model in production: a gateway (routing, checks, scores), a monitor, and feedback to the raters."""
