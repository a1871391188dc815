"""The walk that counts distances and keeps proofs, and what scopes are looked up by."""
