import Documents
import ServingDomain
import Testing

@Suite("Plans as files")
struct PlanDocumentTests {
    private let devices = [
        DeviceSpec(id: DeviceID(0), name: "gpu0", kind: "k", units: 100),
        DeviceSpec(id: DeviceID(1), name: "gpu1", kind: "h", units: 132),
    ]
    private let models = ["resnet50", "bert"].enumerated().map { place, name in
        ModelSpec(id: ModelID(Int32(place)), name: name)
    }

    private var plan: Plan {
        let lane = Plan.LanePlacement(
            model: ModelID(0),
            batchLimit: 4,
            instances: 2,
            milliRate: 100_250,
            expected: .microseconds(31_200),
            worst: .milliseconds(75),
            violation: 0.004,
            why: "its \"knee\""
        )
        let other = Plan.LanePlacement(model: ModelID(1), batchLimit: 1, instances: 1)
        return Plan(
            planner: "elastic",
            devices: [
                .init(
                    device: DeviceID(0),
                    gpulets: [
                        .init(units: 40, slots: 1, dutyCycle: .microseconds(44_400), lanes: [lane]),
                        .init(units: 60, slots: 3, dutyCycle: nil, lanes: [other, lane]),
                    ]
                ),
                .init(
                    device: DeviceID(1),
                    gpulets: [.init(units: 8, slots: 1, dutyCycle: nil, lanes: [other])]
                ),
            ],
            unserved: [.init(model: ModelID(1), milliRate: 12_345, why: "no room")],
            bound: .init(name: "linear program", milliRate: 200_000)
        )
    }

    @Test("A plan survives the way to the file and back, and equal plans give equal bytes")
    func roundTrip() throws {
        let document = PlanDocument(plan, models: models, devices: devices, epoch: Epoch(3))
        let bytes = document.json()
        let read = try PlanDocument(reading: bytes, source: "plan.json")
        #expect(read == document && read.json() == bytes)
        #expect(try read.plan(models: models, devices: devices) == plan)
        #expect(read.epoch == 3 && !read.schedulable)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.hasPrefix(#"{"schedulable":false,"planner":"elastic","epoch":3"#))
        #expect(text.contains(#""share":6.06,"units":8"#))
    }

    @Test("Whether low gives way on a device is said where it does, and nowhere else")
    func givingWay() throws {
        var devices = devices
        devices[1].preemptsLow = true
        let document = PlanDocument(plan, models: models, devices: devices)
        let bytes = document.json()
        #expect(try PlanDocument(reading: bytes, source: "plan.json") == document)
        let text = String(decoding: bytes, as: UTF8.self)
        #expect(text.contains(#""id":"gpu1","preemptsLow":true,"#))
        #expect(text.contains(#""id":"gpu0","gpulets""#))
    }

    @Test("The example of the design reads, defaults included")
    func example() throws {
        let text = """
            {"schedulable":true,"planner":"elastic","devices":[{"id":"gpu0","gpulets":[{"share":40,
            "dutyCycleMs":44.4,"lanes":[{"model":"resnet50","batch":4,"rate":100,"expectedMs":31.2,
            "instances":1}]}]}],"unserved":[]}
            """
        let read = try PlanDocument(reading: Array(text.utf8), source: "p")
        let plan = try read.plan(models: models, devices: devices)
        #expect(plan.schedulable && plan.devices[0].gpulets[0].slots == 1)
        #expect(plan.devices[0].gpulets[0].lanes[0].milliRate == 100_000)
    }

    @Test(
        "A wrong plan names the place",
        arguments: [
            (
                #"{"id":"gpu7","gpulets":[]}"#,
                "devices[0].id: there is no device 'gpu7'; known: gpu0"
            ),
            (
                #"{"id":"gpu0","gpulets":[{"share":40.5,"lanes":[]}]}"#,
                "devices[0].gpulets[0].share: 40.5 % is not a whole number of the 100 units"
            ),
            (
                #"{"id":"gpu0","gpulets":[{"share":40,"units":41,"lanes":[]}]}"#,
                "devices[0].gpulets[0].units: 41 units are not the 40 %"
            ),
            (
                #"{"id":"gpu0","gpulets":[{"share":60,"lanes":[]},{"share":60,"lanes":[]}]}"#,
                "devices[0].gpulets: their shares are more than 100 % together"
            ),
            (
                "{id: gpu0, gpulets: [{share: 60, lanes: [{model: x, batch: 1, rate: 1}]}]}",
                "lanes[0].model: there is no model 'x'; known: resnet50, bert"
            ),
            (#"{"id":"gpu0","gpulets":[]},{"id":"gpu0","gpulets":[]}"#, "is there twice"),
            (
                "{id: gpu0, gpulets: [{share: 60, lanes: [{model: bert, batch: 0, rate: 1}]}]}",
                "lanes[0].batch: must lie within 1"
            ),
            (#"{"id":"gpu0","gpulet":[]}"#, "the nearest known one is 'gpulets'"),
        ]
    )
    func wrong(device: String, part: String) {
        let text = #"{"planner":"p","devices":["# + device + "]}"
        let error = #expect(throws: DocumentError.self) {
            _ = try PlanDocument(reading: Array(text.utf8), source: "p")
                .plan(models: models, devices: devices)
        }
        #expect(error?.description.contains(part) == true, "\(error?.description ?? "")")
        let contradiction = #"{"schedulable":false,"planner":"p","devices":[]}"#
        #expect(throws: DocumentError.self) {
            try PlanDocument(reading: Array(contradiction.utf8), source: "p")
        }
    }
}
