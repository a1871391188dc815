"""Who takes part: parties, sites, people, keys, connections."""
