"""Documents derived from the declarations: checked in under api/, and a test shows every difference."""
