/// What was found out about one GPU, or one MIG instance, which the driver shows like a GPU.
public struct GPUFacts: Hashable, Sendable {
    /// The driver's number of it, as `CUDA_VISIBLE_DEVICES` leaves them.
    public var ordinal: Int32
    /// The name that NVIDIA gave it.
    public var name: String
    /// Its unique number, such as `00010203-0405-0607-0809-0a0b0c0d0e0f`.
    public var uuid: String
    /// Its memory, in MiB.
    public var memoryMiB: Int64
    /// Its SMs.
    public var processors: Int32
    /// How many copies may run beside kernels: 2 = one each way.
    public var copyEngines: Int32
    /// The major of its compute capability.
    public var capability: Int32
    /// Of its PCIe link, the most that card and slot can; 0 = not known.
    public var linkGeneration: Int32, linkWidth: Int32
    /// Whether it is an instance of a card that is in MIG mode.
    public var isInstance: Bool
    /// The SMs' clock when it was found, in MHz; 0 = not known.
    public var clock: Int32

    /// The word that profiles are kept by, such as `h200`, `rtx-2080ti` or `h100-1g.10gb`.
    public var kind: String { Self.kind(of: name) }

    /// One line for the log.
    public var line: String {
        var parts = ["\(name), \(processors) SMs, \(memoryMiB) MiB, \(copyEngines) copy engines"]
        if linkGeneration > 0, linkWidth > 0 {
            parts.append("PCIe generation \(linkGeneration) x\(linkWidth)")
        }
        if clock > 0 { parts.append("\(clock) MHz") }
        if isInstance { parts.append("a MIG instance") }
        return parts.joined(separator: ", ")
    }

    /// NVIDIA's name without maker, form factor and memory, in lower case.
    static func kind(of name: String) -> String {
        let words = name.lowercased().split { $0 == " " || $0 == "-" }.map(String.init)
        var kept: [String] = []
        var profile: String?
        for (place, word) in words.enumerated() {
            if word == "mig", place + 1 < words.count { profile = words[place + 1] }
            let isForm = ["sxm", "pcie", "hbm", "nvl", "mig"].contains { word.hasPrefix($0) }
            if isForm || word.hasSuffix("gb") { break }
            if ["nvidia", "geforce", "graphics", "device"].contains(word) { continue }
            if word == "ti" || word == "super", let last = kept.popLast() {
                kept.append(last + word)
            } else {
                kept.append(word)
            }
        }
        if profile == nil, let mark = words.firstIndex(of: "mig"), mark + 1 < words.count {
            profile = words[mark + 1]
        }
        let kind = kept.isEmpty ? "gpu" : kept.joined(separator: "-")
        return profile.map { "\(kind)-\($0)" } ?? kind
    }
}
