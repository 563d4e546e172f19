/// The messages that a model's configuration is made of.
///
/// Names, numbers and order are those of the wire's `inference.ModelConfig`: the order is that in
/// which Triton prints them. A table of our own serves text, JSON and the wire from one place and
/// prints defaults, which the generated message can't; the tests compare the two.
enum MessageType: Hashable, Sendable, CaseIterable {
    case modelConfig
    case versionPolicy, latest, all, specific
    case input, output, reshape, batchInput, batchOutput
    case optimization, graph, cuda, graphSpec, graphShape, lowerBound
    case accelerators, accelerator, pinnedMemory
    case dynamicBatching, queuePolicy
    case sequenceBatching, controlInput, control, sequenceState, initialState, direct, oldest
    case ensembling, ensembleStep
    case instanceGroup, secondaryDevice, rateLimiter, resource
    case parameter, warmup, warmupInput
    case operations, transactionPolicy, agents, agent, responseCache
    case metrics, metricControl, metricIdentifier, histogramOptions

    /// The message's fields in printing order.
    var fields: [FieldSchema] {
        switch self {
        case .modelConfig: ModelTables.modelConfig
        case .versionPolicy: ModelTables.versionPolicy
        case .latest: [FieldSchema("num_versions", 1, .uint32)]
        case .all: []
        case .specific: [FieldSchema("versions", 1, .int64, .many)]
        case .input: ModelTables.input
        case .output: ModelTables.output
        case .reshape: [FieldSchema("shape", 1, .int64, .many)]
        case .batchInput: ModelTables.batchInput
        case .batchOutput: ModelTables.batchOutput
        case .optimization: EngineTables.optimization
        case .graph: [FieldSchema("level", 1, .int32)]
        case .cuda: EngineTables.cuda
        case .graphSpec: EngineTables.graphSpec
        case .graphShape: [FieldSchema("dim", 1, .int64, .many)]
        case .lowerBound: EngineTables.lowerBound
        case .accelerators: EngineTables.accelerators
        case .accelerator: EngineTables.named
        case .pinnedMemory: [FieldSchema("enable", 1, .bool)]
        case .dynamicBatching: ModelTables.dynamicBatching
        case .queuePolicy: ModelTables.queuePolicy
        case .sequenceBatching: SequenceTables.sequenceBatching
        case .controlInput: SequenceTables.controlInput
        case .control: SequenceTables.control
        case .sequenceState: SequenceTables.state
        case .initialState: SequenceTables.initialState
        case .direct: SequenceTables.direct
        case .oldest: SequenceTables.oldest
        case .ensembling: SequenceTables.ensembling
        case .ensembleStep: SequenceTables.step
        case .instanceGroup: EngineTables.instanceGroup
        case .secondaryDevice: EngineTables.secondaryDevice
        case .rateLimiter: EngineTables.rateLimiter
        case .resource: EngineTables.resource
        case .parameter: [FieldSchema("string_value", 1, .string)]
        case .warmup: ModelTables.warmup
        case .warmupInput: ModelTables.warmupInput
        case .operations: [FieldSchema("op_library_filename", 1, .string, .many)]
        case .transactionPolicy: [FieldSchema("decoupled", 1, .bool)]
        case .agents: [FieldSchema("agents", 1, .message(.agent), .many)]
        case .agent: EngineTables.named
        case .responseCache: [FieldSchema("enable", 1, .bool)]
        case .metrics: [FieldSchema("metric_control", 1, .message(.metricControl), .many)]
        case .metricControl: EngineTables.metricControl
        case .metricIdentifier: [FieldSchema("family", 1, .string)]
        case .histogramOptions: [FieldSchema("buckets", 1, .double, .many)]
        }
    }
}
