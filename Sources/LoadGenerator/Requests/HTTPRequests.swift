import Foundation
import NIOCore
import ServingDomain

/// Requests of the v2 protocol over HTTP.
struct HTTPRequests {
    let address: ServerAddress

    /// The path of a model, without the leading `/v2/`.
    static func path(_ model: ModelLoad) -> String {
        let name = model.name.utf8.reduce(into: "") { text, byte in
            let letter = Character(Unicode.Scalar(byte))
            let plain = letter.isASCII && (letter.isLetter || letter.isNumber || byte == 45)
            text += plain || byte == 95 || byte == 46 ? String(letter) : "%" + Self.hex(byte)
        }
        return "models/" + name + (model.version.map { "/versions/\($0)" } ?? "")
    }

    /// A GET of `/v2/` and `path`, on a connection that the server closes afterwards.
    func get(_ path: String) -> PreparedRequest {
        let head =
            "GET /v2/\(path) HTTP/1.1\r\nHost: \(address.authority)\r\n"
            + "User-Agent: sluice-load\r\nConnection: close\r\n\r\n"
        return PreparedRequest(bytes: ByteBuffer(string: head), headers: nil, keepsBody: true)
    }

    /// A POST to `/v2/` and `path`, on a connection that the server closes afterwards.
    func post(_ path: String, body: String) -> PreparedRequest {
        let head =
            "POST /v2/\(path) HTTP/1.1\r\nHost: \(address.authority)\r\n"
            + "User-Agent: sluice-load\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n"
        return PreparedRequest(
            bytes: ByteBuffer(string: head + body),
            headers: nil,
            keepsBody: true
        )
    }

    /// An inference.
    ///
    /// - Parameter shared: Where the inputs lie for the payload `shared`; nil for the others.
    func infer(
        _ model: ModelLoad,
        inputs: [InputTensor],
        payload: LoadConfiguration.Payload,
        shared: SharedInputs? = nil
    ) throws(LoadError) -> PreparedRequest {
        var entries: [String] = []
        for (place, input) in inputs.enumerated() {
            let shape = input.shape.map(String.init).joined(separator: ",")
            let value =
                switch payload {
                case .binary: #""parameters":{"binary_data_size":\#(input.bytes.count)}"#
                case .json: #""data":[\#(try JSONValues.text(of: input))]"#
                case .shared: Self.reference(to: place, of: shared)
                }
            entries.append(
                #"{"name":\#(JSONValues.quoted(input.name)),"shape":[\#(shape)],"#
                    + #""datatype":"\#(input.type.name)",\#(value)}"#
            )
        }
        var parameters = payload != .json ? [#""binary_data_output":true"#] : []
        if model.priority > 0 { parameters.append(#""priority":\#(model.priority)"#) }
        if let timeout = model.timeout {
            parameters.append(#""timeout":\#(max(1, timeout.nanoseconds / 1_000))"#)
        }
        var json = #"{"inputs":[\#(entries.joined(separator: ","))]"#
        if !parameters.isEmpty {
            json += #","parameters":{\#(parameters.joined(separator: ","))}"#
        }
        json += "}"
        let tensors = payload == .binary ? inputs.reduce(0) { $0 + $1.bytes.count } : 0
        var head =
            "POST /v2/\(Self.path(model))/infer HTTP/1.1\r\nHost: \(address.authority)\r\n"
            + "User-Agent: sluice-load\r\nContent-Length: \(json.utf8.count + tensors)\r\n"
        switch payload {
        case .binary:
            head +=
                "Content-Type: application/octet-stream\r\n"
                + "Inference-Header-Content-Length: \(json.utf8.count)\r\n\r\n"
        case .json, .shared:
            head += "Content-Type: application/json\r\n\r\n"
        }
        var bytes = ByteBuffer()
        bytes.reserveCapacity(head.utf8.count + json.utf8.count + tensors)
        bytes.writeString(head)
        bytes.writeString(json)
        if payload == .binary {
            for input in inputs { bytes.writeBytes(input.bytes) }
        }
        return PreparedRequest(bytes: bytes, headers: nil, keepsBody: false)
    }

    private static func reference(to place: Int, of shared: SharedInputs?) -> String {
        guard let shared else { preconditionFailure("the payload shared needs its region") }
        let range = shared.ranges[place]
        return #""parameters":{"shared_memory_region":"\#(shared.name)","#
            + #""shared_memory_offset":\#(range.lowerBound),"#
            + #""shared_memory_byte_size":\#(range.count)}"#
    }

    private static func hex(_ byte: UInt8) -> String {
        let text = String(byte, radix: 16, uppercase: true)
        return text.count == 1 ? "0" + text : text
    }
}
