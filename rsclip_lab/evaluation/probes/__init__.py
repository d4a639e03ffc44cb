"""What features know: linear probe, nearest neighbours, few-shot, and counting."""

from rsclip_lab.evaluation.probes.counting import CountingResult, counting_accuracy
from rsclip_lab.evaluation.probes.few_shot import few_shot
from rsclip_lab.evaluation.probes.knn import knn_probe
from rsclip_lab.evaluation.probes.linear import linear_probe
from rsclip_lab.evaluation.probes.probe import probe, probe_table
from rsclip_lab.evaluation.probes.result import ProbeResult

__all__ = [
    "CountingResult",
    "ProbeResult",
    "counting_accuracy",
    "few_shot",
    "knn_probe",
    "linear_probe",
    "probe",
    "probe_table",
]
