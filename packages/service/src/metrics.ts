import { status } from '@grpc/grpc-js'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** Seconds; from a store in memory to a call that somebody will complain about. */
export const DURATION_BUCKETS_SECONDS: readonly number[] = [0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10]

/**
 * Numbers about a process, for `/metrics`. Labels take closed words only (a method, a status, a zone): never a licence,
 * a person or anything a stranger chooses, for each new value is a new series and is kept.
 */
export interface Metrics {
  counter(name: string, help: string, labels?: readonly string[]): Counter
  gauge(name: string, help: string, labels?: readonly string[]): Gauge
  histogram(name: string, help: string, labels?: readonly string[], buckets?: readonly number[]): Histogram
  /** The registry in Prometheus's text format. */
  text(): Promise<{ readonly contentType: string; readonly body: string }>
}

/** An empty registry of its own; names are registered once. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  return {
    counter: (name, help, labels = []) => new Counter({ name, help, labelNames: [...labels], registers }),
    gauge: (name, help, labels = []) => new Gauge({ name, help, labelNames: [...labels], registers }),
    histogram: (name, help, labels = [], buckets = DURATION_BUCKETS_SECONDS) =>
      new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers }),
    text: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}

/** What `createGrpcServer` wants as `observe`: calls by method and status, and how long they took. */
export function grpcObserver(metrics: Metrics): (call: { path: string; code: status; durationMs: number }) => void {
  const labels = ['method', 'status']
  const seconds = metrics.histogram('hutong_grpc_call_seconds', 'how long calls took, by method and status', labels)
  return ({ path, code, durationMs }) => seconds.labels(path, status[code] ?? String(code)).observe(durationMs / 1000)
}
