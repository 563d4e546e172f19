import Glibc

/// A file that stays readable as it was opened, even after it was deleted or replaced.
final class MappedFile: @unchecked Sendable {
    // Safe: everything is set in `init`, and the mapping is only read.

    /// The file's bytes; read from disk when they are touched.
    let bytes: UnsafeRawBufferPointer
    private let descriptor: Int32

    /// Opens and maps a file; nil where that fails, with `errno` set.
    init?(path: String) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        var facts = stat()
        guard fstat(descriptor, &facts) == 0, facts.st_size > 0,
            let start = mmap(nil, Int(facts.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0),
            start != MAP_FAILED
        else {
            close(descriptor)
            return nil
        }
        bytes = UnsafeRawBufferPointer(start: start, count: Int(facts.st_size))
        self.descriptor = descriptor
    }

    deinit {
        munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
        close(descriptor)
    }

    /// Gives the memory of the bytes read so far back; they are read anew when touched.
    func forget() {
        madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, MADV_DONTNEED)
    }

    /// A path that leads to this very file for as long as the object lives.
    var path: String { "/proc/self/fd/\(descriptor)" }
}
