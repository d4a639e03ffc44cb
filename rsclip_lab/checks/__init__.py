"""Is what goes in what one thinks it is (notebook 03)."""

from rsclip_lab.checks.repair import Repair
from rsclip_lab.checks.report import AuditReport, audit
from rsclip_lab.checks.trainable import require_trainable, require_usable

__all__ = ["AuditReport", "Repair", "audit", "require_trainable", "require_usable"]
