"""EPCIS events as the ledger keeps them: the event's own text, what of it is asked for, the lots we know."""
