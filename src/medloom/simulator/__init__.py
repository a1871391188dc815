"""The seeded simulator: the machines of `wire` under every fault at once, and an oracle that knows better.

Nothing here imitates the protocol: hub and sites are `wire.hub.HubMachine` and `wire.site.SiteMachine`,
rows go through `wire.rows`. Simulated are the network, the clocks, the people, the plants' tables, the
transactions of the hub's database, and what goes wrong. A run is its seed.
"""
