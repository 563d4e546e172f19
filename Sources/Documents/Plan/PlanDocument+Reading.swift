extension PlanDocument {
    /// The most entries of any of a plan's lists.
    public static let entryLimit = 65_536

    /// Reads a plan from JSON or YAML.
    public init(reading bytes: [UInt8], source: String) throws(DocumentError) {
        let root = try DocumentReader.read(bytes, source: source).object([
            "schedulable", "planner", "epoch", "bound", "devices", "unserved",
        ])
        planner = try root.required("planner").string()
        epoch = try root.optional("epoch")?.integer(in: 0...(1 << 60))
        bound = try root.optional("bound").map { node throws(DocumentError) in
            let object = try node.object(["name", "rate"])
            return Bound(
                name: try object.required("name").string(),
                rate: try object.required("rate").number(in: 0...1e12)
            )
        }
        devices = []
        for entry in try root.required("devices").list(limit: Self.entryLimit) {
            devices.append(try Device(entry))
        }
        unserved = []
        for entry in try root.optional("unserved")?.list(limit: Self.entryLimit) ?? [] {
            let object = try entry.object(["model", "rate", "why"])
            unserved.append(
                Unserved(
                    model: try object.required("model").name(),
                    rate: try object.required("rate").number(in: 0...1e12),
                    why: try object.optional("why")?.string()
                )
            )
        }
        if let said = root.optional("schedulable"), try said.bool() != schedulable {
            throw said.wrong("contradicts 'unserved', which has \(unserved.count) entries")
        }
    }

    /// The plan as JSON; equal plans give equal bytes.
    public func json() -> [UInt8] {
        let members: [(key: String, value: String?)] = [
            ("schedulable", String(schedulable)),
            ("planner", JSONText.string(planner)),
            ("epoch", epoch.map { String($0) }),
            (
                "bound",
                bound.map { bound in
                    JSONText.object([
                        ("name", JSONText.string(bound.name)),
                        ("rate", JSONText.number(bound.rate)),
                    ])
                }
            ),
            ("devices", JSONText.lines(devices.map(\.json))),
            ("unserved", JSONText.lines(unserved.map(\.json))),
        ]
        return Array((JSONText.object(members) + "\n").utf8)
    }
}

extension PlanDocument.Device {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object(["id", "preemptsLow", "gpulets"])
        id = try object.required("id").name()
        preemptsLow = try object.optional("preemptsLow")?.bool() ?? false
        gpulets = []
        for entry in try object.required("gpulets").list(limit: PlanDocument.entryLimit) {
            gpulets.append(try PlanDocument.Gpulet(entry))
        }
    }

    fileprivate var json: String {
        let parts = gpulets.map(\.json)
        return JSONText.object([
            ("id", JSONText.string(id)),
            ("preemptsLow", preemptsLow ? "true" : nil),
            ("gpulets", JSONText.list(parts)),
        ])
    }
}

extension PlanDocument.Gpulet {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object(["share", "units", "slots", "dutyCycleMs", "lanes"])
        share = try object.required("share").share()
        if let count = try object.optional("units")?.integer(in: 1...65_536) {
            units = Int32(count)
        }
        slots = Int32(try object.optional("slots")?.integer(in: 1...65_536) ?? 1)
        dutyCycleMs = try object.optional("dutyCycleMs")?.number(in: 0...1e9)
        lanes = []
        for entry in try object.required("lanes").list(limit: PlanDocument.entryLimit) {
            lanes.append(try PlanDocument.Lane(entry))
        }
    }

    fileprivate var json: String {
        JSONText.object([
            ("share", JSONText.number(share)),
            ("units", units.map { String($0) }),
            ("slots", slots == 1 ? nil : String(slots)),
            ("dutyCycleMs", dutyCycleMs.map(JSONText.number)),
            ("lanes", JSONText.list(lanes.map(\.json))),
        ])
    }
}

extension PlanDocument.Lane {
    fileprivate init(_ node: DocumentNode) throws(DocumentError) {
        let object = try node.object([
            "model", "batch", "rate", "expectedMs", "instances", "width", "worstMs", "violation",
            "why",
        ])
        self.init(
            model: try object.required("model").name(),
            batch: try object.batch(),
            rate: try object.required("rate").number(in: 0...1e12)
        )
        expectedMs = try object.optional("expectedMs")?.number(in: 0...1e9)
        instances = Int32(try object.optional("instances")?.integer(in: 1...65_536) ?? 1)
        if let count = try object.optional("width")?.integer(in: 1...65_536) {
            width = Int32(count)
        }
        worstMs = try object.optional("worstMs")?.number(in: 0...1e9)
        violation = try object.optional("violation")?.number(in: 0...1)
        why = try object.optional("why")?.string()
    }

    fileprivate var json: String {
        JSONText.object([
            ("model", JSONText.string(model)),
            ("batch", String(batch)),
            ("rate", JSONText.number(rate)),
            ("expectedMs", expectedMs.map(JSONText.number)),
            ("instances", String(instances)),
            ("width", width.map { String($0) }),
            ("worstMs", worstMs.map(JSONText.number)),
            ("violation", violation.map(JSONText.number)),
            ("why", why.map(JSONText.string)),
        ])
    }
}

extension PlanDocument.Unserved {
    fileprivate var json: String {
        JSONText.object([
            ("model", JSONText.string(model)), ("rate", JSONText.number(rate)),
            ("why", why.map(JSONText.string)),
        ])
    }
}
