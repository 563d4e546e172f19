import OpenInference
import ServerRuntime

extension AdminEndpoints {
    /// The repository's index; the body may ask for the ready ones only.
    func index(_ body: [UInt8]) throws(WireError) -> HTTPReply {
        let request = try JSONBody.object(body)
        var readyOnly = false
        if let value = request["ready"] {
            guard case .flag(let flag) = value else {
                throw WireError(.invalidArgument, "'ready' must be true or false")
            }
            readyOnly = flag
        }
        let entries = runtime.index(readyOnly: readyOnly)
        return .json { writer in
            writer.beginArray()
            for entry in entries {
                writer.beginObject()
                writer.key("name")
                writer.string(entry.name)
                if let version = entry.version {
                    writer.key("version")
                    writer.string(String(version))
                }
                if let state = entry.state {
                    writer.key("state")
                    writer.string(state.rawValue)
                }
                if !entry.reason.isEmpty {
                    writer.key("reason")
                    writer.string(entry.reason)
                }
                writer.endObject()
            }
            writer.endArray()
        }
    }

    /// Loads or unloads a model.
    func change(
        _ name: String,
        _ call: Route.RepositoryCall,
        _ body: [UInt8]
    ) async throws(WireError) -> HTTPReply {
        let parameters = try Self.parameters(of: body)
        do throws(SourceError) {
            switch call {
            case .load:
                let override = try Self.override(parameters)
                try await runtime.load(name, override: override)
            case .unload:
                var dependents = false
                if case .flag(true) = parameters["unload_dependents"] { dependents = true }
                try await runtime.unload(name, dependents: dependents)
            }
        } catch {
            throw Self.wireError(error)
        }
        return HTTPReply()
    }

    /// The codes are Triton's, where an unknown model that is to be loaded is a failed poll, 500;
    /// but what this server never does is 501, since 503 would make clients try again.
    private static func wireError(_ error: SourceError) -> WireError {
        let kind: WireError.Kind =
            switch error.kind {
            case .invalid: .invalidArgument
            case .unsupported: .unsupported
            case .notFound, .unreadable: .internalFault
            }
        return WireError(kind, error.message)
    }

    private static func parameters(of body: [UInt8]) throws(WireError) -> JSONBody.Fields {
        let request = try JSONBody.object(body)
        switch request["parameters"] {
        case nil, .null: return JSONBody.Fields()
        case .object(let fields): return fields
        default: throw WireError(.invalidArgument, "'parameters' must be an object")
        }
    }

    private static func override(
        _ parameters: JSONBody.Fields
    ) throws(SourceError) -> LoadOverride? {
        var config: String?
        var files: [String: [UInt8]] = [:]
        for entry in parameters.entries {
            let name = entry.name
            guard case .text(let text) = entry.value else {
                throw SourceError(.invalid, "load parameter '\(name)' must be text")
            }
            if name == "config" {
                config = text
            } else if name.hasPrefix("file:") {
                guard let bytes = Base64.decode(text) else {
                    throw SourceError(.invalid, "load parameter '\(name)' is not base64")
                }
                files[String(name.dropFirst(5))] = bytes
            } else {
                throw SourceError(
                    .invalid,
                    "load parameter '\(name)' is unknown; there are config and file:<path>"
                )
            }
        }
        guard files.isEmpty || config != nil else {
            throw SourceError(.invalid, "load parameter 'config' must come with the files")
        }
        return config == nil ? nil : LoadOverride(config: config, files: files)
    }
}

/// Base64 with or without padding (RFC 4648, section 4).
enum Base64 {
    /// The bytes of a text; nil where it is not base64.
    static func decode(_ text: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.utf8.count / 4 * 3)
        var bits: UInt32 = 0
        var count = 0
        var padding = 0
        for byte in text.utf8 {
            if byte == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            guard padding == 0, let value = value(of: byte) else { return nil }
            bits = bits << 6 | value
            count += 6
            if count >= 8 {
                count -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
            }
        }
        guard padding <= 2, count < 6 else { return nil }
        return bytes
    }

    private static func value(of byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - 65)
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - 71)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte + 4)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
