import NIOCore

/// Bodies on their way out of an HTTP/2 connection, as far as the server's windows let them.
struct OutgoingBodies {
    private struct Rest {
        var stream: UInt32
        var bytes: ByteBuffer
        var window: Int
    }

    /// Bodies up to this many bytes are copied behind their headers; larger ones go as slices.
    private static let copyLimit = 32 << 10

    /// The largest DATA frame that the server takes.
    var frameLimit = 16_384
    private var initialWindow = 65_535
    private var connectionWindow = 65_535
    private var rests: [Rest] = []

    /// Writes what the windows allow, headers first; the rest follows when they open.
    mutating func begin(
        _ body: ByteBuffer,
        on stream: UInt32,
        behind headers: ByteBuffer,
        write: (ByteBuffer) -> Void
    ) {
        let count = body.readableBytes
        var headers = headers
        if rests.isEmpty, count <= min(Self.copyLimit, frameLimit, initialWindow, connectionWindow)
        {
            HTTP2Frame.write(
                HTTP2Frame.data,
                flags: HTTP2Frame.endStream,
                stream: stream,
                length: count,
                to: &headers
            )
            headers.writeImmutableBuffer(body)
            connectionWindow -= count
            write(headers)
            return
        }
        write(headers)
        rests.append(Rest(stream: stream, bytes: body, window: initialWindow))
        advance(write)
    }

    /// The server opens a window: a stream's, or (0) the connection's.
    mutating func open(stream: UInt32, by raise: Int, write: (ByteBuffer) -> Void) {
        if stream == 0 {
            connectionWindow += raise
        } else if let place = rests.firstIndex(where: { $0.stream == stream }) {
            rests[place].window += raise
        }
        advance(write)
    }

    /// The server changes the window that streams begin with, those that are open included.
    mutating func setInitialWindow(_ size: Int, write: (ByteBuffer) -> Void) {
        for place in rests.indices { rests[place].window += size - initialWindow }
        initialWindow = size
        advance(write)
    }

    /// Forgets a stream's rest; false if there was none.
    @discardableResult
    mutating func cancel(_ stream: UInt32) -> Bool {
        guard let place = rests.firstIndex(where: { $0.stream == stream }) else { return false }
        rests.remove(at: place)
        return true
    }

    private mutating func advance(_ write: (ByteBuffer) -> Void) {
        var place = 0
        while place < rests.count, connectionWindow > 0 {
            while true {
                let left = rests[place].bytes.readableBytes
                let count = min(left, frameLimit, connectionWindow, rests[place].window)
                guard count > 0, let slice = rests[place].bytes.readSlice(length: count) else {
                    break
                }
                connectionWindow -= count
                rests[place].window -= count
                var head = ByteBuffer()
                HTTP2Frame.write(
                    HTTP2Frame.data,
                    flags: count == left ? HTTP2Frame.endStream : 0,
                    stream: rests[place].stream,
                    length: count,
                    to: &head
                )
                write(head)
                write(slice)
            }
            if rests[place].bytes.readableBytes == 0 {
                rests.remove(at: place)
            } else {
                place += 1
            }
        }
    }
}
