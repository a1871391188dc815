"""Governance: is the data complete, valid, in time and in one form; what should a person look at."""
