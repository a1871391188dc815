"""What was asked for and what was made: work orders and step records."""
