"""The tasks, one folder each, and one dictionary for each place where they differ.

`codecs` says what is legal and how targets become labels and come back, `heads` what sits on the encoder
and what is minimised, `scorers` how good a prediction is. They are apart because stages read them apart:
an edit of a score must not tokenize again.
"""
