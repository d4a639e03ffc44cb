"""A run on the disk: its folder, checkpoints to go on from, and what it leaves behind."""
