"""What a user would write instead of the importer: pandas, groupby, a requests session, a CSV at the end.

No checks, no record of what was sent, no way to go on: the measure of speed only.
"""

from __future__ import annotations

import sys

import pandas as pd
import requests


def main(path: str, url: str, out: str) -> None:
    rows = pd.read_csv(path, dtype=str)
    session = requests.Session()
    session.headers.update({"x-access-token": "token", "x-channel-key": "key"})
    report = []
    for (gtin, batch, expiry), group in rows.groupby(["GTIN", "Batch", "ExpirationDate"]):
        for start in range(0, len(group), 1000):
            chunk = group.iloc[start : start + 1000]
            body = {
                "product_code": gtin,
                "product_code_schema": "GTIN",
                "batch": batch,
                "expiry_date": expiry,
                "serials": chunk["SerialNumber"].tolist(),
            }
            answer = session.post(url, json=body, timeout=30)
            answer.raise_for_status()
            said = {line["serial_number"]: line["status"] for line in answer.json()["data"]}
            report.append(chunk.assign(status=chunk["SerialNumber"].map(said)))
    pd.concat(report).to_csv(out, index=False)


if __name__ == "__main__":
    main(*sys.argv[1:4])
