"""The hub's side of the exchange with its sites: what they sent, what they are told, in which order.

sequencer   gives committed entries their positions in each site's feed and folds them into the log
feedstore   reads a site's feed and the snapshot it starts from
hubstore    keeps the sessions of the sites' agents (wire/session.py) in PostgreSQL
recovery    what a restored hub has to hear from its sites before it goes on

Above the kernel, which it uses and which knows nothing of it; below the rooms, of which it knows nothing.
"""
