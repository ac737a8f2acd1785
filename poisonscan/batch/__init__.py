"""Floor 6: many sets, resumable, on one machine or many.

- sources: paths, globs and manifests to jobs; jobs: one set to one report file; engines: where jobs run
- ledger: what is done; run: all of it in order; vendors, vendor_table: who delivers what
"""

from __future__ import annotations

from poisonscan.batch.jobs import Done, Job
from poisonscan.batch.ledger import Ledger, Record
from poisonscan.batch.run import BatchResult, scan_many
from poisonscan.batch.vendors import SetLine, VendorLine, VendorTable, vendor_table

__all__ = ["BatchResult", "Done", "Job", "Ledger", "Record", "SetLine", "VendorLine", "VendorTable", "scan_many", "vendor_table"]
