"""Our own small programs for building and checking. Nothing of the product imports them."""
