"""The demonstration network: generated data, marked as such, and the mappings of its plants."""
