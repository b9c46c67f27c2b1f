"""The assistant that a Rasa user would build by the book for the same task: the baseline of ``benchmarks.chat``."""
