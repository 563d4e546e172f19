import Testing

@testable import LoadGenerator

@Suite("Reading HTTP answers")
struct HTTPResponseReaderTests {
    struct Case: Sendable, CustomStringConvertible {
        var text: String
        var status: Int
        var body: String
        var closes = false
        var isLate = false
        var description: String { text.debugDescription }
    }

    static let cases = [
        Case(text: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", status: 200, body: "hello"),
        Case(
            text: "HTTP/1.1 200 OK\r\nsluice-late: 1\r\nCONTENT-LENGTH:0\r\n\r\n",
            status: 200,
            body: "",
            isLate: true
        ),
        Case(
            text: "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 No\r\nContent-Length: 2 \r\n\r\nno",
            status: 500,
            body: "no"
        ),
        Case(
            text: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                + "3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n",
            status: 200,
            body: "abc0123456789"
        ),
        Case(
            text: "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
            status: 404,
            body: "x",
            closes: true
        ),
        Case(text: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, body: ""),
    ]

    @Test("Answers are read whole, wherever the network cuts them", arguments: cases)
    func splits(example: Case) throws {
        let bytes = Array(example.text.utf8)
        for cut in 0...bytes.count {
            var reader = HTTPResponseReader(keepsBody: true)
            let first = try bytes[..<cut].withUnsafeBytes { try reader.read($0) }
            #expect(first == cut)
            let second = try bytes[cut...].withUnsafeBytes { try reader.read($0) }
            #expect(second == bytes.count - cut && reader.isComplete, "cut at \(cut)")
            #expect(reader.status == example.status && reader.closes == example.closes)
            #expect(reader.isLate == example.isLate)
            #expect(String(decoding: reader.body, as: UTF8.self) == example.body)
        }
    }

    @Test("What follows an answer is left alone, and an answer without a length ends at the close")
    func boundaries() throws {
        let two = Array("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP".utf8)
        var reader = HTTPResponseReader(keepsBody: false)
        #expect(try two.withUnsafeBytes { try reader.read($0) } == two.count - 4)
        #expect(reader.isComplete && reader.body.isEmpty)
        let open = Array("HTTP/1.0 200 OK\r\n\r\nabc".utf8)
        reader = HTTPResponseReader(keepsBody: true)
        #expect(try open.withUnsafeBytes { try reader.read($0) } == open.count)
        #expect(!reader.isComplete && reader.closes)
        let ended = reader.end()
        #expect(ended && reader.body == Array("abc".utf8))
        let cut = Array("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx".utf8)
        reader = HTTPResponseReader(keepsBody: true)
        _ = try cut.withUnsafeBytes { try reader.read($0) }
        let tooEarly = reader.end()
        #expect(!tooEarly)
    }

    @Test(
        "What is no HTTP is refused",
        arguments: [
            "SSH-2.0-OpenSSH_9.9 hello\r\n\r\n", "HTTP/1.1 abc OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        ]
    )
    func malformed(text: String) {
        let bytes = Array(text.utf8)
        #expect(throws: HTTPResponseReader.Malformed.self) {
            var reader = HTTPResponseReader(keepsBody: true)
            _ = try bytes.withUnsafeBytes { try reader.read($0) }
        }
    }

    @Test("A head without an end is given up at its limit")
    func endless() {
        let line = Array("HTTP/1.1 200 OK\r\n".utf8) + Array(repeating: 120, count: 1 << 17)
        #expect(throws: HTTPResponseReader.Malformed.self) {
            var reader = HTTPResponseReader(keepsBody: true)
            _ = try line.withUnsafeBytes { try reader.read($0) }
        }
    }
}
