"""What hangs on the training loop: anything with some of on_start, on_step, on_epoch, on_end(state).

The loop calls them; they read the state, and may set `state.stop` to the reason why the run should end.
"""

from rsclip_lab.training.callbacks.progress_bar import ProgressBar
from rsclip_lab.training.callbacks.validate import Validate

__all__ = ["ProgressBar", "Validate"]
