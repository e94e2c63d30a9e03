"""Where staged rows go: into the ledger, in groups of chunks, with the fingerprint index that later runs look into."""

from __future__ import annotations

import tempfile
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from importer.errors import LedgerError
from importer.ledger import fingerprint_index
from importer.ledger.packing import pack
from importer.ledger.ports import Ledger
from importer.ledger.records import PlannedChunk
from importer.model import Action, ChunkState, Doubt, Outcome
from importer.rows.fingerprints import shorten
from importer.rows.hash_sets import Numbers, room_in, sorted_parts
from importer.rows.tables import REJECTS
from importer.staging.planning import Planned
from importer.staging.standings import Standing

_GROUP = 2048
_GROUP_BYTES = 1 << 20
"""Most chunks, and about the most bytes, per commit."""
_REJECTS_AT_ONCE = 1 << 14

_STANDS = {
    Standing.SEND: (ChunkState.PENDING, "", Doubt.NONE),
    Standing.DOUBTFUL: (ChunkState.PENDING, "", Doubt.EARLIER_RUN),
}
_ALREADY = {Action.COMMISSION: Outcome.ALREADY_ASSIGNED, Action.DECOMMISSION: Outcome.ALREADY_DECOMMISSIONED}


class Recording:
    """A stage.Sink that writes into a run of the ledger. A batch's number there is its number in staging + 1."""

    def __init__(self, ledger: Ledger, run: int, spill: Path | None, action: Action = Action.COMMISSION) -> None:
        self._ledger = ledger
        self._run = run
        self._already = _ALREADY[action]
        self._chunks: list[Planned] = []
        self._next_seq = 1
        self.to_send = 0
        """Serials that were planned to be sent until now."""
        self._spill = spill or Path(tempfile.gettempdir())
        with room_in(self._spill):
            self._entries = tempfile.TemporaryFile(dir=self._spill, prefix=".importer-index-")  # noqa: SIM115  see close
        self._indexed = 0
        self._bytes = 0
        self._written: Future[None] | None = None

    def chunk(self, planned: Planned) -> None:
        self._chunks.append(planned)
        self.to_send += len(planned.keys) if planned.standing != Standing.ALREADY else 0
        self._bytes += len(planned.text)
        if self._bytes >= _GROUP_BYTES or len(self._chunks) >= _GROUP:
            self._flush()

    def rejects(self, rows: Any) -> None:
        for start in range(0, rows.num_rows, _REJECTS_AT_ONCE):
            part = rows.slice(start, _REJECTS_AT_ONCE)
            keys = part["key"].to_numpy()
            blob = pa.BufferOutputStream()
            options = pa.ipc.IpcWriteOptions(compression="zstd")
            with pa.ipc.new_stream(blob, REJECTS, options=options) as writer:
                writer.write(part)
            first, last = int(keys.min()), int(keys.max())
            self._ledger.add_rejects(self._run, first, last, len(keys), blob.getvalue().to_pybytes())

    def finish(self) -> None:
        """Write what is still here. To be called once, when staging has ended well."""
        self._flush()
        with room_in(self._spill):
            self._entries.flush()
        if self._indexed:
            for part in sorted_parts(Numbers(self._entries, self._indexed), self._spill):
                self._ledger.add_fingerprints(self._run, fingerprint_index.pieces(part))
        if self._written:
            self._written.result()
        self.close()

    def close(self) -> None:
        self._entries.close()

    def _index(self) -> None:
        """Put aside the fingerprints of what has gathered."""
        if self._next_seq + len(self._chunks) - 1 > fingerprint_index.MAX_SEQ:
            raise LedgerError("list_too_many_requests", most=fingerprint_index.MAX_SEQ)
        chunks = [
            (seq, chunk.hashes)
            for seq, chunk in enumerate(self._chunks, self._next_seq)
            if chunk.standing != Standing.ALREADY
        ]
        if not chunks:
            return
        seqs, hashes = zip(*chunks, strict=True)
        each = np.repeat(np.array(seqs, np.uint64), [len(some) for some in hashes])
        with room_in(self._spill):
            self._entries.write(fingerprint_index.entries(shorten(np.concatenate(hashes)), each).data)
        self._indexed += len(each)

    def _flush(self) -> None:
        """Write what has gathered, while the next gathers: two groups are in memory at once, at most."""
        if self._written:
            self._written.result()
        if self._chunks:
            self._index()
            self._written = self._ledger.post_chunks(
                self._run, self._next_seq, map(partial(_packed, already=self._already), self._chunks)
            )
            self._next_seq += len(self._chunks)
            self._chunks, self._bytes = [], 0


def _packed(planned: Planned, already: Outcome) -> PlannedChunk:
    """Takes most of the time that a chunk costs here: left to the ledger's thread."""
    keys = np.concatenate([planned.keys, planned.repeat_keys]) if len(planned.repeat_keys) else planned.keys
    settled = (ChunkState.SETTLED, already.value, Doubt.NONE)
    state, outcome, doubt = _STANDS.get(planned.standing, settled)
    return PlannedChunk(
        planned.group + 1,
        state,
        outcome,
        doubt,
        len(planned.keys),
        len(planned.repeat_keys),
        int(keys.min()),
        int(keys.max()),
        pack(planned.text, planned.keys, planned.repeat_of, planned.repeat_keys),
    )
