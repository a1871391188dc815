"""Fault drills: each listed fault made to happen on the real product, and a count of what was lost."""
