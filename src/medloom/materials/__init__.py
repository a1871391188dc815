"""What it is made of and where it is: lots, aliases, moves, stock, holds."""
