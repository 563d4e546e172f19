/// Finds the route of a path. Case counts; a slash at the end leads nowhere (as in Triton).
enum Router {
    /// The longest path that is looked at.
    static let maxPath = 4_096

    /// The route of a request's target; nil where there is nothing.
    static func route(_ uri: String, metricsOnly: Bool) -> Route? {
        let path = uri.prefix { $0 != "?" && $0 != "#" }
        guard path.utf8.count <= maxPath, path.utf8.first == UInt8(ascii: "/") else { return nil }
        let parts = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if metricsOnly { return parts == ["metrics"] ? .metrics : nil }
        if parts.first == "v1" { return ours(Array(parts.dropFirst())) }
        guard parts.first == "v2", !parts.contains("") else { return nil }
        let rest = parts.dropFirst()
        switch rest.first {
        case nil: return .server
        case "health": return health(Array(rest.dropFirst()))
        case "models": return model(Array(rest.dropFirst()))
        case "repository": return repository(Array(rest.dropFirst()))
        case "systemsharedmemory": return memory(.system, Array(rest.dropFirst()))
        case "cudasharedmemory": return memory(.cuda, Array(rest.dropFirst()))
        case "logging": return rest.count == 1 ? .logging : nil
        case "trace": return rest.count == 2 && rest.last == "setting" ? .trace(model: nil) : nil
        default: return nil
        }
    }

    /// What the protocol knows nothing of.
    private static func ours(_ parts: [Substring]) -> Route? {
        if parts == ["plan"] { return .plan }
        guard parts.first == "devices" else { return nil }
        if parts.count == 1 { return .devices }
        guard parts.count == 3, parts[2] == "lost" || parts[2] == "back",
            let name = decoded(parts[1]), !name.isEmpty
        else { return nil }
        return .device(name: name, isBack: parts[2] == "back")
    }

    private static func health(_ parts: [Substring]) -> Route? {
        switch parts {
        case ["live"]: .live
        case ["ready"]: .ready
        default: nil
        }
    }

    private static func model(_ parts: [Substring]) -> Route? {
        guard let first = parts.first else { return nil }
        if parts == ["stats"] { return .allStatistics }
        guard let name = decoded(first) else { return nil }
        var rest = parts.dropFirst()
        var version: Int64?
        if rest.first == "versions" {
            guard let digits = rest.dropFirst().first, !digits.isEmpty,
                digits.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
            else { return nil }
            // A number beyond 64 bits names no version either.
            version = Int64(digits) ?? .max
            rest = rest.dropFirst(2)
        }
        if rest.isEmpty { return .model(.metadata, name: name, version: version) }
        if Array(rest) == ["trace", "setting"], version == nil { return .trace(model: name) }
        guard rest.count == 1, let call = rest.first.flatMap(call) else { return nil }
        return .model(call, name: name, version: version)
    }

    private static func call(_ word: Substring) -> Route.ModelCall? {
        switch word {
        case "infer": .infer
        case "ready": .ready
        case "config": .config
        case "stats": .statistics
        case "generate", "generate_stream": .generate
        default: nil
        }
    }

    private static func repository(_ parts: [Substring]) -> Route? {
        if parts == ["index"] { return .index }
        if parts.count == 2, parts[1] == "index" { return .namedRepository }
        let named = parts.count == 4 && parts[1] == "models"
        guard named || (parts.count == 3 && parts[0] == "models") else { return nil }
        let verb = parts.last
        guard verb == "load" || verb == "unload" else { return nil }
        if named { return .namedRepository }
        guard let name = decoded(parts[1]) else { return nil }
        return .repository(verb == "load" ? .load : .unload, name: name)
    }

    private static func memory(_ kind: Route.MemoryKind, _ parts: [Substring]) -> Route? {
        var rest = parts[...]
        var region: String?
        if rest.first == "region" {
            guard let name = rest.dropFirst().first.flatMap(decoded) else { return nil }
            region = name
            rest = rest.dropFirst(2)
        }
        guard rest.count == 1 else { return nil }
        switch rest.first {
        case "status": return .memory(kind, .status, region: region)
        case "register": return region == nil ? nil : .memory(kind, .register, region: region)
        case "unregister": return .memory(kind, .unregister, region: region)
        default: return nil
        }
    }

    /// A path's word with its `%xx` replaced; nil where that is no UTF-8.
    private static func decoded(_ word: Substring) -> String? {
        guard word.utf8.contains(UInt8(ascii: "%")) else { return String(word) }
        var bytes: [UInt8] = []
        var rest = word.utf8[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(hexadecimal),
                let low = rest.popFirst().flatMap(hexadecimal)
            else { return nil }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func hexadecimal(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - 48
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - 87
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - 55
        default: nil
        }
    }
}
