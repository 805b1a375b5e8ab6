"""The report of a training: one page that shows what was learnt, what was not, and what is wrong with the data."""
