"""What hangs on the training loop: anything with some of on_start, on_step, on_epoch, on_stop and on_end(state).

The loop calls them; they read the state, and may set `state.stop` to the reason why the run should end. on_stop comes
when the run breaks off between two steps, with the weights of the last whole one; on_end comes in any case, with the
weights that the run ends with, to those whose on_start went well. What has to outlive an interruption is given to the
checkpoint by `state_dict()`, plain values and tensors, and given back to `load_state_dict(…)` after on_start. Any
other logger is a few lines, passed as `finetune(…, callbacks=[Logger("log.jsonl")])`:

    class Logger:
        def __init__(self, path):
            self.path = path

        def on_step(self, state):
            with open(self.path, "a") as file:
                print(json.dumps(state.record), file=file)
"""

from rsclip_lab.training.callbacks.collapse_alarm import CollapseAlarm
from rsclip_lab.training.callbacks.progress_bar import ProgressBar
from rsclip_lab.training.callbacks.tensorboard import TensorBoard, tensorboard_callbacks
from rsclip_lab.training.callbacks.validate import Validate

__all__ = ["CollapseAlarm", "ProgressBar", "TensorBoard", "Validate", "tensorboard_callbacks"]
