"""The running installation: state folder, embedded PostgreSQL, process tree, doctor.

Nothing here knows a lot, an order or a page. It imports no Django until a command needs it.
"""
