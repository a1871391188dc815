"""The pages: they translate between a person and the rooms, and decide nothing."""
