"""The second edition of the four rewards (profile v5): what cheap text cannot do.

Each looks at what the prompt says, and pays only for what a completion does with it: the figures it explains, the offer it
announces, the values that follow from the review, the question its query answers. Words count only inside sentences that read
like Portuguese (``portuguese``).
"""
