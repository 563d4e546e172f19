import NIOHPACK
import OpenInference
import ServerRuntime
import ServingDomain
import Testing

@testable import GRPCFront

/// Headers are read as gRPC writes them, and what is wrong in them is seen.
@Suite struct WireTextTests {
    @Test(
        "Timeouts are read in all units",
        arguments: [
            ("5n", 5), ("7u", 7_000), ("200m", 200_000_000), ("3S", 3_000_000_000),
            ("2M", 120_000_000_000), ("1H", 3_600_000_000_000), ("0m", 0),
            ("99999999H", Int64.max),
        ]
    )
    func timeouts(_ text: String, _ nanoseconds: Int64) {
        #expect(TimeoutHeader.parse(text)?.nanoseconds == nanoseconds)
    }

    @Test(
        "What is no timeout is none",
        arguments: [
            "", "m", "5", "5x", "5mm", "m5", "123456789m", "-5m", "5 m", "٥m",
        ]
    )
    func noTimeouts(_ text: String) {
        #expect(TimeoutHeader.parse(text) == nil)
    }

    @Test("Messages are encoded byte by byte, and printable ones stay as they are")
    func percent() {
        #expect(PercentEncoding.encode("plain text ~") == "plain text ~")
        #expect(PercentEncoding.encode("50% ü\n") == "50%25 %C3%BC%0A")
        #expect(PercentEncoding.encode("") == "")
        let long = String(repeating: "x", count: 5_000)
        #expect(PercentEncoding.encode(long).utf8.count == PercentEncoding.longestMessage)
    }

    private func head(_ more: [(String, String)], _ path: String) -> CallHead {
        var headers: HPACKHeaders = [":method": "POST", "content-type": "application/grpc"]
        headers.add(name: ":path", value: path)
        for (name, value) in more { headers.add(name: name, value: value) }
        return CallHead(headers)
    }

    private let infer = "/inference.GRPCInferenceService/ModelInfer"

    @Test("The usual head of an inference")
    func usualHead() {
        let head = head(
            [("grpc-timeout", "50m"), ("grpc-accept-encoding", "identity, deflate, gzip")],
            infer
        )
        #expect(head.method == .modelInfer && head.refusal == nil)
        #expect(head.timeout == .milliseconds(50))
        #expect(head.replyEncoding == .identity)
    }

    @Test("A client that packs, and takes the same, gets packed replies")
    func packedHead() {
        let accept = ("grpc-accept-encoding", "gzip")
        #expect(head([("grpc-encoding", "gzip"), accept], infer).replyEncoding == .gzip)
        #expect(head([("grpc-encoding", "deflate"), accept], infer).replyEncoding == .identity)
        #expect(head([("grpc-encoding", "br"), accept], infer).encoding == nil)
    }

    @Test("Heads that are no call are told apart")
    func refusals() {
        #expect(head([("grpc-timeout", "soon")], infer).refusal != nil)
        #expect(head([], "/inference.GRPCInferenceService/Nope").method == nil)
        #expect(CallHead([":method": "GET", ":path": infer]).refusal == .badVerb)
        let html: HPACKHeaders = [
            ":method": "POST", ":path": infer, "content-type": "text/html",
        ]
        #expect(CallHead(html).refusal == .badContentType)
        let json: HPACKHeaders = [
            ":method": "POST", ":path": infer, "content-type": "application/grpc+json",
        ]
        #expect(CallHead(json).refusal == .badContentType)
    }

    @Test("Every outcome has the code of the design's table, and Triton's where that is asked for")
    func statusTable() {
        let table: [(Ending, StatusCode, StatusCode)] = [
            (.completed(late: true, predicted: nil), .ok, .ok),
            (.timedOut, .deadlineExceeded, .unavailable),
            (.dropped(.expired), .deadlineExceeded, .unavailable),
            (.dropped(.hopeless), .deadlineExceeded, .unavailable),
            (.dropped(.queueTimeout), .deadlineExceeded, .unavailable),
            (.refused(.queueFull), .resourceExhausted, .unavailable),
            (.refused(.hopeless), .resourceExhausted, .unavailable),
            (.refused(.notReady), .unavailable, .unavailable),
            (.noDevice("device gpu0 was lost"), .unavailable, .unavailable),
            (.refused(.unloading), .unavailable, .unavailable),
            (.refused(.draining), .unavailable, .unavailable),
            (.refused(.noRoom), .unavailable, .unavailable),
            (.failed("why"), .internalError, .internalError),
            (.cancelled, .cancelled, .cancelled),
        ]
        for (ending, ours, triton) in table {
            #expect(StatusMap(tritonCompat: false).status(ending).code == ours)
            #expect(StatusMap(tritonCompat: true).status(ending).code == triton)
        }
        for kind in WireError.Kind.allCases {
            let status = StatusMap(tritonCompat: false).status(WireError(kind, "x"))
            #expect(status.code.rawValue == kind.grpcStatus && status.message == "x")
        }
    }

    @Test("Milliseconds are printed with three decimals")
    func milliseconds() {
        #expect(TimeSpan(nanoseconds: 12_345_678).millisecondText == "12.345")
        #expect(TimeSpan(nanoseconds: 5_000).millisecondText == "0.005")
        #expect(TimeSpan(nanoseconds: -1).millisecondText == "0.000")
    }
}
