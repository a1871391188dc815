"""Trace: which lot went into which, in both directions, and what a recall has to reach."""
