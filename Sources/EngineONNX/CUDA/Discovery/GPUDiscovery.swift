import CCUDADriver
import ServerRuntime
import ServingDomain

/// Finds the GPUs that a request asks for and takes them.
struct GPUDiscovery {
    let driver: CUDADriver
    private let management: ManagementLibrary?

    /// Opens the driver, and the management library where it is.
    init(_ request: GPURequest) throws(EngineError) {
        driver = try CUDADriver(path: request.driver ?? CUDADriver.usualPath)
        // A driver that somebody names brings its own management library, or none.
        management = ManagementLibrary(path: request.driver ?? ManagementLibrary.usualPath)
    }

    /// The version of the driver's package where known, else the CUDA that it is for.
    var driverVersion: String { management?.driverVersion ?? "for CUDA \(driver.version)" }

    /// The facts of all devices that the driver shows.
    func facts() throws(EngineError) -> [GPUFacts] {
        var count: Int32 = 0
        try driver.check(driver.calls.device_count(&count), "counting GPUs")
        var found: [GPUFacts] = []
        for ordinal in 0..<count { found.append(try facts(of: ordinal)) }
        return found
    }

    /// Takes the devices with these facts and divides each as well as its driver can.
    func take(_ facts: [GPUFacts]) throws(EngineError) -> [GPUDevice] {
        var devices: [GPUDevice] = []
        for (place, facts) in facts.enumerated() {
            let number = try number(of: facts.ordinal)
            let context = try GPUContext(driver: driver, number: number)
            devices.append(
                try GPUDevice(id: DeviceID(Int32(place)), facts: facts, context: context)
            )
        }
        return devices
    }

    private func number(of ordinal: Int32) throws(EngineError) -> Int32 {
        var number: Int32 = 0
        try driver.check(driver.calls.device(&number, ordinal), "finding GPU \(ordinal)")
        return number
    }

    private func facts(of ordinal: Int32) throws(EngineError) -> GPUFacts {
        let number = try number(of: ordinal)
        let calls = driver.calls
        let (named, name) = readingText { calls.device_name($0, Int32($1), number) }
        try driver.check(named, "asking for GPU \(ordinal)'s name")
        var bytes = [UInt8](repeating: 0, count: 16)
        try driver.check(calls.device_uuid(&bytes, number), "asking for GPU \(ordinal)'s UUID")
        var memory = 0
        try driver.check(calls.device_memory(&memory, number), "asking for GPU \(ordinal)'s memory")
        func fact(_ which: Int32) throws(EngineError) -> Int32 {
            var value: Int32 = 0
            let code = calls.device_fact(&value, which, number)
            try driver.check(code, "asking for fact \(which) of GPU \(ordinal)")
            return value
        }
        let bus = Self.bus(
            domain: try fact(ccuda_fact_pci_domain),
            bus: try fact(ccuda_fact_pci_bus),
            slot: try fact(ccuda_fact_pci_device)
        )
        let more = management?.facts(bus: bus) ?? ManagementLibrary.Facts()
        return GPUFacts(
            ordinal: ordinal,
            name: name,
            uuid: Self.uuid(bytes),
            memoryMiB: Int64(memory) >> 20,
            processors: try fact(ccuda_fact_processors),
            copyEngines: try fact(ccuda_fact_copy_engines),
            capability: try fact(ccuda_fact_major),
            linkGeneration: more.generation,
            linkWidth: more.width,
            isInstance: more.isDivided,
            clock: more.clock
        )
    }

    /// A place on the bus as the management library writes it, such as `00000000:41:00.0`.
    static func bus(domain: Int32, bus: Int32, slot: Int32) -> String {
        hex(domain, 8) + ":" + hex(bus, 2) + ":" + hex(slot, 2) + ".0"
    }

    private static func uuid(_ bytes: [UInt8]) -> String {
        var text = ""
        for (place, byte) in bytes.enumerated() {
            if [4, 6, 8, 10].contains(place) { text += "-" }
            text += hex(Int32(byte), 2)
        }
        return text
    }

    private static func hex(_ value: Int32, _ digits: Int) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }
}
