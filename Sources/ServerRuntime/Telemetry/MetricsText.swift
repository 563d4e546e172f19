import Glibc
import ServerCore
import ServingDomain

/// Writes counters as Prometheus text: Triton's names first, then ours.
struct MetricsText {
    private var text = ""
    private let models: [(labels: String, counters: StatisticsSnapshot)]

    init(_ servables: [Servable]) {
        models = servables.map { servable in
            let name = Self.escape(servable.spec.name)
            var labels = "model=\"\(name)\",version=\"\(servable.spec.version)\""
            for (key, value) in servable.metricTags.sorted(by: { $0.key < $1.key }) {
                labels += ",\(key)=\"\(Self.escape(value))\""
            }
            return (labels, servable.statistics.snapshot())
        }
    }

    /// The whole text.
    mutating func write(
        requestsHere: Int,
        ready: Bool,
        host: HostLoad,
        forecast: ForecastReport,
        control: ControlCounters.Counts,
        lanes: [(labels: String, share: Double, status: LaneStatus)]
    ) -> [UInt8] {
        writeRequests()
        writeDurations()
        writeOutcomes()
        writeLatencies()
        writeBatches()
        writeHost(host)
        writeForecast(forecast)
        writeLanes(lanes)
        writeControl(control)
        family("sluice_requests_in_server", "gauge", "Requests that hold a slot")
        text += "sluice_requests_in_server \(requestsHere)\n"
        family("sluice_ready", "gauge", "1 while the server is ready")
        text += "sluice_ready \(ready ? 1 : 0)\n"
        return Array(text.utf8)
    }

    private mutating func writeRequests() {
        each("nv_inference_request_success", "counter", "Successful requests, all batch sizes") {
            "\($0.success.count)"
        }
        family("nv_inference_request_failure", "counter", "Failed requests, all batch sizes")
        for (labels, counters) in models {
            func sum(_ outcomes: Outcome...) -> UInt64 {
                outcomes.reduce(0) { sum, outcome in
                    counters.classes.reduce(sum) { $0 + $1.outcomes[Int(outcome.rawValue)] }
                }
            }
            // A request that was cut off by its own timeout is late without a result.
            let results = counters.success.count
            let cut = sum(.served, .late) - min(results, sum(.served, .late))
            let rows = [
                ("REJECTED", sum(.dropped, .refused) + cut), ("CANCELED", sum(.cancelled)),
                ("BACKEND", sum(.failed)), ("OTHER", counters.invalid),
            ]
            for (reason, count) in rows {
                text += "nv_inference_request_failure{\(labels),reason=\"\(reason)\"} \(count)\n"
            }
        }
        each("nv_inference_count", "counter", "Items inferred") { "\($0.inferences)" }
        each("nv_inference_exec_count", "counter", "Batches run") { "\($0.executions)" }
        each("nv_inference_pending_request_count", "gauge", "Requests that wait for a batch") {
            "\($0.pending)"
        }
    }

    private mutating func writeDurations() {
        let blocks: [(String, String, (StatisticsSnapshot) -> CountAndTime)] = [
            ("request", "Whole requests, in microseconds", { $0.success }),
            ("queue", "Waiting for a batch, in microseconds", { $0.queue }),
            ("compute_input", "Gathering inputs, in microseconds", { $0.computeInput }),
            ("compute_infer", "Running the model, in microseconds", { $0.computeInfer }),
            ("compute_output", "Scattering outputs, in microseconds", { $0.computeOutput }),
        ]
        for (name, help, block) in blocks {
            each("nv_inference_\(name)_duration_us", "counter", help) {
                "\(block($0).nanoseconds / 1_000)"
            }
        }
    }

    private mutating func writeOutcomes() {
        family("sluice_requests_total", "counter", "Requests by priority and outcome")
        eachClass { labels, counters in
            Outcome.allCases.map { outcome in
                let count = counters.outcomes[Int(outcome.rawValue)]
                return "sluice_requests_total{\(labels),outcome=\"\(outcome)\"} \(count)\n"
            }.joined()
        }
        family("sluice_deadlines_total", "counter", "Requests with a deadline, met or missed")
        eachClass { labels, counters in
            "sluice_deadlines_total{\(labels),met=\"true\"} \(counters.deadlinesMet)\n"
                + "sluice_deadlines_total{\(labels),met=\"false\"} \(counters.deadlinesMissed)\n"
        }
    }

    private mutating func writeLatencies() {
        let name = "sluice_request_latency_seconds"
        family(name, "histogram", "Latency of requests that got a result")
        eachClass { labels, counters in
            var lines = ""
            var total: UInt64 = 0
            for (place, bound) in LatencyHistogram.boundsMicroseconds.enumerated() {
                total += counters.latency.counts[place]
                lines += "\(name)_bucket{\(labels),le=\"\(Double(bound) / 1e6)\"} \(total)\n"
            }
            total += counters.latency.counts.last ?? 0
            lines += "\(name)_bucket{\(labels),le=\"+Inf\"} \(total)\n"
            lines += "\(name)_sum{\(labels)} \(Double(counters.latency.sum) / 1e9)\n"
            return lines + "\(name)_count{\(labels)} \(total)\n"
        }
    }

    private mutating func writeBatches() {
        family("sluice_batch_items", "histogram", "Items per batch")
        for (labels, counters) in models {
            var bound: UInt64 = 1
            while bound <= 1_024 {
                let count = counters.batches.filter { $0.size <= bound }
                    .reduce(0) { $0 + $1.infer.count }
                text += "sluice_batch_items_bucket{\(labels),le=\"\(bound)\"} \(count)\n"
                bound *= 2
            }
            let all = counters.batches.reduce(0) { $0 + $1.infer.count }
            let items = counters.batches.reduce(0) { $0 + $1.infer.count * $1.size }
            text += "sluice_batch_items_bucket{\(labels),le=\"+Inf\"} \(all)\n"
            text += "sluice_batch_items_sum{\(labels)} \(items)\n"
            text += "sluice_batch_items_count{\(labels)} \(all)\n"
        }
    }

    private mutating func writeHost(_ host: HostLoad) {
        let memory = HostLoad.memory()
        family("nv_cpu_utilization", "gauge", "Busy share of the host's cores, 0 to 1")
        text += "nv_cpu_utilization \(host.processorShare())\n"
        family("nv_cpu_memory_total_bytes", "gauge", "Memory of the host")
        text += "nv_cpu_memory_total_bytes \(memory.total)\n"
        family("nv_cpu_memory_used_bytes", "gauge", "Memory of the host in use, without caches")
        text += "nv_cpu_memory_used_bytes \(memory.used)\n"
        // Triton's boards ask for these; a pool that there is not has nothing in it.
        family("nv_pinned_memory_pool_total_bytes", "gauge", "Pinned memory for copies; none here")
        text += "nv_pinned_memory_pool_total_bytes 0\n"
        family("nv_pinned_memory_pool_used_bytes", "gauge", "Pinned memory in use; none here")
        text += "nv_pinned_memory_pool_used_bytes 0\n"
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let seconds =
            Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
            + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        family("process_cpu_seconds_total", "counter", "CPU time of this process")
        text += "process_cpu_seconds_total \(seconds)\n"
    }

    mutating func family(_ name: String, _ kind: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n"
    }

    /// One sample without a model.
    mutating func line(_ name: String, _ value: Double) {
        text += "\(name) \(value)\n"
    }

    private mutating func each(
        _ name: String,
        _ kind: String,
        _ help: String,
        _ value: (StatisticsSnapshot) -> String
    ) {
        family(name, kind, help)
        for (labels, counters) in models { text += "\(name){\(labels)} \(value(counters))\n" }
    }

    private mutating func eachClass(
        _ lines: (String, StatisticsSnapshot.Class) -> String
    ) {
        for (labels, counters) in models {
            for priority in PriorityClass.allCases {
                let counters = counters.classes[Int(priority.rawValue)]
                text += lines("\(labels),priority=\"\(priority)\"", counters)
            }
        }
    }

    static func escape(_ value: String) -> String {
        var escaped = ""
        for character in value {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n": escaped += "\\n"
            default: escaped.append(character)
            }
        }
        return escaped
    }
}
