"""What the records say of the lots of a scope: how much, how made, which devices."""
