import NIOHPACK
import NIOHTTP2

/// The header blocks of replies. Those of the usual reply are made once.
enum ReplyFrames {
    /// The headers before the first message, by how messages are packed.
    static func head(_ encoding: MessageEncoding) -> HTTP2Frame.FramePayload {
        switch encoding {
        case .identity: plainHead
        case .gzip: gzipHead
        case .deflate: deflateHead
        }
    }

    /// The end of a call that went well, with nothing more to say.
    static let okTrailers = payload(["grpc-status": "0"], endStream: true)

    /// The end of a call whose head has been sent.
    static func trailers(_ status: Status, _ extra: ReplyMetadata) -> HTTP2Frame.FramePayload {
        if status.code == .ok, extra.isEmpty { return okTrailers }
        var headers = HPACKHeaders()
        headers.reserveCapacity(5)
        append(status, extra, to: &headers)
        return .headers(.init(headers: headers, endStream: true))
    }

    /// The whole reply of a call that has no message.
    static func trailersOnly(_ status: Status, _ extra: ReplyMetadata) -> HTTP2Frame.FramePayload {
        var headers: HPACKHeaders = [":status": "200", "content-type": "application/grpc"]
        headers.reserveCapacity(8)
        if status.code == .unimplemented {
            headers.add(name: "grpc-accept-encoding", value: MessageEncoding.offered)
        }
        append(status, extra, to: &headers)
        return .headers(.init(headers: headers, endStream: true))
    }

    /// The reply to what is no gRPC call at all.
    static func http(_ code: Int) -> HTTP2Frame.FramePayload {
        payload([":status": "\(code)"], endStream: true)
    }

    private static let plainHead = payload(
        [
            ":status": "200", "content-type": "application/grpc",
            "grpc-accept-encoding": MessageEncoding.offered,
        ]
    )
    private static let gzipHead = packedHead(.gzip)
    private static let deflateHead = packedHead(.deflate)

    private static func packedHead(_ encoding: MessageEncoding) -> HTTP2Frame.FramePayload {
        payload(
            [
                ":status": "200", "content-type": "application/grpc",
                "grpc-encoding": encoding.name,
                "grpc-accept-encoding": MessageEncoding.offered,
            ]
        )
    }

    private static func append(
        _ status: Status,
        _ extra: ReplyMetadata,
        to headers: inout HPACKHeaders
    ) {
        headers.add(name: "grpc-status", value: String(status.code.rawValue))
        if !status.message.isEmpty {
            headers.add(name: "grpc-message", value: PercentEncoding.encode(status.message))
        }
        if extra.isLate { headers.add(name: "sluice-late", value: "1") }
        if extra.isEmulated { headers.add(name: "sluice-emulated", value: "1") }
        if let predicted = extra.predicted {
            headers.add(name: "sluice-predicted-ms", value: predicted.millisecondText)
        }
    }

    private static func payload(
        _ headers: HPACKHeaders,
        endStream: Bool = false
    ) -> HTTP2Frame.FramePayload {
        .headers(.init(headers: headers, endStream: endStream))
    }
}
