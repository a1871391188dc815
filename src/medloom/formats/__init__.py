"""Readers and writers of standard files: bytes in, plain rows out, and the other way. Pure.

Here stands what the agent (files in a folder) and the interfaces (files sent over HTTP) have to read alike:
the strict XML opener, QIF, GUDID, import templates, EPCIS events. Nothing here knows a database, a socket
or Django; a file that cannot be read is refused with a stable code and the place in the file.
"""
