"""The fault that turns each case of this folder red; see cases/planting.py."""

from __future__ import annotations

from cases.api.connection_faults import CONNECTION_FAULTS
from cases.api.description_faults import DESCRIPTION_FAULTS
from cases.api.media_faults import MEDIA_FAULTS
from cases.api.parameter_faults import PARAMETER_FAULTS
from cases.api.transport_faults import TRANSPORT_FAULTS

__all__ = ["FAULTS"]

FAULTS = {
    **CONNECTION_FAULTS,
    **DESCRIPTION_FAULTS,
    **MEDIA_FAULTS,
    **PARAMETER_FAULTS,
    **TRANSPORT_FAULTS,
}
