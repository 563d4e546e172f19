public import ServingDomain

/// Requests for several networks in fixed proportions, or for an application that calls them
/// (gpu-lets; notes, 5.2 and 5.3).
public struct GpuLetsMix: Hashable, Sendable {
    /// One network of a mix.
    public struct Member: Hashable, Sendable {
        /// The model's name; LeNet stands there six times in the game.
        public var model: String
        /// The network that it is.
        public var network: String
        /// Its requests for each of the mix's unit.
        public var weight: Double
        /// Its objective in milliseconds; in an application its stage's budget.
        public var sloMs: Double
    }

    /// The mix's name.
    public let name: String
    /// Its networks.
    public let members: [Member]
    /// For an application: after which members each is called; nil = independent requests.
    public let stages: [[Int32]]?
    /// For an application: the objective of the whole, in milliseconds.
    public let sloMs: Double?

    private init(
        _ name: String,
        _ members: [(model: String, weight: Double, sloMs: Double?)],
        stages: [[Int32]]? = nil,
        sloMs: Double? = nil
    ) {
        self.name = name
        self.stages = stages
        self.sloMs = sloMs
        self.members = members.map { model, weight, slo in
            let network = model.hasPrefix("lenet") ? "lenet" : model
            let usual = GpuLetsWorld.objective(of: network, .atc)
            return Member(model: model, network: network, weight: weight, sloMs: slo ?? usual)
        }
    }

    /// The mixes of issue 3: three of the paper's, three of its scripts, two applications; with
    /// the ATC objectives.
    public static let all: [GpuLetsMix] = [
        GpuLetsMix(
            "equal",
            ["lenet", "googlenet", "resnet50", "ssd-mobilenetv1", "vgg16"].map { ($0, 1, nil) }
        ),
        GpuLetsMix(
            "long-only",
            ["resnet50", "ssd-mobilenetv1", "vgg16"].map { ($0, 1, nil) }
        ),
        GpuLetsMix(
            "short-skew",
            [
                ("lenet", 2, nil), ("googlenet", 2, nil), ("resnet50", 2, nil),
                ("ssd-mobilenetv1", 1, nil), ("vgg16", 1, nil),
            ]
        ),
        GpuLetsMix("scen3", ["resnet50", "vgg16", "mobilenet_v2"].map { ($0, 1, nil) }),
        GpuLetsMix(
            "scen4",
            ["ssd-mobilenetv1", "mnasnet1_0", "densenet161"].map { ($0, 1, nil) }
        ),
        GpuLetsMix(
            "scen5",
            ["lenet", "ssd-mobilenetv1", "vgg16", "mnasnet1_0"].map { ($0, 1, nil) }
        ),
        GpuLetsMix(
            "game",
            (1...6).map { ("lenet\($0)", 1, 108) } + [("resnet50", 1, 108)],
            stages: Array(repeating: [], count: 7),
            sloMs: 108
        ),
        GpuLetsMix(
            "traffic",
            [("ssd-mobilenetv1", 1, 90), ("googlenet", 1, 112), ("vgg16", 1, 112)],
            stages: [[], [0], [0]],
            sloMs: 202
        ),
    ]

    /// Requests per second of the whole at `multiple`: of applications, their own calls.
    public func rate(at multiple: Double) -> Double {
        stages == nil ? multiple * members.reduce(0) { $0 + $1.weight } : multiple
    }

    /// The application; nil where requests are independent.
    public var graph: Graph? {
        guard let stages, let sloMs else { return nil }
        return Graph(
            name: name,
            slo: .milliseconds(rounding: sloMs),
            stages: stages.enumerated().map { place, after in
                Graph.Stage(model: ModelID(Int32(place)), after: after)
            }
        )
    }
}
