"""What operators see of imports beside the ledger: metrics for Prometheus, spans for OpenTelemetry."""
