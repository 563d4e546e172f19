import Foundation

/// A file that appears under its name only once it is whole.
final class AtomicFile {
    private let path: String
    private let handle: FileHandle

    private init(path: String, handle: FileHandle) {
        self.path = path
        self.handle = handle
    }

    /// Writes a file by what `fill` appends; on any error nothing is left behind, and a file that
    /// was there before stays as it was.
    static func write(
        _ path: String,
        _ fill: (AtomicFile) throws(ZooError) -> Void
    ) throws(ZooError) {
        let draft = "\(path).\(getpid()).part"
        guard
            FileManager.default.createFile(atPath: draft, contents: nil),
            let handle = FileHandle(forWritingAtPath: draft)
        else {
            throw .unwritable(path: path, reason: String(cString: strerror(errno)))
        }
        do throws(ZooError) {
            try fill(AtomicFile(path: path, handle: handle))
        } catch {
            try? handle.close()
            unlink(draft)
            throw error
        }
        // Closing can be what reports a full disk.
        let isClosed = (try? handle.close()) != nil
        guard isClosed, rename(draft, path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(draft)
            throw .unwritable(path: path, reason: reason)
        }
    }

    /// Makes a folder and those above it where they don't exist yet.
    static func makeFolder(_ path: String) throws(ZooError) {
        var part = path.hasPrefix("/") ? "" : "."
        for name in path.split(separator: "/") {
            part += "/\(name)"
            guard mkdir(part, 0o777) == 0 || errno == EEXIST else {
                throw .unwritable(path: part, reason: String(cString: strerror(errno)))
            }
        }
    }

    /// Appends bytes; blocks until the system has taken them.
    func append(_ bytes: UnsafeRawBufferPointer) throws(ZooError) {
        guard let start = bytes.baseAddress else { return }
        // Safe: `write` is done with the bytes before it returns, and only reads them.
        let readable = UnsafeMutableRawPointer(mutating: start)
        do {
            try handle.write(
                contentsOf: Data(bytesNoCopy: readable, count: bytes.count, deallocator: .none)
            )
        } catch {
            throw .failing(path, error)
        }
    }
}
