import ServerRuntime
import ServingDomain

/// A loaded model and the order in which its tensors are numbered.
final class ONNXModel: LoadedModel {
    /// What all instances share.
    let weights: ModelWeights
    /// The tensors in the order of the signature.
    let layout: TensorLayout
    private let processors: Processors
    private let gpus: [GPUDevice]
    private let provider: GPUProvider
    private let tenure = ModelTenure()
    private let graphs: GraphCaptures

    init(
        weights: ModelWeights,
        layout: TensorLayout,
        processors: Processors,
        gpus: [GPUDevice],
        provider: GPUProvider
    ) {
        self.weights = weights
        self.layout = layout
        self.processors = processors
        self.gpus = gpus
        self.provider = provider
        graphs = GraphCaptures(isOn: provider.capturesGraphs)
    }

    deinit {
        tenure.end()
        guard !gpus.isEmpty else { return }
        try? CaptureGate.beside { for gpu in gpus { gpu.idle.drop(of: tenure) } }
    }

    var declared: DeclaredSignature { weights.declared }

    var weightsMiB: Int64 { weights.weightsMiB }

    func makeInstance(_ placement: Placement) throws(EngineError) -> any EngineInstance {
        if let gpu = gpus.first(where: { $0.spec.name == placement.device.name }) {
            if holdsStrings, weights.settings.allowsFallback {
                return ONNXInstance(
                    model: self,
                    session: try weights.session(cores: 1, siblings: 1),
                    processors: processors,
                    standsInForGPU: true
                )
            }
            let sessions = GPUSessions(
                weights: weights,
                tenure: tenure,
                device: gpu,
                provider: provider,
                graphs: graphs
            )
            return try CaptureGate.beside { () throws(EngineError) in
                try GPUInstance(model: self, sessions: sessions, placement: placement)
            }
        }
        // Pinned first, so that a pool that is made here starts on the right cores.
        let cores = try processors.numbers(of: placement.own)
        if !cores.isEmpty { try Processors.pinCallingThread(to: cores) }
        let instance = ONNXInstance(
            model: self,
            session: try weights.session(
                cores: placement.width,
                siblings: placement.units.count / max(1, placement.width)
            ),
            processors: processors
        )
        try instance.pin(placement)
        instance.prepare()
        return instance
    }

    /// Whether a request brings or takes strings, which a GPU can't hold.
    private var holdsStrings: Bool {
        (layout.inputs + layout.outputs).contains { $0.type == .bytes }
    }
}
