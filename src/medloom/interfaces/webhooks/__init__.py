"""Webhooks: the event stream pushed to receivers, signed, in order, at least once."""
