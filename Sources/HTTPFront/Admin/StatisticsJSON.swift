import OpenInference
import ServerRuntime
import ServingDomain

/// The statistics extension's JSON. Every key is always there: perf_analyzer reads them unchecked.
enum StatisticsJSON {
    /// Writes the statistics of models.
    static func write(_ servables: [Servable], to writer: inout JSONWriter) {
        writer.beginObject()
        writer.key("model_stats")
        writer.beginArray()
        for servable in servables { write(servable, &writer) }
        writer.endArray()
        writer.endObject()
    }

    private static func write(_ servable: Servable, _ writer: inout JSONWriter) {
        let snapshot = servable.statistics.snapshot()
        writer.beginObject()
        writer.key("name")
        writer.string(servable.spec.name)
        writer.key("version")
        writer.string(String(servable.spec.version))
        writer.key("last_inference")
        writer.number(snapshot.lastInference)
        writer.key("inference_count")
        writer.number(snapshot.inferences)
        writer.key("execution_count")
        writer.number(snapshot.executions)
        writer.key("inference_stats")
        writer.beginObject()
        write("success", snapshot.success, &writer)
        write("fail", snapshot.fail, &writer)
        write("queue", snapshot.queue, &writer)
        write("compute_input", snapshot.computeInput, &writer)
        write("compute_infer", snapshot.computeInfer, &writer)
        write("compute_output", snapshot.computeOutput, &writer)
        write("cache_hit", snapshot.cacheHit, &writer)
        write("cache_miss", snapshot.cacheMiss, &writer)
        writer.endObject()
        writer.key("response_stats")
        writer.beginObject()
        writer.endObject()
        writer.key("batch_stats")
        writer.beginArray()
        for batch in snapshot.batches {
            writer.beginObject()
            writer.key("batch_size")
            writer.number(batch.size)
            write("compute_input", batch.input, &writer)
            write("compute_infer", batch.infer, &writer)
            write("compute_output", batch.output, &writer)
            writer.endObject()
        }
        writer.endArray()
        writer.key("memory_usage")
        writer.beginArray()
        writer.endArray()
        writer.endObject()
    }

    private static func write(
        _ key: StaticString,
        _ block: CountAndTime,
        _ writer: inout JSONWriter
    ) {
        writer.key(key)
        writer.beginObject()
        writer.key("count")
        writer.number(block.count)
        writer.key("ns")
        writer.number(block.nanoseconds)
        writer.endObject()
    }
}
