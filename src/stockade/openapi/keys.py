"""Keys of our own in Operation Objects."""

BODY_ALONE = "x-stockade-body-alone"  # of this operation only the body is described: its parameters are open
