import Glibc
import NIOPosix
import Synchronization

/// A reply as it came.
struct RawReply: Sendable {
    var status: Int
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    /// The value of a header.
    subscript(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    var text: String { String(decoding: body, as: UTF8.self) }

    /// The bytes behind the JSON, if the reply says that there are any.
    var binary: [UInt8]? {
        self["Inference-Header-Content-Length"].flatMap { Int($0) }.map { Array(body[$0...]) }
    }
}

/// A socket that sends what it is told and knows nothing of what a server expects.
final class RawClient: Sendable {
    struct Failure: Error { var what: String }

    /// Blocking calls wait on threads of their own, never on those that tests share.
    private static let threads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 96)
        pool.start()
        return pool
    }()

    private let file: Int32
    private let buffer = Mutex<[UInt8]>([])
    private let isOpen = Mutex(true)

    private init(file: Int32) { self.file = file }

    deinit { close() }

    static func connect(port: Int, receiveBuffer: Int32? = nil) async throws -> RawClient {
        try await threads.runIfActive {
            let file = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            guard file >= 0 else { throw Failure(what: "no socket") }
            if var size = receiveBuffer {
                setsockopt(file, SOL_SOCKET, SO_RCVBUF, &size, 4)
            }
            // Far beyond what anything here takes: a hang becomes a failure.
            var limit = timeval(tv_sec: 30, tv_usec: 0)
            setsockopt(file, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            setsockopt(file, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = in_port_t(port).bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            let status = withUnsafePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(file, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
            guard status == 0 else {
                Glibc.close(file)
                throw Failure(what: "can't connect")
            }
            return RawClient(file: file)
        }
    }

    func send(_ bytes: [UInt8]) async throws {
        try await Self.threads.runIfActive { [file] in
            var sent = 0
            while sent < bytes.count {
                let count = bytes[sent...].withUnsafeBytes {
                    Glibc.send(file, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                guard count > 0 else { throw Failure(what: "can't send") }
                sent += count
            }
        }
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    /// Says that nothing more will be sent.
    func finishSending() { shutdown(file, Int32(SHUT_WR)) }

    func close() {
        let closes = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        if closes { Glibc.close(file) }
    }

    /// The next bytes; empty when the server has closed.
    private func receive() async throws -> [UInt8] {
        try await Self.threads.runIfActive { [file] in
            var bytes = [UInt8](repeating: 0, count: 64 << 10)
            let count = bytes.withUnsafeMutableBytes { recv(file, $0.baseAddress, $0.count, 0) }
            if count < 0 {
                // A reset is an end, too; waiting in vain is not.
                guard errno == ECONNRESET else { throw Failure(what: "nothing came") }
                return []
            }
            return Array(bytes[..<count])
        }
    }

    /// Everything until the server closes.
    func rest() async throws -> [UInt8] {
        var all = buffer.withLock { buffer in
            defer { buffer = [] }
            return buffer
        }
        while true {
            let bytes = try await receive()
            guard !bytes.isEmpty else { return all }
            all += bytes
        }
    }

    /// The next line, its end left out.
    private func line() async throws -> String {
        while true {
            let found: [UInt8]? = buffer.withLock { buffer in
                guard let end = buffer.firstIndex(of: 0x0A) else { return nil }
                defer { buffer.removeFirst(end + 1) }
                return Array(buffer[..<end].filter { $0 != 0x0D })
            }
            if let found { return String(decoding: found, as: UTF8.self) }
            let bytes = try await receive()
            guard !bytes.isEmpty else { throw Failure(what: "the server closed") }
            buffer.withLock { $0 += bytes }
        }
    }

    /// The next reply, interim ones included.
    func reply(hasBody: Bool = true) async throws -> RawReply {
        let first = try await line().split(separator: " ")
        guard first.count >= 2, let status = Int(first[1]) else {
            throw Failure(what: "no status line: \(first)")
        }
        var reply = RawReply(status: status, headers: [], body: [])
        while case let text = try await line(), !text.isEmpty {
            let parts = text.split(separator: ":", maxSplits: 1)
            reply.headers.append(
                (String(parts[0]), String(parts.last?.drop { $0 == " " } ?? ""))
            )
        }
        let length = hasBody ? reply["Content-Length"].flatMap { Int($0) } ?? 0 : 0
        while buffer.withLock({ $0.count }) < length {
            let bytes = try await receive()
            guard !bytes.isEmpty else { throw Failure(what: "the body ends early") }
            buffer.withLock { $0 += bytes }
        }
        reply.body = buffer.withLock { buffer in
            defer { buffer.removeFirst(length) }
            return Array(buffer[..<length])
        }
        return reply
    }
}
