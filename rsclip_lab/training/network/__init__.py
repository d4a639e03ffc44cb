"""The network while it is trained: what of it is, in which memory, and by which steps."""
